import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@medplum/fhirtypes';
import { balpFaults } from '../../../../test/support/balp.ts';
import { loadDefinitions } from '../../../fhir/definitions/load-definitions.ts';
import { r4Validator } from '../../../fhir/profiles/r4-validator.ts';
import { type EventFacts, eventId, placeOfId } from './event-facts.ts';
import { type EventNames, NO_NAMES } from './event-names.ts';
import type { AuditSource } from './event-parts.ts';
import { renderDecision, renderEvent } from './render-event.ts';

const validator = r4Validator(await loadDefinitions());
const CUSTODIAN = 'c'.repeat(32);
const PATIENT = 'a'.repeat(32);
const NURSE = 'b'.repeat(32);
const LEAF = '12'.repeat(32);
const POLICY = `${'9'.repeat(64)}#0`;
const SOURCE: AuditSource = {
  ...{ custodian: CUSTODIAN, name: 'Hospital' },
  ...{ fhirUrl: 'http://node/fhir', auditUrl: 'http://node/audit' },
};
const NAMES: EventNames = {
  patient: () => 'p1',
  person: (account) => (account === NURSE ? { id: 'n1', display: 'Nurse Oak' } : undefined),
  organisation: () => 'Hospital',
  consent: () => 'Consent/c1/_history/1',
};

function facts(more: Partial<EventFacts> = {}): EventFacts {
  return {
    ...{ generation: 0, index: 17, kind: 'read', account: PATIENT, timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
    ...{ actor: NURSE, organisation: CUSTODIAN, purpose: 'TREAT', decision: 'permit', rules: [POLICY] },
    ...{
      leaves: [LEAF],
      client: 'app-1',
      interaction: 'read',
      request: 'req-1',
      path: 'Observation/o1',
      parameters: '',
    },
    ...more,
  };
}

const written = (action: 'create' | 'update' | 'delete', more: Partial<EventFacts> = {}) =>
  facts({
    ...{
      kind: 'write',
      action,
      interaction: action,
      organisation: '',
      purpose: '',
      rules: [],
      client: undefined,
      request: '',
    },
    ...{ path: 'Observation/o1/_history/2', ...more },
  });

/** Every kind of entry, with the profile that its event is of, '' for what BALP has no pattern for. */
const CASES: readonly (readonly [name: string, facts: EventFacts, profile: string, action: string])[] = [
  ['read', facts(), 'PatientRead', 'R'],
  ['vread', facts({ interaction: 'vread', path: 'Observation/o1/_history/2' }), 'PatientRead', 'R'],
  ['read of nobody’s', facts({ account: CUSTODIAN, path: 'Organization/x' }), 'Read', 'R'],
  [
    'search',
    facts({ interaction: 'search-type', path: 'Observation', parameters: 'code&date', leaves: [LEAF, LEAF] }),
    'PatientQuery',
    'E',
  ],
  ['search of nobody’s', facts({ account: CUSTODIAN, interaction: 'search-type', path: 'Location' }), 'Query', 'E'],
  ['create', written('create'), 'PatientCreate', 'C'],
  ['update', written('update'), 'PatientUpdate', 'U'],
  ['delete', written('delete'), 'PatientDelete', 'D'],
  [
    'patch by an app',
    written('update', {
      interaction: 'patch',
      client: 'app-1',
      organisation: CUSTODIAN,
      purpose: 'TREAT',
      request: 'r',
    }),
    'PatientUpdate',
    'U',
  ],
  ['a system’s create', written('create', { actor: CUSTODIAN, organisation: CUSTODIAN }), 'PatientCreate', 'C'],
  ['create of nobody’s', written('create', { account: CUSTODIAN }), 'Create', 'C'],
  ['a system’s read', facts({ actor: CUSTODIAN }), 'PatientRead', 'R'],
  ['the patient’s read', facts({ actor: PATIENT, purpose: 'PATRQT', client: '' }), 'PatientRead', 'R'],
  ['refusal', facts({ kind: 'refusal', decision: 'deny', rules: ['default:no-permit'] }), 'AuthZconsent', 'E'],
  ['refusal without a rule', facts({ kind: 'refusal', decision: 'deny', rules: [] }), 'AuthZconsent', 'E'],
  ['refusal by role', facts({ kind: 'refusal', decision: 'deny', rules: ['default:not-staff'] }), '', 'E'],
  [
    'release',
    facts({ kind: 'release', organisation: 'd'.repeat(32), interaction: '', path: '' }),
    'PrivacyDisclosure.Source',
    'R',
  ],
  ['arrival', facts({ kind: 'release', interaction: '', path: '' }), 'PrivacyDisclosure.Recipient', 'C'],
  ['history', facts({ interaction: 'history-instance', leaves: [LEAF, LEAF] }), '', 'R'],
  ['operation', facts({ interaction: '$everything', path: 'Patient/p1' }), '', 'E'],
  ['transaction', facts({ interaction: 'transaction', path: '' }), '', 'E'],
  ['receipt', facts({ kind: 'receipt', interaction: '$receipt' }), '', 'E'],
  ['broken glass', facts({ kind: 'break-glass', purpose: 'BTG', leaves: [] }), '', 'E'],
  ['revocation', facts({ kind: 'revocation', leaves: [] }), '', 'U'],
  ['erasure', facts({ kind: 'erasure' }), '', 'D'],
  ['of format 1', facts({ client: undefined, interaction: '', path: '', request: '' }), '', 'R'],
];

function errorsOf(event: AuditEvent): readonly string[] {
  return validator
    .validate(event as unknown as Record<string, unknown>)
    .filter(({ severity }) => severity === 'error')
    .map(({ path, text }) => `${path}: ${text}`);
}

test('every kind of entry renders to an AuditEvent that is valid R4 and of its BALP profile', () => {
  for (const [name, one, profile, action] of CASES) {
    for (const names of [NAMES, NO_NAMES]) {
      const event = renderEvent(one, names, SOURCE);
      assert.deepEqual(errorsOf(event), [], name);
      assert.equal(event.action, action, name);
      assert.equal(event.id, '0-17', name);
      if (profile === '') assert.equal(event.meta, undefined, name);
      else assert.match(event.meta?.profile?.[0] ?? '', new RegExp(`\\.${profile.replace('.', '\\.')}$`), name);
      if (profile !== '') assert.deepEqual(balpFaults(event), [], name);
    }
  }
});

test('the table of profiles finds what is missing', () => {
  const event = renderEvent(facts(), NAMES, SOURCE);
  assert.deepEqual(balpFaults(event), []);
  const faults: readonly AuditEvent[] = [
    { ...event, action: 'E' },
    { ...event, outcome: '8' },
    { ...event, subtype: [] },
    { ...event, agent: event.agent.slice(1) },
    { ...event, agent: event.agent.map(({ network: _network, ...one }) => one) },
    { ...event, entity: event.entity?.slice(1) ?? [] },
    { ...event, entity: [...(event.entity ?? []), ...(event.entity ?? [])] },
    { ...event, meta: { profile: [] } },
  ];
  for (const [index, fault] of faults.entries()) assert.notDeepEqual(balpFaults(fault), [], `fault ${index}`);
});

test('agents are the app, the server, the person and the organisation, each by what is known', () => {
  const [client, server, user, organisation] = renderEvent(facts(), NAMES, SOURCE).agent;
  assert.equal(client?.who?.identifier?.value, 'app-1');
  assert.equal(server?.network?.address, 'http://node/fhir');
  assert.deepEqual(
    [user?.who?.reference, user?.name, user?.requestor],
    ['http://node/fhir/Practitioner/n1', 'Nurse Oak', true],
  );
  assert.equal(user?.purposeOfUse?.[0]?.coding?.[0]?.code, 'TREAT');
  assert.equal(organisation?.who?.display, 'Hospital');
  assert.deepEqual(
    renderEvent(facts({ actor: CUSTODIAN }), NAMES, SOURCE).agent.map(({ requestor }) => requestor),
    [true, false, false],
  );
});

test('a search keeps names of parameters and no value', () => {
  const event = renderEvent(
    facts({ interaction: 'search-type', path: 'Observation', parameters: 'code&date' }),
    NAMES,
    SOURCE,
  );
  const query = event.entity?.find(({ query: text }) => text !== undefined)?.query ?? '';
  assert.equal(Buffer.from(query, 'base64').toString(), 'Observation?code&date');
});

test('a decision says why, by the consent that it rests on, and is an event beside the read', () => {
  const event = renderDecision(facts(), NAMES, SOURCE);
  assert.deepEqual([event.id, event.outcome], ['0-17-decision', '0']);
  assert.deepEqual(balpFaults(event), []);
  assert.deepEqual(errorsOf(event), []);
  const consent = event.entity?.find(({ type }) => type?.code === 'Consent');
  assert.equal(consent?.what?.reference, 'http://node/fhir/Consent/c1/_history/1');
  assert.match(event.outcomeDesc ?? '', /the patient’s consent 999999999999…/);
  const refused = renderEvent(
    facts({ kind: 'refusal', decision: 'deny', rules: ['default:no-permit'] }),
    NAMES,
    SOURCE,
  );
  assert.equal(refused.outcome, '4');
  assert.match(refused.outcomeDesc ?? '', /^Refused: read of Observation\/o1\. No consent of the patient/);
});

test('ids name journal places and nothing else', () => {
  assert.deepEqual(placeOfId(eventId({ generation: 2, index: 30 })), { generation: 2, index: 30, isDecision: false });
  assert.deepEqual(placeOfId('0-7-decision'), { generation: 0, index: 7, isDecision: true });
  for (const id of ['', '0', '00-1', '0-01', '0-1-', '0-1-other', '2097152-0', '0-4294967296', '-1-0', '0-1e1'])
    assert.equal(placeOfId(id), undefined, id);
});
