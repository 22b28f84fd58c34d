import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '@medplum/fhirtypes';
import type { InteractionHeader } from '../../src/chain/journal-leaf.ts';
import type { VersionRow } from '../../src/vault/vault.ts';
import { type Answer, type AuditNode, createAuditNode, OTHER } from '../support/audit-node.ts';
import { PATIENT } from '../support/hospital-node.ts';

/*
 * Attempts to learn something that the journal does not tell of afterwards: of records by refusals, and of the journal
 * itself by its own addresses.
 */

const ACCOUNTING = `/api/patients/${PATIENT}/accounting`;

/** What a request adds to the journal. */
async function traced(
  { hospital }: AuditNode,
  work: () => Promise<Answer>,
): Promise<{ answer: Answer; entries: readonly InteractionHeader[] }> {
  const { generation, size } = hospital.vault.journalHead();
  const answer = await work();
  const added = await hospital.vault.entriesFrom(generation, size, 1000);
  const entries = added.flatMap((entry) => (entry.kind === 'interaction' ? [entry.header] : []));
  return { answer, entries };
}

function observation(id: string, more: object = {}): object {
  return {
    ...{ resourceType: 'Observation', id, status: 'final', code: { text: 'x' }, valueString: 'positive' },
    ...{ subject: { reference: `Patient/${PATIENT}` }, ...more },
  };
}

const codeOf = ({ json }: Answer): string => json?.issue?.[0]?.details?.coding?.[0]?.code ?? json?.code ?? '';

test('the test operation of a patch tells a patient, or a stranger, nothing of what a record says', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, tokens } = node;
  await send(users.doctor, 'PUT', '/fhir/Observation/h1', observation('h1'));
  const operations = (value: string) => [
    { op: 'test', path: '/valueString', value },
    { op: 'remove', path: '/nothing' },
  ];
  const bundle = (value: string) => {
    const data = Buffer.from(JSON.stringify(operations(value))).toString('base64');
    const resource = { resourceType: 'Binary', contentType: 'application/json-patch+json', data };
    const request = { method: 'PATCH', url: 'Observation/h1' };
    return { resourceType: 'Bundle', type: 'transaction', entry: [{ request, resource }] };
  };
  const patch = { 'content-type': 'application/json-patch+json' };
  for (const user of [users.patient, users.other, users.visitor] as string[]) {
    const told: string[] = [];
    for (const value of ['positive', 'negative']) {
      for (const work of [
        () => send(user, 'POST', '/fhir', bundle(value)),
        () => send(user, 'POST', '/fhir', { ...bundle(value), type: 'batch' }),
        () => send(user, 'PATCH', '/fhir/Observation/h1', operations(value), patch),
      ]) {
        const { answer, entries } = await traced(node, work);
        told.push(`${answer.status} ${answer.text}`);
        assert.match(answer.text, /WRITE_DENIED/);
        assert.deepEqual(
          entries.map(({ kind, versions }) => [kind, versions]),
          [['refusal', []]],
        );
      }
    }
    assert.deepEqual(told.slice(0, 3), told.slice(3));
  }
  for (const [value, code] of [
    ['positive', 'PATCH_PATH_UNMATCHED'],
    ['negative', 'PATCH_TEST_FAILED'],
  ] as const) {
    const { answer, entries } = await traced(node, () => send(tokens.physician, 'POST', '/fhir', bundle(value)));
    assert.equal(codeOf(answer), code);
    assert.deepEqual(
      entries.map(({ kind, account }) => [kind, account]),
      [['read', node.accounts.patient]],
    );
  }
});

test('that $match holds back who is likely is journalled at those who are', async (t) => {
  const node = await createAuditNode(t);
  const { users, send } = node;
  const somebody = { name: [{ family: 'Zwinglihofer', given: ['Anastasia'] }], birthDate: '1971-03-09' };
  for (const id of ['m1', 'm2'])
    await send(users.doctor, 'PUT', `/fhir/Patient/${id}`, { resourceType: 'Patient', id, ...somebody });
  const ask = (person: object) => () =>
    send(users.doctor, 'POST', '/fhir/Patient/$match', {
      resourceType: 'Parameters',
      parameter: [
        { name: 'onlyCertainMatches', valueBoolean: true },
        { name: 'resource', resource: { resourceType: 'Patient', ...person } },
      ],
    });
  const { answer, entries } = await traced(node, ask(somebody));
  assert.match(answer.text, /No single match is certain/);
  assert.deepEqual(
    entries.map(({ kind }) => kind),
    ['read', 'read'],
  );
  const nobody = { name: [{ family: 'Quxbarson', given: ['Bert'] }], birthDate: '1930-01-17' };
  const { answer: none, entries: looks } = await traced(node, ask(nobody));
  assert.ok(!none.text.includes('No single match'));
  assert.deepEqual(looks, []);
});

test('every way to the journal leaves a look, and whoever may not take it a refusal', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, tokens, accounts, hospital } = node;
  await send(users.doctor, 'GET', '/fhir/Observation/obs-1');
  const [oversight, own] = ['default:privacy-oversight', 'default:own-access'];
  const rows: readonly (readonly [user: string, path: string, rule: string, asked: string])[] = [
    [users.officer, ACCOUNTING, oversight, '$accounting AuditEvent'],
    [users.officer, `${ACCOUNTING}?format=csv`, oversight, '$accounting AuditEvent'],
    [users.officer, `${ACCOUNTING}?start=2020`, oversight, '$accounting AuditEvent'],
    [tokens.administrator, ACCOUNTING, oversight, '$accounting AuditEvent'],
    [users.patient, ACCOUNTING, own, '$accounting AuditEvent'],
    [users.patient, `${ACCOUNTING}?format=html`, own, '$accounting AuditEvent'],
    [tokens.administrator, '/api/receipts/journal/0/0', oversight, '$receipt AuditEvent/0-0'],
    [tokens.administrator, '/api/receipts/journal/0/1', oversight, '$receipt AuditEvent/0-1'],
    [users.patient, '/api/receipts/journal/0/1', own, '$receipt AuditEvent/0-1'],
  ] as readonly [string, string, string, string][];
  for (const [user, path, rule, asked] of rows) {
    const { entries } = await traced(node, () => send(user, 'GET', path));
    const told = entries.map((entry) => ['client' in entry ? `${entry.interaction} ${entry.query}` : '', entry.rules]);
    assert.deepEqual(told, [[asked, [rule]]], path);
    assert.deepEqual([entries[0]?.kind, entries[0]?.account], ['read', accounts.patient]);
    const again = await traced(node, () => send(user, 'GET', path));
    assert.deepEqual(again.entries, [], 'the same look within a minute');
  }
  const stranger = await traced(node, () => send(users.other as string, 'GET', ACCOUNTING));
  assert.equal(stranger.answer.status, 404);
  assert.deepEqual(
    stranger.entries.map(({ kind, account }) => [kind, account]),
    [['refusal', accounts.patient]],
  );
  // Of who may ask about nobody there is nothing to tell at any patient.
  const visitor = await traced(node, () => send(users.visitor as string, 'GET', ACCOUNTING));
  assert.deepEqual([visitor.answer.status, visitor.entries], [403, []]);
  const events = await node.events(users.officer as string, `patient=${PATIENT}&subtype=$accounting`);
  assert.ok(events.length >= 4);
  assert.ok(hospital.vault.journalHead().size > 0);
});

test('each event that is read is a look, and each question', async (t) => {
  const node = await createAuditNode(t);
  const { users, send } = node;
  const officer = users.officer as string;
  for (let i = 0; i < 3; i++) await send(users.doctor as string, 'GET', '/fhir/Observation/obs-1');
  const search = (query: string) => () => send(officer, 'GET', `/audit/AuditEvent?patient=${PATIENT}${query}`);
  for (const query of ['', '&agent=a', '&agent=b', '&date=ge2020', '&date=ge2021'])
    assert.equal((await traced(node, search(query))).entries.length, 1, query);
  for (const id of ['0-0', '0-1', '0-2']) {
    const read = () => send(officer, 'GET', `/audit/AuditEvent/${id}`);
    const { answer, entries } = await traced(node, read);
    if (answer.status === 200)
      assert.deepEqual(
        entries.map((entry) => 'query' in entry && entry.query),
        [`AuditEvent/${id}`],
      );
    assert.deepEqual((await traced(node, read)).entries, []);
  }
});

test('a cursor of the audit is no number to be made up, and nobody else goes on with it', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, clock } = node;
  const [officer, patient] = [users.officer, users.patient] as [string, string];
  for (let i = 0; i < 120; i++) await send(users.doctor as string, 'GET', '/fhir/Observation/obs-1');
  const query = `patient=${PATIENT}&_count=2`;
  const nextOf = ({ json }: Answer): string =>
    new URL(json.link.find(({ relation }: { relation: string }) => relation === 'next').url).search.slice(1);
  const first = await traced(node, () => send(officer, 'GET', `/audit/AuditEvent?${query}`));
  assert.equal(first.entries.length, 1);
  const next = nextOf(first.answer);
  const second = await traced(node, () => send(officer, 'GET', `/audit/AuditEvent?${next}`));
  assert.deepEqual([second.answer.status, second.entries], [200, []], 'of the same look');
  const wider = next.replace('_count=2', '_count=3');
  assert.equal((await send(officer, 'GET', `/audit/AuditEvent?${wider}`)).json.entry.length, 3);
  const cursor = new URLSearchParams(next).get('_after') as string;
  const forged = Buffer.from('entries:999999999999').toString('base64url');
  const refused: readonly (readonly [string, string])[] = [
    [officer, `${query}&_after=${forged}`],
    [officer, `_after=${forged}`],
    [officer, `_after=${cursor}`],
    [officer, `${query}&date=ge2020&_after=${cursor}`],
    [node.tokens.administrator, `${query}&_after=${cursor}`],
    [patient, `${query}&_after=${cursor}`],
  ];
  for (const [user, search] of refused) {
    const { answer, entries } = await traced(node, () => send(user, 'GET', `/audit/AuditEvent?${search}`));
    assert.deepEqual([answer.status, codeOf(answer), entries], [400, 'AUDIT_PARAMETER_INVALID', []], search);
  }
  const page = await send(officer, 'GET', ACCOUNTING);
  assert.ok(page.json.next !== undefined);
  const onwards = await traced(node, () => send(officer, 'GET', `${ACCOUNTING}?after=${page.json.next}`));
  assert.ok(onwards.answer.json.entries.length > 0);
  assert.deepEqual(onwards.entries, []);
  for (const [user, after] of [
    [officer, forged],
    [patient, page.json.next],
    [officer, cursor],
  ] as const) {
    const { answer, entries } = await traced(node, () => send(user, 'GET', `${ACCOUNTING}?after=${after}`));
    assert.deepEqual([answer.status, entries], [400, []]);
  }
  // A page that is asked for much later is a look of its own.
  clock.offsetMs += 11 * 60_000;
  const late = await traced(node, () => send(officer, 'GET', `/audit/AuditEvent?${next}`));
  assert.deepEqual([late.answer.status, late.entries.length], [200, 1]);
  const soon = await traced(node, () => send(officer, 'GET', `/audit/AuditEvent?${nextOf(late.answer)}`));
  assert.deepEqual([soon.answer.status, soon.entries], [200, []]);
});

test('a search by entity finds all that a resource went through, whatever the event names it by', async (t) => {
  const node = await createAuditNode(t);
  const { users, send } = node;
  const [doctor, officer] = [users.doctor, users.officer] as [string, string];
  await send(doctor, 'PUT', '/fhir/Observation/h1', observation('h1'));
  await send(doctor, 'GET', '/fhir/Observation/h1');
  await send(doctor, 'PUT', '/fhir/Observation/h1', observation('h1', { status: 'amended' }));
  await send(doctor, 'GET', `/fhir/Observation?patient=${PATIENT}`);
  await send(users.visitor as string, 'GET', '/fhir/Observation/h1');
  await send(doctor, 'PUT', '/fhir/Observation/h2', observation('h2'));
  const did = async (query: string): Promise<string[]> =>
    (await node.events(officer, query)).map(({ subtype, outcome }: AuditEvent) =>
      outcome === '4' ? 'refused' : (subtype?.map(({ code }) => code).join() ?? ''),
    );
  const all = ['refused', 'search-type', 'update', 'read', 'create'];
  for (const value of ['Observation/h1', 'http://127.0.0.1:0/fhir/Observation/h1'])
    for (const patient of ['', `&patient=${PATIENT}`])
      assert.deepEqual(await did(`entity=${encodeURIComponent(value)}${patient}`), all, value);
  assert.deepEqual(await did('entity=Observation/h1/_history/1'), ['read', 'create']);
  assert.deepEqual(await did('entity=Observation/h2'), ['create']);
  assert.deepEqual(await did('entity=Observation/nobody'), []);
  assert.deepEqual(await did('entity=http://elsewhere.example/fhir/Observation/h2'), []);
  assert.ok((await did(`entity=Patient/${PATIENT}`)).length >= 6);
  assert.deepEqual(await did(`entity=Patient/${OTHER}`), ['create']);
  assert.deepEqual(await node.events(users.other as string, 'entity=Observation/h1'), []);
  // IHE ITI-81: what the journal can answer, and what it cannot is said.
  const name = `patient=${PATIENT}`;
  assert.ok((await did(`${name}&entity-role=4`)).length >= 4);
  assert.equal((await did(`${name}&entity-type=1`)).length, (await did(`${name}&entity-type=1,2`)).length - 1);
  assert.ok((await did(`${name}&source=${node.hospital.account}`)).length > 0);
  assert.deepEqual(await did(`${name}&source=${node.clinic.account}`), []);
  assert.ok((await did(`patient.identifier=urn:aceso:account|${node.accounts.patient}`)).length >= 6);
  const refused = await send(officer, 'GET', '/audit/AuditEvent?address=10.0.0.1');
  assert.deepEqual([refused.status, codeOf(refused)], [400, 'AUDIT_PARAMETER_UNANSWERABLE']);
  assert.match(refused.text, /address/);
});

test('the accounting says by which app, and where a subscription sent what', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, hospital, accounts } = node;
  const subscription = {
    ...{ resourceType: 'Subscription', id: 's1', status: 'requested', reason: 'x', criteria: 'Observation?' },
    channel: { type: 'rest-hook', endpoint: 'https://hook.example/secret-path' },
  };
  const { status } = await send(users.doctor as string, 'PUT', '/fhir/Subscription/s1', subscription);
  assert.equal(status, 201);
  const row = (await hospital.vault.current('Observation', 'obs-1')) as VersionRow;
  // As a delivery journals what it sends.
  const sent: InteractionHeader = {
    ...{ kind: 'read', account: accounts.patient, timeMs: hospital.clock(), actor: accounts.doctor },
    ...{ organisation: hospital.account, purpose: 'HRESCH', decision: 'permit', rules: ['default:own-staff'] },
    ...{ versions: [row.leaf], permit: '', client: 'app-1', interaction: '$events', request: '' },
    query: 'Subscription/s1',
  };
  await hospital.vault.journal([sent, { ...sent, request: 'req-1' }, { ...sent, purpose: 'TREAT' }]);
  const { json } = await send(users.patient as string, 'GET', `${ACCOUNTING}?format=json`);
  const lines = json.lines.slice(1, 4) as { who: string; app: string; purpose: string; isDisclosure: boolean }[];
  assert.deepEqual(
    lines.map(({ who, app, isDisclosure }) => [
      who.startsWith('https://hook.example, asked for by'),
      app,
      isDisclosure,
    ]),
    [
      [true, 'app-1', false],
      [false, 'app-1', false],
      [true, 'app-1', true],
    ],
  );
  assert.ok(!JSON.stringify(json).includes('secret-path'));
  const pages = await send(users.patient as string, 'GET', ACCOUNTING);
  assert.deepEqual(
    pages.json.entries.slice(2, 5).map(({ client }: { client?: string }) => client),
    ['app-1', 'app-1', 'app-1'],
  );
});
