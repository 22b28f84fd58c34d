import type { AuditEvent, AuditEventAgent, AuditEventEntity, Coding } from '@medplum/fhirtypes';
import { msToInstant } from '../../../std/instant.ts';
import { isRoleRule, ruleText } from '../../consent/contract/rule-text.ts';
import { AGENTS, APPLICATION_SERVER, balpProfile, ENTITIES, interactionCodings, SUB, TYPES } from './event-codes.ts';
import { type EventFacts, eventId } from './event-facts.ts';
import type { EventNames } from './event-names.ts';
import {
  type AuditSource,
  clientAgent,
  conceptOf,
  dataEntity,
  hasUser,
  leafEntities,
  organisationAgent,
  organisationReference,
  patientEntities,
  purposesOf,
  queryEntity,
  requestEntities,
  ruleEntities,
  serverAgent,
  serverReference,
  userAgent,
} from './event-parts.ts';

/** What differs from kind to kind. */
interface EventShape {
  /** Name of the BALP profile without `Patient`, and whether there is one with it. */
  readonly profile?: string;
  readonly type: Coding;
  readonly subtype: readonly Coding[];
  readonly action: NonNullable<AuditEvent['action']>;
  readonly agents: readonly AuditEventAgent[];
  readonly entities: readonly AuditEventEntity[];
}

/** The AuditEvent of a journal entry: its own of the BALP pattern that fits, or of none where BALP has none. */
export function renderEvent(facts: EventFacts, names: EventNames, source: AuditSource): AuditEvent {
  if (facts.kind === 'refusal') return renderDecision(facts, names, source);
  return eventOf(facts, source, shapeOf(facts, names, source), '0');
}

/**
 * The decision on what a journal entry is about, by BALP's AuthZconsent; one that no policy of the patient's took part in
 * is of the same form but of no profile. For a refusal it is the event itself.
 */
export function renderDecision(facts: EventFacts, names: EventNames, source: AuditSource): AuditEvent {
  const { decision, kind, rules, account } = facts;
  const isRole = account === source.custodian || (rules.length > 0 && rules.every(isRoleRule));
  const consents = ruleEntities(facts, names, source);
  const none = { what: { display: 'no consent' }, type: ENTITIES.consent };
  const shape: EventShape = {
    ...(isRole ? {} : { profile: 'AuthZconsent' }),
    ...{ type: TYPES.alert, subtype: [isRole ? SUB.roleDecision : SUB.consentDecision], action: 'E' },
    agents: [
      { ...clientAgent(facts, AGENTS.application), requestor: false },
      userAgent(facts, names, source, AGENTS.recipient),
      organisationAgent(facts, names),
      { type: conceptOf(AGENTS.authorizer), who: serverReference(source), requestor: false },
    ],
    entities: [...patientEntities(facts, names, source), ...(consents.length === 0 ? [none] : consents)],
  };
  const event = eventOf(facts, source, shape, decision === 'permit' ? '0' : '4');
  return kind === 'refusal' ? event : { ...event, id: eventId(facts, 'decision') };
}

/** Whether the decision behind an entry is an event of its own, for those who ask for decisions. */
export function hasDecision({ kind, rules }: EventFacts): boolean {
  return (kind === 'read' || kind === 'release' || kind === 'receipt') && rules.length > 0;
}

function eventOf(
  facts: EventFacts,
  source: AuditSource,
  { profile, type, subtype, action, agents, entities }: EventShape,
  outcome: NonNullable<AuditEvent['outcome']>,
): AuditEvent {
  const purposes = purposesOf(facts);
  const reason = whyText(facts);
  const id = eventId(facts);
  return {
    resourceType: 'AuditEvent',
    id,
    ...(profile === undefined ? {} : { meta: { profile: [balpProfile(profile)] } }),
    extension: [{ url: 'urn:aceso:audit:receipt', valueUrl: `${source.auditUrl}/AuditEvent/${id}/$receipt` }],
    type,
    ...(subtype.length === 0 ? {} : { subtype: [...subtype] }),
    action,
    recorded: msToInstant(facts.timeMs),
    outcome,
    ...(reason === '' ? {} : { outcomeDesc: reason }),
    ...(purposes.length === 0 ? {} : { purposeOfEvent: purposes }),
    agent: [...agents],
    source: { site: source.name, observer: serverReference(source), type: [APPLICATION_SERVER] },
    entity: [...entities],
  };
}

/** Why it was decided as it was, in sentences; '' for what no decision is recorded of. */
export function whyText({ decision, kind, rules, interaction, path }: EventFacts): string {
  const what = [interaction, path].filter((part) => part !== '').join(' of ');
  const asked = decision === 'deny' ? [`Refused${what === '' ? '' : `: ${what}`}.`] : [];
  if (kind === 'write') return '';
  return [...asked, ...rules.slice(0, 8).map(ruleText)].join(' ');
}

function shapeOf(facts: EventFacts, names: EventNames, source: AuditSource): EventShape {
  switch (facts.kind) {
    case 'write':
      return writeShape(facts, names, source);
    case 'release':
      return disclosureShape(facts, names, source);
    case 'break-glass':
      return otherShape(facts, names, source, { type: TYPES.alert, subtype: [SUB.emergency], action: 'E' });
    case 'revocation':
      return otherShape(facts, names, source, { type: TYPES.amend, subtype: [], action: 'U' });
    case 'erasure':
      return otherShape(facts, names, source, { type: TYPES.destroy, subtype: [], action: 'D' });
    default:
      return readShape(facts, names, source);
  }
}

const WRITE_ACTIONS = { create: 'C', update: 'U', delete: 'D' } as const;

function writeShape(facts: EventFacts, names: EventNames, source: AuditSource): EventShape {
  const { action = 'update', interaction, organisation } = facts;
  // BALP has the roles of a deletion differ from those of other writes.
  const [client, server] =
    action === 'delete' ? [AGENTS.application, AGENTS.custodian] : [AGENTS.source, AGENTS.destination];
  const isPatient = facts.account !== source.custodian;
  return {
    profile: `${isPatient ? 'Patient' : ''}${action.charAt(0).toUpperCase()}${action.slice(1)}`,
    ...{ type: TYPES.rest, subtype: interactionCodings(interaction), action: WRITE_ACTIONS[action] },
    agents: [
      ...[clientAgent(facts, client), serverAgent(source, server)],
      ...(hasUser(facts) ? [userAgent(facts, names, source, AGENTS.author)] : []),
      ...(organisation === '' ? [] : [organisationAgent(facts, names)]),
    ],
    entities: [...patientEntities(facts, names, source), ...[dataEntity(facts, source), ...requestEntities(facts)]],
  };
}

const READS: ReadonlySet<string> = new Set(['read', 'vread']);
const QUERIES: ReadonlySet<string> = new Set(['search', 'search-type', 'search-system']);
/** Interactions that bring about more than they read, R4's `E`. */
const EXECUTED: ReadonlySet<string> = new Set(['batch', 'transaction']);

function readShape(facts: EventFacts, names: EventNames, source: AuditSource): EventShape {
  const { interaction, account } = facts;
  const [isRead, isQuery] = [READS.has(interaction), QUERIES.has(interaction)];
  const isExecuted = isQuery || EXECUTED.has(interaction) || interaction.startsWith('$');
  const [client, server] = isQuery ? [AGENTS.source, AGENTS.destination] : [AGENTS.destination, AGENTS.source];
  const profile = `${account === source.custodian ? '' : 'Patient'}${isRead ? 'Read' : 'Query'}`;
  const objects = isQuery
    ? [queryEntity(facts), ...leafEntities(facts)]
    : isRead || facts.leaves.length <= 1
      ? [dataEntity(facts, source)]
      : leafEntities(facts);
  return {
    ...(isRead || isQuery ? { profile } : {}),
    ...{ type: TYPES.rest, subtype: interactionCodings(interaction), action: isExecuted ? 'E' : 'R' },
    agents: [
      clientAgent(facts, client),
      serverAgent(source, server),
      ...(hasUser(facts) ? [userAgent(facts, names, source, AGENTS.recipient)] : []),
      organisationAgent(facts, names),
    ],
    entities: [
      ...patientEntities(facts, names, source),
      ...objects,
      ...requestEntities(facts),
      ...ruleEntities(facts, names, source),
    ],
  };
}

/** A release of records to another organisation; at the one that receives them, their arrival. */
function disclosureShape(facts: EventFacts, names: EventNames, source: AuditSource): EventShape {
  const isOurs = facts.organisation === source.custodian;
  const here = { type: isOurs ? AGENTS.destination : AGENTS.source, who: serverReference(source) };
  const there = {
    type: isOurs ? AGENTS.source : AGENTS.destination,
    who: isOurs ? { display: 'the custodian of the account' } : organisationReference(facts.organisation, names),
  };
  return {
    profile: isOurs ? 'PrivacyDisclosure.Recipient' : 'PrivacyDisclosure.Source',
    ...{ type: isOurs ? TYPES.imported : TYPES.exported, subtype: [SUB.disclose], action: isOurs ? 'C' : 'R' },
    agents: [
      serverAgent(source, here.type),
      { ...clientAgent(facts, there.type), who: there.who, requestor: !hasUser(facts) },
      ...(hasUser(facts) ? [userAgent(facts, names, source, AGENTS.recipient)] : []),
    ],
    entities: [...patientEntities(facts, names, source), ...leafEntities(facts), ...ruleEntities(facts, names, source)],
  };
}

function otherShape(
  facts: EventFacts,
  names: EventNames,
  source: AuditSource,
  kind: Pick<EventShape, 'type' | 'subtype' | 'action'>,
): EventShape {
  return {
    ...kind,
    agents: [userAgent(facts, names, source, AGENTS.author), organisationAgent(facts, names)],
    entities: [
      ...patientEntities(facts, names, source),
      ...leafEntities(facts),
      ...requestEntities(facts),
      ...ruleEntities(facts, names, source),
    ],
  };
}
