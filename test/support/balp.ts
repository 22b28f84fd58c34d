import type { AuditEvent, AuditEventAgent, AuditEventEntity, Coding } from '@medplum/fhirtypes';

/*
 * What the profiles of IHE BALP 1.1.3 require of an AuditEvent beyond R4, as a table: the package `ihe.iti.balp` is on no
 * registry that tests reach. Of https://profiles.ihe.net/ITI/BALP/artifacts.html, each line by its differential.
 */

interface AgentRule {
  readonly type: string | readonly string[];
  readonly network?: 'needed' | 'none';
  readonly requestor?: boolean;
  readonly isOptional?: true;
  /** Members that the profile leaves no room for. */
  readonly without?: readonly (keyof AuditEventAgent)[];
  /** Is the source's observer too. */
  readonly isSource?: true;
}

interface ProfileRule {
  readonly type: string;
  readonly subtypes: readonly string[];
  readonly action: string;
  readonly outcome?: string;
  readonly agents: readonly AgentRule[];
  readonly patient: boolean;
  /** Number of entities of a type, least and most. */
  readonly entities: readonly (readonly [type: string, least: number, most: number])[];
  readonly isClosed?: true;
  readonly query?: true;
}

const DCM = 'http://dicom.nema.org/resources/ontology/DCM|';
const REST = 'http://terminology.hl7.org/CodeSystem/audit-event-type|rest';
const INTERACTION = 'http://hl7.org/fhir/restful-interaction|';
const ENTITY = 'http://terminology.hl7.org/CodeSystem/audit-entity-type|';
const PART = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType|';
const BALP = 'https://profiles.ihe.net/ITI/BALP/';
const REQUEST = `${BALP}CodeSystem/BasicAuditEntityType|XrequestId`;
const RECIPIENT = `${PART}IRCP`;
const AUTHORS = ['AUT', 'INF', 'CST'].map((code) => PART + code);
const CONSENT = 'http://hl7.org/fhir/resource-types|Consent';

function rest(
  action: string,
  subtypes: readonly string[],
  [client, server]: readonly [string, string],
  user: string | readonly string[],
): Omit<ProfileRule, 'patient'> {
  const media = ['media'] as const;
  return {
    ...{ type: REST, subtypes: subtypes.map((code) => INTERACTION + code), action, outcome: '0' },
    agents: [
      { type: client, network: 'needed', without: media },
      { type: server, network: 'needed', without: media },
      { type: user, network: 'none', requestor: true, isOptional: true, without: media },
    ],
    entities: [
      [`${ENTITY}2`, 1, 1],
      [REQUEST, 0, 1],
    ],
    ...(action === 'E' ? { query: true as const } : {}),
  };
}

const [SOURCE, DESTINATION] = [`${DCM}110153`, `${DCM}110152`];
const CUSTODIAN = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type|custodian';
const BASIC = {
  Create: rest('C', ['create'], [SOURCE, DESTINATION], AUTHORS),
  Read: rest('R', ['read', 'vread'], [DESTINATION, SOURCE], RECIPIENT),
  Update: rest('U', ['update', 'patch'], [SOURCE, DESTINATION], AUTHORS),
  Delete: rest('D', ['delete'], [`${DCM}110150`, CUSTODIAN], AUTHORS),
  Query: rest('E', ['search', 'search-type', 'search-system'], [SOURCE, DESTINATION], RECIPIENT),
};

const DISCLOSE = 'http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle|disclose';
const disclosure = (isSource: boolean): ProfileRule => ({
  ...{ type: `${DCM}${isSource ? '110106' : '110107'}`, subtypes: [DISCLOSE], action: isSource ? 'R' : 'C' },
  agents: [
    { type: SOURCE, network: 'needed', ...(isSource ? { isSource: true } : {}) },
    { type: DESTINATION, network: 'needed', ...(isSource ? {} : { isSource: true }) },
  ],
  ...{ patient: true, entities: [] },
});

const NO_MORE = ['role', 'altId', 'name', 'location', 'policy', 'media', 'network'] as const;
const RULES: Readonly<Record<string, ProfileRule>> = {
  ...Object.fromEntries(
    Object.entries(BASIC).flatMap(([name, rule]) => [
      [name, { ...rule, patient: false }],
      [`Patient${name}`, { ...rule, patient: true }],
    ]),
  ),
  'PrivacyDisclosure.Source': disclosure(true),
  'PrivacyDisclosure.Recipient': disclosure(false),
  AuthZconsent: {
    type: `${DCM}110113`,
    subtypes: ['AuthZ-Consent', 'AuthZ-Role'].map((code) => `${BALP}CodeSystem/AuthZsubType|${code}`),
    action: 'E',
    agents: [
      {
        ...{ type: `${DCM}110150`, network: 'needed' },
        without: ['role', 'altId', 'name', 'location', 'media', 'purposeOfUse'],
      },
      { type: RECIPIENT, network: 'none', requestor: true, without: ['altId', 'location', 'media'] },
      { type: 'http://terminology.hl7.org/CodeSystem/v3-RoleClass|PROV', requestor: false, without: NO_MORE },
      {
        type: 'http://terminology.hl7.org/CodeSystem/extra-security-role-type|authserver',
        ...{ requestor: false, isSource: true, without: [...NO_MORE, 'purposeOfUse'] },
      },
    ],
    ...{ patient: true, entities: [[CONSENT, 1, Number.POSITIVE_INFINITY]], isClosed: true },
  },
};

/** Where an event is not of the profile that it claims; it must claim exactly one. */
export function balpFaults(event: AuditEvent): readonly string[] {
  const { meta, type, subtype = [], action, outcome, recorded, agent, entity = [] } = event;
  const [profile = '', ...others] = meta?.profile ?? [];
  const name = profile.replace(`${BALP}StructureDefinition/IHE.BasicAudit.`, '');
  const rule = RULES[name];
  if (rule === undefined || others.length > 0) return [`profile ${profile}`];
  const faults: string[] = [];
  const demand = (holds: boolean, what: string) => {
    if (!holds) faults.push(`${name}: ${what}`);
  };
  demand(codeOf(type) === rule.type, 'type');
  demand(subtype.filter((one) => rule.subtypes.includes(codeOf(one))).length === 1, 'subtype');
  demand(action === rule.action, 'action');
  demand(recorded !== undefined, 'recorded');
  demand(outcome !== undefined && (rule.outcome === undefined || outcome === rule.outcome), 'outcome');
  for (const one of rule.agents) {
    const types = [one.type].flat();
    const found = agent.filter((candidate) => types.includes(codeOf(candidate.type?.coding?.[0])));
    demand(found.length === 1 || (found.length === 0 && one.isOptional === true), `agent ${types[0]}`);
    for (const candidate of found) demand(isOfRule(candidate, one, event), `agent ${types[0]}: members`);
  }
  const patients = entity.filter((one) => codeOf(one.type) === `${ENTITY}1`);
  demand(patients.length === (rule.patient ? 1 : 0), 'entity of the patient');
  for (const one of patients) {
    demand(
      one.what?.type === 'Patient' || /\/Patient\//.test(one.what?.reference ?? ''),
      'entity of the patient: what',
    );
    demand(codeOf(one.role) === 'http://terminology.hl7.org/CodeSystem/object-role|1', 'entity of the patient: role');
  }
  for (const [kind, least, most] of rule.entities) {
    const found = entity.filter((one) => codeOf(one.type) === kind);
    demand(found.length >= least && found.length <= most, `entities ${kind}: ${found.length}`);
    for (const one of found) demand(isObject(one, kind, rule), `entity ${kind}: members`);
  }
  const known = new Set([`${ENTITY}1`, ...rule.entities.map(([kind]) => kind)]);
  if (rule.isClosed)
    demand(
      entity.every((one) => known.has(codeOf(one.type))),
      'another entity',
    );
  return faults;
}

function isOfRule(agent: AuditEventAgent, rule: AgentRule, event: AuditEvent): boolean {
  const { network, requestor, without = [], isSource } = rule;
  const isNetworked = network === undefined || (agent.network !== undefined) === (network === 'needed');
  const isRequestor = requestor === undefined || agent.requestor === requestor;
  const isObserver = !isSource || JSON.stringify(agent.who) === JSON.stringify(event.source.observer);
  return (
    isNetworked &&
    isRequestor &&
    isObserver &&
    agent.who !== undefined &&
    without.every((name) => agent[name] === undefined)
  );
}

function isObject(
  { what, role, query, lifecycle, detail }: AuditEventEntity,
  kind: string,
  rule: ProfileRule,
): boolean {
  if (kind === REQUEST) return what?.identifier?.value !== undefined;
  if (kind === CONSENT) return what !== undefined;
  const code = role?.code ?? '';
  if (rule.query)
    return (
      what === undefined && query !== undefined && code === '24' && lifecycle === undefined && detail === undefined
    );
  return what !== undefined && ['3', '4', '20'].includes(code);
}

function codeOf(coding: Coding | undefined): string {
  return `${coding?.system ?? ''}|${coding?.code ?? ''}`;
}
