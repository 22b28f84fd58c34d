import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';

let node: FhirNode;
const open: FhirNode[] = [];
beforeEach(async () => {
  node = await createFhirNode();
  open.push(node);
});
after(() => Promise.all(open.map(({ app }) => app.close())));

const RECORDED = '2026-01-02T03:04:05Z';
const PROVENANCE = {
  resourceType: 'Provenance',
  recorded: RECORDED,
  agent: [{ who: { display: 'Zweites Gerät' } }],
};
/** As a client puts it on the wire: UTF-8, one character a byte. */
const header = (value: unknown): Record<string, string> => ({
  'x-provenance': Buffer.from(JSON.stringify(value)).toString('latin1'),
});

async function patient(): Promise<string> {
  return (await node.send('POST', 'Patient', { resourceType: 'Patient' })).json.id;
}

function observation(subject: string, more: object = {}): object {
  return {
    ...{ resourceType: 'Observation', status: 'final', code: { text: 'x' } },
    subject: { reference: `Patient/${subject}` },
    ...more,
  };
}

async function targetsOf(address: string): Promise<string[]> {
  const { json } = await node.send('GET', `Provenance?target=${address}`);
  return (json.entry ?? []).map(
    (entry: { resource: { target: { reference: string }[] } }) => entry.resource.target[0]?.reference,
  );
}

test('a create, an update and a patch keep the Provenance of the header, about the version that they made', async () => {
  const subject = await patient();
  const before = node.vault.writes.count;
  const created = await node.send('POST', 'Observation', observation(subject), header(PROVENANCE));
  assert.equal(created.status, 201);
  assert.equal(node.vault.writes.count, before + 1, 'both in one commit');
  const { id } = created.json;
  assert.deepEqual(await targetsOf(`Observation/${id}`), [`Observation/${id}/_history/1`]);
  const body = observation(subject, { id, status: 'amended' });
  assert.equal((await node.send('PUT', `Observation/${id}`, body, header(PROVENANCE))).status, 200);
  const patch = [{ op: 'replace', path: '/status', value: 'corrected' }];
  const patched = await node.send('PATCH', `Observation/${id}`, patch, {
    ...header(PROVENANCE),
    'content-type': 'application/json-patch+json',
  });
  assert.equal(patched.status, 200, patched.text);
  assert.deepEqual(
    (await targetsOf(`Observation/${id}`)).sort(),
    [1, 2, 3].map((version) => `Observation/${id}/_history/${version}`),
  );
  const [kept] = (await node.send('GET', 'Provenance')).json.entry;
  assert.equal(kept.resource.agent[0].who.display, 'Zweites Gerät');
  assert.equal(kept.resource.recorded, RECORDED);
});

test('it belongs to the account of what it is about', async () => {
  const subject = await patient();
  const { json } = await node.send('POST', 'Observation', observation(subject), header(PROVENANCE));
  const account = await node.vault.accountOf('Observation', json.id);
  const [kept] = (await node.send('GET', 'Provenance')).json.entry;
  assert.equal(await node.vault.accountOf('Provenance', kept.resource.id), account);
  node.denies.read = (row) => row.account === account;
  assert.deepEqual((await node.send('GET', 'Provenance')).json.entry ?? [], []);
});

test('a header that is no Provenance is a 400, and nothing is written', async () => {
  const subject = await patient();
  const before = node.vault.writes.count;
  const { recorded: _recorded, ...unrecorded } = PROVENANCE;
  const faults: readonly Record<string, string>[] = [
    { 'x-provenance': '{' },
    { 'x-provenance': 'null' },
    { 'x-provenance': '[]' },
    header({ resourceType: 'Patient' }),
    header({}),
    header(unrecorded),
    header({ ...PROVENANCE, unknown: 1 }),
    header({ ...PROVENANCE, target: [{ reference: `Patient/${subject}` }] }),
    header({ ...PROVENANCE, agent: [{ who: { reference: 'Practitioner/nobody' } }] }),
    header({ ...PROVENANCE, agent: [{ who: { display: 'x'.repeat(9000) } }] }),
  ];
  for (const fault of faults) {
    const answer = await node.send('POST', 'Observation', observation(subject), fault);
    assert.equal(answer.status, 400, `${fault['x-provenance']?.slice(0, 80)} ${answer.text}`);
    assert.match(answer.text, /PROVENANCE_INVALID/);
  }
  assert.equal(node.vault.writes.count, before);
});

test('where it would not be looked at it is refused, but on reads', async () => {
  const subject = await patient();
  const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [] };
  for (const [method, path, body] of [
    ['DELETE', `Patient/${subject}`, undefined],
    ['DELETE', `Patient?_id=${subject}`, undefined],
    ['POST', '', bundle],
  ] as const) {
    const answer = await node.send(method, path, body, header(PROVENANCE));
    assert.equal(answer.status, 400, `${method} ${path}`);
    assert.match(answer.text, /PROVENANCE_UNSUPPORTED/);
  }
  assert.equal((await node.send('GET', `Patient/${subject}`, undefined, header(PROVENANCE))).status, 200);
});

test('who may not write a Provenance writes nothing', async () => {
  const subject = await patient();
  const before = node.vault.writes.count;
  node.denies.write = (_account, type) => type === 'Provenance';
  const refused = await node.send('POST', 'Observation', observation(subject), header(PROVENANCE));
  assert.equal(refused.status, 403);
  assert.equal(node.vault.writes.count, before);
  assert.equal(node.vault.interactions.at(-1)?.kind, 'refusal');
});

test('of updates at the same time each has the Provenance of its own version', async () => {
  const subject = await patient();
  const { json } = await node.send('POST', 'Observation', observation(subject));
  const texts = ['one', 'two', 'three'];
  const answers = await Promise.all(
    texts.map((text) =>
      node.send(
        ...(['PUT', `Observation/${json.id}`] as const),
        observation(subject, { id: json.id, code: { text } }),
        header({ ...PROVENANCE, agent: [{ who: { display: text } }] }),
      ),
    ),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200],
  );
  const { entry } = (await node.send('GET', `Provenance?target=Observation/${json.id}`)).json;
  for (const { resource } of entry) {
    const version = await node.send('GET', resource.target[0].reference);
    assert.equal(version.json.code.text, resource.agent[0].who.display);
  }
  assert.equal(entry.length, 3);
});

test('where If-None-Exist finds the resource, the header is refused and not forgotten', async () => {
  const subject = await patient();
  const { id } = (await node.send('POST', 'Observation', observation(subject))).json;
  const before = node.vault.writes.count;
  const condition = { 'if-none-exist': `_id=${id}` };
  const refused = await node.send('POST', 'Observation', observation(subject), { ...header(PROVENANCE), ...condition });
  assert.equal(refused.status, 409);
  assert.equal(refused.json.issue[0].details.coding[0].code, 'PROVENANCE_UNUSED');
  assert.equal(node.vault.writes.count, before);
  const none = { 'if-none-exist': '_id=nobody' };
  const made = await node.send('POST', 'Observation', observation(subject), { ...header(PROVENANCE), ...none });
  assert.equal(made.status, 201);
  assert.equal((await targetsOf(`Observation/${made.json.id}`)).length, 1);
});
