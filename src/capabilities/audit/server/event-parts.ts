import type { AuditEventAgent, AuditEventEntity, CodeableConcept, Coding } from '@medplum/fhirtypes';
import { bytesToBase64, utf8 } from '../../../std/bytes.ts';
import { ruleText } from '../../consent/contract/rule-text.ts';
import { ACCOUNT_SYSTEM } from '../../membership/contract/account-systems.ts';
import { AGENTS, ENTITIES, PURPOSES, ROLES } from './event-codes.ts';
import type { EventFacts } from './event-facts.ts';
import type { EventNames } from './event-names.ts';

type AgentReference = NonNullable<AuditEventAgent['who']>;

/** Who serves and keeps the journal, and where. */
export interface AuditSource {
  /** Member account of the custodian, and its name. */
  readonly custodian: string;
  readonly name: string;
  /** Addresses, without a slash at their ends. */
  readonly fhirUrl: string;
  readonly auditUrl: string;
}

/** Most leaves and rules of an entry that its event lists; how many there are is said besides. */
const MOST_LISTED = 100;

/** The address of a client's connection is nowhere recorded, and a profile that wants one is told so. */
const NO_NETWORK: NonNullable<AuditEventAgent['network']> = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unsupported' }],
};

export function conceptOf(coding: Coding): CodeableConcept {
  return { coding: [coding] };
}

export function purposesOf({ purpose }: EventFacts): CodeableConcept[] {
  return purpose === '' ? [] : [conceptOf({ system: PURPOSES, code: purpose })];
}

export function serverReference({ custodian, name }: AuditSource): AgentReference {
  return { identifier: { system: ACCOUNT_SYSTEM, value: custodian }, display: name };
}

export function serverAgent(source: AuditSource, type: Coding): AuditEventAgent {
  return {
    type: conceptOf(type),
    who: serverReference(source),
    requestor: false,
    network: { address: source.fhirUrl, type: '5' },
  };
}

/** The app that asked. Where it asked for nobody, it is the one that asked. */
export function clientAgent(facts: EventFacts, type: Coding): AuditEventAgent {
  const { client } = facts;
  const who: AgentReference =
    client === undefined
      ? { display: 'not recorded' }
      : client === ''
        ? { display: 'a token that the organisation issued' }
        : { identifier: { system: 'urn:aceso:client', value: client } };
  return { type: conceptOf(type), who, requestor: !hasUser(facts), network: NO_NETWORK };
}

/** A system of an organisation acts under the organisation's own account. */
export function hasUser({ actor, organisation }: EventFacts): boolean {
  return actor !== organisation;
}

export function userAgent(facts: EventFacts, names: EventNames, source: AuditSource, type: Coding): AuditEventAgent {
  const { actor, account } = facts;
  const person = names.person(actor);
  const patient = actor === account ? names.patient(account) : undefined;
  const identifier = { system: ACCOUNT_SYSTEM, value: actor };
  const own = patient === undefined ? '' : `Patient/${patient}`;
  const local = person?.id === undefined ? own : `Practitioner/${person.id}`;
  const purposes = purposesOf(facts);
  return {
    type: conceptOf(type),
    who: {
      identifier,
      ...(local === '' ? {} : { reference: `${source.fhirUrl}/${local}` }),
      ...(person === undefined || person.display === '' ? {} : { display: person.display }),
    },
    ...(person === undefined || person.display === '' ? {} : { name: person.display }),
    requestor: true,
    ...(purposes.length === 0 ? {} : { purposeOfUse: purposes }),
  };
}

export function organisationAgent({ organisation }: EventFacts, names: EventNames): AuditEventAgent {
  return { type: conceptOf(AGENTS.organisation), who: organisationReference(organisation, names), requestor: false };
}

export function organisationReference(organisation: string, names: EventNames): AgentReference {
  if (organisation === '') return { display: 'not recorded' };
  const display = names.organisation(organisation);
  return { identifier: { system: ACCOUNT_SYSTEM, value: organisation }, ...(display === undefined ? {} : { display }) };
}

/** None for records of the custodian's own. */
export function patientEntities({ account }: EventFacts, names: EventNames, source: AuditSource): AuditEventEntity[] {
  if (account === source.custodian) return [];
  const id = names.patient(account);
  const what: NonNullable<AuditEventEntity['what']> = {
    ...(id === undefined ? {} : { reference: `${source.fhirUrl}/Patient/${id}` }),
    type: 'Patient',
    identifier: { system: ACCOUNT_SYSTEM, value: account },
  };
  return [{ what, type: ENTITIES.person, role: ROLES.patient }];
}

export function requestEntities({ request }: EventFacts): AuditEventEntity[] {
  return request === '' ? [] : [{ what: { identifier: { value: request } }, type: ENTITIES.request }];
}

/** The resource that was named, or the one version that it came to by the leaf that proves it. */
export function dataEntity({ path, leaves }: EventFacts, source: AuditSource): AuditEventEntity {
  const [leaf] = leaves;
  const what: NonNullable<AuditEventEntity['what']> = {
    ...(/^[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]+/.test(path) ? { reference: `${source.fhirUrl}/${path}` } : {}),
    ...(leaf === undefined ? {} : { identifier: { system: LEAVES, value: leaf } }),
  };
  const isNamed = what.reference !== undefined || what.identifier !== undefined;
  return { what: isNamed ? what : { display: 'not recorded' }, type: ENTITIES.object, role: ROLES.resource };
}

/** System of identifiers that are leaves of the journal, each of one version of one resource. */
const LEAVES = 'urn:aceso:leaf';

/** What was found or taken, beside the one object that a profile wants. */
export function leafEntities({ leaves }: EventFacts): AuditEventEntity[] {
  return leaves.slice(0, MOST_LISTED).map((leaf) => ({
    what: { identifier: { system: LEAVES, value: leaf } },
    type: ENTITIES.other,
    role: ROLES.resource,
  }));
}

/** The search as the journal has it: no values. */
export function queryEntity({ path, parameters }: EventFacts): AuditEventEntity {
  const query = parameters === '' ? path : `${path}?${parameters}`;
  return {
    type: ENTITIES.object,
    role: ROLES.query,
    description: 'Names of the parameters; their values are not recorded.',
    query: bytesToBase64(utf8(query === '' ? '*' : query)),
  };
}

/** Each rule of a decision, by the Consent where it is known which. */
export function ruleEntities({ rules }: EventFacts, names: EventNames, source: AuditSource): AuditEventEntity[] {
  return rules.slice(0, MOST_LISTED).map((rule) => {
    const reference = names.consent(rule);
    return {
      what: {
        ...(reference === undefined ? {} : { reference: `${source.fhirUrl}/${reference}` }),
        identifier: { system: 'urn:aceso:rule', value: rule },
      },
      type: ENTITIES.consent,
      name: ruleText(rule),
    };
  });
}
