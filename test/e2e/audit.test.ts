import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@medplum/fhirtypes';
import { parseTrust } from '../../src/chain/receipt/trust.ts';
import { verdictLines } from '../../src/chain/receipt/verdict-text.ts';
import { verifyReceipt } from '../../src/chain/receipt/verify.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { r4Validator } from '../../src/fhir/profiles/r4-validator.ts';
import { canonicalBytes } from '../../src/std/canonical-json.ts';
import { type AuditNode, createAuditNode, OTHER } from '../support/audit-node.ts';
import { balpFaults } from '../support/balp.ts';
import { PATIENT } from '../support/hospital-node.ts';

const validator = r4Validator(await loadDefinitions());

const observation = (id: string, status = 'final') => ({
  ...{ resourceType: 'Observation', id, status, code: { text: 'x' } },
  subject: { reference: `Patient/${PATIENT}` },
});

/** Each interaction as HTTP brings it, and what its one event about the patient says. */
interface Interaction {
  readonly name: string;
  readonly ask: readonly [method: string, path: string, body?: unknown];
  readonly action: string;
  readonly profile: string;
  readonly subtype: string;
  /** What an entity refers to, or the query it holds. */
  readonly entity: string;
}

const INTERACTIONS: readonly Interaction[] = [
  {
    ...{ name: 'create', ask: ['POST', '/fhir/Observation', observation('x')], action: 'C', profile: 'PatientCreate' },
    ...{ subtype: 'create', entity: '/fhir/Observation/' },
  },
  {
    ...{ name: 'update', ask: ['PUT', '/fhir/Observation/obs-1', observation('obs-1', 'amended')], action: 'U' },
    ...{ profile: 'PatientUpdate', subtype: 'update', entity: '/fhir/Observation/obs-1/_history/2' },
  },
  {
    ...{ name: 'read', ask: ['GET', '/fhir/Observation/obs-1'], action: 'R', profile: 'PatientRead' },
    ...{ subtype: 'read', entity: '/fhir/Observation/obs-1' },
  },
  {
    ...{ name: 'vread', ask: ['GET', '/fhir/Observation/obs-1/_history/1'], action: 'R', profile: 'PatientRead' },
    ...{ subtype: 'vread', entity: '/fhir/Observation/obs-1/_history/1' },
  },
  {
    ...{ name: 'history', ask: ['GET', '/fhir/Observation/obs-1/_history'], action: 'R', profile: '' },
    ...{ subtype: 'history-instance', entity: 'urn:aceso:leaf' },
  },
  {
    ...{ name: 'history of a type', ask: ['GET', '/fhir/Observation/_history'], action: 'R', profile: '' },
    ...{ subtype: 'history-type', entity: 'urn:aceso:leaf' },
  },
  {
    ...{ name: 'search', ask: ['GET', `/fhir/Observation?patient=${PATIENT}&status=amended`], action: 'E' },
    ...{ profile: 'PatientQuery', subtype: 'search-type', entity: 'Observation?patient&status' },
  },
  {
    ...{ name: 'search in a compartment', ask: ['GET', `/fhir/Patient/${PATIENT}/Observation`], action: 'E' },
    ...{ profile: 'PatientQuery', subtype: 'search-type', entity: 'Patient/*/Observation' },
  },
  {
    ...{ name: 'operation', ask: ['GET', `/fhir/Patient/${PATIENT}/$everything`], action: 'E', profile: '' },
    ...{ subtype: 'operation', entity: 'urn:aceso:leaf' },
  },
  {
    ...{ name: 'receipt', ask: ['GET', '/fhir/Observation/obs-1/$receipt'], action: 'E', profile: '' },
    ...{ subtype: 'operation', entity: '/fhir/Observation/obs-1' },
  },
  {
    ...{ name: 'delete', ask: ['DELETE', '/fhir/Observation/obs-1'], action: 'D', profile: 'PatientDelete' },
    ...{ subtype: 'delete', entity: '/fhir/Observation/obs-1/_history/3' },
  },
];

function refersTo({ entity = [] }: AuditEvent, text: string): boolean {
  return entity.some(({ what, query }) =>
    query === undefined
      ? (what?.reference ?? '').includes(text) || what?.identifier?.system === text
      : Buffer.from(query, 'base64').toString() === text,
  );
}

async function idsOf(node: AuditNode, query: string): Promise<ReadonlySet<string>> {
  return new Set((await node.events(node.users.patient, query)).map(({ id }) => id as string));
}

const LOOKS = 'urn:aceso:account|';

test('every interaction leaves one event with the patient, with its action, agents and entities', async (t) => {
  const node = await createAuditNode(t);
  const { users, accounts } = node;
  const byDoctor = `agent=${encodeURIComponent(LOOKS + accounts.doctor)}`;
  for (const { name, ask, action, profile, subtype, entity } of INTERACTIONS) {
    const before = await idsOf(node, byDoctor);
    const [method, path, body] = ask;
    const answer = await node.send(users.doctor, method, path, body);
    // A receipt is journalled whether the entry is anchored yet or not.
    assert.ok(answer.status < 300 || name === 'receipt', `${name}: ${answer.text}`);
    const fresh = (await node.events(users.patient, byDoctor)).filter(({ id }) => !before.has(id as string));
    const [event] = fresh as [AuditEvent];
    assert.equal(fresh.length, 1, name);
    assert.equal(event.action, action, name);
    assert.equal(event.subtype?.[0]?.code, subtype, name);
    assert.ok(refersTo(event, entity), `${name}: ${JSON.stringify(event.entity)}`);
    assert.ok(refersTo(event, `/fhir/Patient/${PATIENT}`), name);
    const user = event.agent.find(({ who }) => who?.identifier?.value === accounts.doctor);
    assert.deepEqual([user?.requestor, event.outcome], [true, '0'], name);
    if (profile !== '') {
      assert.match(event.meta?.profile?.[0] ?? '', new RegExp(`\\.${profile}$`), name);
      assert.deepEqual(balpFaults(event), [], name);
    }
    assert.ok(
      event.entity?.some(({ what }) => what?.identifier?.value === answer.headers['x-request-id']),
      name,
    );
    assert.equal(event.purposeOfEvent?.[0]?.coding?.[0]?.code, 'TREAT', name);
    assert.ok(
      event.agent.some(({ who }) => who?.display === 'Hospital'),
      name,
    );
    const errors = validator.validate(event as never).filter(({ severity }) => severity === 'error');
    assert.deepEqual(errors, [], name);
  }
});

test('a patch leaves what it read and what it wrote, both of its request', async (t) => {
  const node = await createAuditNode(t);
  const patch = [{ op: 'replace', path: '/status', value: 'amended' }];
  const type = { 'content-type': 'application/json-patch+json' };
  const answer = await node.send(node.users.doctor, 'PATCH', '/fhir/Observation/obs-1', patch, type);
  assert.equal(answer.status, 200, answer.text);
  const events = await node.events(node.users.patient, `entity=${answer.headers['x-request-id']}`);
  assert.deepEqual(events.map(({ subtype, action }) => `${action} ${subtype?.[0]?.code}`).sort(), [
    'R patch',
    'U patch',
  ]);
});

test('entries of a batch are interactions of their own, of the same request', async (t) => {
  const node = await createAuditNode(t);
  const entry = ['Observation/obs-1', 'Observation?code=718-7'].map((url) => ({ request: { method: 'GET', url } }));
  const answer = await node.send(node.users.doctor, 'POST', '/fhir', { resourceType: 'Bundle', type: 'batch', entry });
  assert.equal(answer.status, 200);
  const events = await node.events(node.users.patient, `entity=${answer.headers['x-request-id']}`);
  assert.deepEqual(
    events.map(({ subtype }) => subtype?.[0]?.code),
    ['search-type', 'read'],
  );
});

test('a patient sees hers and never another’s; who is neither sees nothing', async (t) => {
  const node = await createAuditNode(t);
  const { users, accounts } = node;
  await node.send(users.doctor, 'GET', `/fhir/Patient/${PATIENT}`);
  await node.send(users.doctor, 'GET', `/fhir/Patient/${OTHER}`);
  await node.send(users.doctor, 'GET', '/fhir/Patient');
  const accountsIn = (events: readonly AuditEvent[]) =>
    new Set(events.map(({ entity = [] }) => entity.find(({ role }) => role?.code === '1')?.what?.identifier?.value));
  const hers = await node.events(users.patient, '');
  assert.deepEqual(accountsIn(hers), new Set([accounts.patient]));
  assert.ok(!JSON.stringify(hers).includes(OTHER) && !JSON.stringify(hers).includes(accounts.other));
  assert.deepEqual(accountsIn(await node.events(users.patient, `patient=${PATIENT}`)), new Set([accounts.patient]));
  assert.deepEqual(accountsIn(await node.events(users.other, '')), new Set([accounts.other]));
  const all = await node.events(users.officer, '');
  assert.ok(accountsIn(all).has(accounts.patient) && accountsIn(all).has(accounts.other));
  assert.deepEqual(accountsIn(await node.events(users.officer, `patient=${OTHER}`)), new Set([accounts.other]));
  for (const [user, query] of [
    [users.patient, `patient=${OTHER}`],
    [users.other, `patient=${PATIENT}`],
    [users.doctor, ''],
    [users.doctor, `patient=${PATIENT}`],
    [users.visitor, `patient=${PATIENT}`],
    [users.officer, 'patient=nobody'],
  ] as const) {
    assert.deepEqual(await node.events(user, query), [], query);
  }
  const [{ id = '' } = {}] = hers;
  assert.equal((await node.send(users.patient, 'GET', `/audit/AuditEvent/${id}`)).json.id, id);
  assert.equal((await node.send(users.officer, 'GET', `/audit/AuditEvent/${id}`)).status, 200);
  const unknown = await node.send(users.other, 'GET', '/audit/AuditEvent/0-999999');
  for (const user of [users.other, users.doctor, users.visitor]) {
    const answer = await node.send(user, 'GET', `/audit/AuditEvent/${id}`);
    assert.deepEqual([answer.status, answer.text], [404, unknown.text]);
    assert.equal((await node.send(user, 'GET', `/audit/AuditEvent/${id}/$receipt`)).status, 404);
  }
  assert.equal((await node.app.inject({ url: '/audit/AuditEvent' })).statusCode, 401);
});

test('refusals are shown to the patient and the officer with their reason, and so are decisions who ask for them', async (t) => {
  const node = await createAuditNode(t);
  const { users } = node;
  const refused = await node.send(users.doctor, 'GET', `/fhir/Observation/obs-1`, undefined, {
    'aceso-purpose': 'HRESCH',
  });
  assert.equal(refused.status, 404);
  await node.send(users.doctor, 'GET', '/fhir/Observation/obs-1');
  for (const [user, query] of [
    [users.patient, 'outcome=4'],
    [users.officer, `outcome=4&patient=${PATIENT}`],
    [users.officer, 'outcome=4&purpose=HRESCH'],
  ] as const) {
    const [event, ...others] = await node.events(user, query);
    assert.deepEqual(others, [], query);
    assert.ok(event);
    assert.deepEqual(balpFaults(event), []);
    assert.match(event.outcomeDesc ?? '', /^Refused: read of Observation\/obs-1\. No consent of the patient/);
    assert.equal(event.purposeOfEvent?.[0]?.coding?.[0]?.code, 'HRESCH');
  }
  const alert = encodeURIComponent('http://dicom.nema.org/resources/ontology/DCM|110113');
  const decisions = await node.events(users.patient, `type=${alert}&purpose=TREAT`);
  assert.ok(decisions.length > 0 && decisions.every(({ id, outcome }) => id?.endsWith('-decision') && outcome === '0'));
  for (const decision of decisions) {
    assert.deepEqual(balpFaults(decision), []);
    assert.equal((await node.send(users.patient, 'GET', `/audit/AuditEvent/${decision.id}`)).status, 200);
  }
  assert.match(decisions[0]?.outcomeDesc ?? '', /Staff of the custodian may/);
});

test('the receipt of an event verifies offline, and says by what app and request it came about', async (t) => {
  const node = await createAuditNode(t);
  const asked = await node.send(node.users.doctor, 'GET', '/fhir/Observation/obs-1');
  for (const job of node.floors.jobs) if (job.name.startsWith('anchor ')) await job.run();
  const [event] = await node.events(node.users.patient, `entity=${asked.headers['x-request-id']}`);
  const path = event?.extension?.[0]?.valueUrl?.replace(/^http:\/\/[^/]+/, '') ?? '';
  const { status, json, text } = await node.send(node.users.patient, 'GET', path);
  assert.equal(status, 200, text);
  const bytes = Buffer.from(json.parameter[0].resource.data, 'base64');
  const verdict = await verifyReceipt(bytes, parseTrust(canonicalBytes(node.ledger.genesis)));
  assert.ok(verdict.statement.kind === 'journal' && verdict.statement.entry.kind === 'interaction');
  const lines = verdictLines(verdict).join('\n');
  assert.match(lines, /asked as read of Observation\/obs-1, request [0-9a-f-]{36}/);
  const tampered = Buffer.from(bytes.toString().replace('"interaction":"read"', '"interaction":"vread"'));
  await assert.rejects(verifyReceipt(tampered, parseTrust(canonicalBytes(node.ledger.genesis))));
});

test('pages go on where the last ended, dates bound them, and looking fills no journal', async (t) => {
  const node = await createAuditNode(t);
  const { users, hospital } = node;
  for (let i = 0; i < 7; i++) await node.send(users.doctor, 'GET', '/fhir/Observation/obs-1');
  const action = 'action=R&type=rest&subtype=read&purpose=TREAT';
  const whole = await node.events(users.patient, action);
  const paged = await node.events(users.patient, `${action}&_count=2&_sort=-date&_total=none`);
  assert.equal(whole.length, 7);
  assert.deepEqual(
    paged.map(({ id }) => id),
    whole.map(({ id }) => id),
  );
  const first = await node.send(users.patient, 'GET', `/audit/AuditEvent?${action}&_count=2`);
  assert.equal(first.json.entry.length, 2);
  assert.equal(first.json.total, undefined);
  const middle = whole[3]?.recorded as string;
  const older = await node.events(users.patient, `${action}&date=le${middle}`);
  assert.ok(older.length >= 4 && older.every(({ recorded = '' }) => recorded <= middle));
  assert.deepEqual(await node.events(users.patient, `${action}&date=lt2020`), []);
  for (const query of ['unknown=x', 'date=x', '_sort=date', '_after=x']) {
    assert.equal((await node.send(users.patient, 'GET', `/audit/AuditEvent?${query}`)).status, 400, query);
  }
  await node.events(users.patient, '_count=1');
  const { size } = hospital.vault.journalHead();
  for (let i = 0; i < 5; i++) await node.events(users.patient, '_count=1');
  assert.equal(hospital.vault.journalHead().size, size, 'the same look within a minute');
  node.clock.offsetMs += 61_000;
  await node.events(users.patient, '_count=1');
  assert.equal(hospital.vault.journalHead().size, size + 1);
  const [look] = await node.events(users.officer, `patient=${PATIENT}&subtype=search-type&purpose=PATRQT`);
  assert.ok(look && refersTo(look, 'AuditEvent?_count'), JSON.stringify(look));
});

test('what the repository serves is in its statement, for everybody', async (t) => {
  const node = await createAuditNode(t);
  const response = await node.app.inject({ url: '/audit/metadata' });
  assert.equal(response.statusCode, 200);
  const errors = validator.validate(response.json()).filter(({ severity }) => severity === 'error');
  assert.deepEqual(errors, []);
});

test('the accounting is a report: as JSON, as CSV and to be printed', async (t) => {
  const node = await createAuditNode(t);
  const { users } = node;
  await node.send(users.doctor, 'GET', '/fhir/Observation/obs-1');
  await node.send(users.doctor, 'GET', '/fhir/Observation/obs-1', undefined, { 'aceso-purpose': 'HRESCH' });
  const path = `/api/patients/${PATIENT}/accounting`;
  for (const user of [users.patient, users.officer]) {
    const { status, json } = await node.send(user, 'GET', `${path}?format=json`);
    assert.equal(status, 200);
    const isLook = ({ what }: { what: string }) => what.startsWith('$accounting of AuditEvent');
    const [denied, read] = json.lines.filter((line: { what: string }) => !isLook(line));
    assert.ok(isLook(json.lines[0]), 'that it was looked at is its newest line');
    assert.equal(denied.what, 'refused: refusal (read) of Observation/obs-1');
    assert.deepEqual(
      [read.what, read.purpose, read.organisation, read.decision, read.isDisclosure],
      ['read of Observation/obs-1, 1 version', 'treatment (TREAT)', 'Hospital', 'permit', false],
    );
    assert.match(read.why, /^Staff of the custodian may/);
    assert.equal(json.isWhole, true);
  }
  const csv = await node.send(users.patient, 'GET', `${path}?format=csv`);
  assert.match(String(csv.headers['content-type']), /^text\/csv/);
  assert.match(csv.text, /read of Observation\/obs-1/);
  const page = await node.send(users.patient, 'GET', `${path}?format=html`);
  assert.match(page.text, /<h1>Accounting of disclosures<\/h1>/);
  assert.deepEqual((await node.send(users.patient, 'GET', `${path}?end=2020`)).json.lines, []);
  assert.equal((await node.send(users.other, 'GET', `${path}?format=csv`)).status, 404);
  assert.equal((await node.send(users.patient, 'GET', `${path}?format=pdf`)).status, 400);
});

test('anomalies are listed for the officer alone, with why, and name nobody’s name', async (t) => {
  const node = await createAuditNode(t);
  const { users, accounts } = node;
  const write = (type: string, id: string, more: object) =>
    node.send(node.tokens.physician, 'PUT', `/fhir/${type}/${id}`, { resourceType: type, id, ...more });
  const name = [{ family: 'Öak', given: ['Ada'] }];
  const identifier = [{ system: 'urn:aceso:account', value: accounts.doctor }];
  assert.equal((await write('Practitioner', 'd1', { identifier, name, birthDate: '1980-01-01' })).status, 201);
  const vip = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'CEL' }] };
  await write('Patient', PATIENT, { name: [{ family: 'oak' }], meta: vip });
  await write('Patient', OTHER, { name, birthDate: '1980-01-01' });
  await node.send(users.doctor, 'GET', `/fhir/Patient/${PATIENT}`);
  await node.send(users.doctor, 'GET', `/fhir/Patient/${OTHER}`);
  const { status, json, text } = await node.send(users.officer, 'GET', '/api/audit/anomalies');
  assert.equal(status, 200, text);
  assert.deepEqual(
    json.anomalies.map(({ kind, patient }: { kind: string; patient: string }) => `${kind} ${patient}`).sort(),
    [`colleague ${OTHER}`, `same-family-name ${PATIENT}`, `same-family-name ${OTHER}`, `vip ${PATIENT}`],
  );
  assert.ok(
    json.anomalies.every(({ why, actor }: { why: string; actor: string }) => why !== '' && actor === accounts.doctor),
  );
  assert.ok(!/oak/i.test(text) && json.isWhole);
  for (const user of [users.patient, users.doctor, users.visitor]) {
    assert.equal((await node.send(user, 'GET', '/api/audit/anomalies')).status, 403);
  }
  assert.deepEqual(
    (await node.send(users.officer, 'GET', '/api/audit/anomalies?start=2020&end=2021')).json.anomalies,
    [],
  );
});
