import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type BulkNode, createBulkNode, type Manifest, type ManifestFile } from '../../../test/support/bulk-node.ts';
import { CUSTODIAN } from '../../../test/support/fhir-node.ts';
import type { Caller } from '../../auth/caller.ts';

const LAB = { system: 'http://loinc.org', code: '718-7' };

async function put(node: BulkNode, resource: { resourceType: string; id: string; [name: string]: unknown }) {
  const answer = await node.send('PUT', `${resource.resourceType}/${resource.id}`, { body: resource });
  assert.ok(answer.status < 300, answer.text);
}

const patient = (id: string) => ({ resourceType: 'Patient', id, gender: 'female', name: [{ family: `Of ${id}` }] });
const observation = (id: string, of: string, more: object = {}) => ({
  ...{ resourceType: 'Observation', id, status: 'final', code: { coding: [LAB] } },
  subject: { reference: `Patient/${of}` },
  ...more,
});

/** Three patients with two observations each, an organization, and a group of the first two. */
async function fill(node: BulkNode): Promise<void> {
  await put(node, { resourceType: 'Organization', id: 'org', name: 'Hospital' });
  for (const id of ['p1', 'p2', 'p3']) {
    await put(node, patient(id));
    await put(node, observation(`${id}-a`, id, { valueQuantity: { value: 1 } }));
    await put(node, observation(`${id}-b`, id, { status: 'preliminary' }));
  }
  await put(node, {
    resourceType: 'Group',
    id: 'g',
    type: 'person',
    actual: true,
    member: [
      { entity: { reference: 'Patient/p1' } },
      { entity: { reference: 'Patient/p2' }, period: { start: '2020-01-01' } },
      { entity: { reference: 'Patient/p3' }, inactive: true },
    ],
  });
}

async function names(node: BulkNode, { output }: Manifest): Promise<string[]> {
  const all: string[] = [];
  for (const file of output) {
    const lines = await node.lines(file);
    assert.equal(lines.length, file.count);
    for (const { resourceType, id } of lines) {
      assert.equal(resourceType, file.type);
      all.push(`${resourceType}/${id}`);
    }
  }
  return all.sort();
}

async function exported(node: BulkNode, path: string, body?: unknown): Promise<string[]> {
  const id = await node.kickOff(path, body === undefined ? {} : { body });
  return names(node, await node.manifest(id));
}

const CHARTS = (...ids: string[]) => [
  ...ids.flatMap((id) => [`Observation/${id}-a`, `Observation/${id}-b`]),
  ...ids.map((id) => `Patient/${id}`),
];

test('a system export holds every current resource once, byte for byte, with count, hash and a journalled receipt', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  await put(node, { ...patient('p1'), gender: 'other' });
  await node.send('DELETE', 'Observation/p3-b');
  const text =
    '{"resourceType":"Observation","id":"exact","status":"final","code":{"text":"line\\nbreak"},\n "valueQuantity":{"value":1.10}}';
  assert.equal((await node.send('PUT', 'Observation/exact', { body: text })).status, 201);
  const id = await node.kickOff('$export?_type=Patient,Observation,Organization,Group');
  const manifest = await node.manifest(id);
  assert.equal(manifest.request, 'http://aceso.example/fhir/$export?_type=Patient,Observation,Organization,Group');
  assert.equal(manifest.requiresAccessToken, true);
  assert.equal(manifest.deleted, undefined);
  assert.deepEqual(manifest.error, []);
  assert.deepEqual(await names(node, manifest), [
    'Group/g',
    'Observation/exact',
    ...CHARTS('p1', 'p2', 'p3').filter((name) => name !== 'Observation/p3-b' && name.startsWith('Obs')),
    'Organization/org',
    ...['Patient/p1', 'Patient/p2', 'Patient/p3'],
  ]);
  const file = manifest.output.find(({ type }) => type === 'Observation');
  assert.ok(file !== undefined);
  const answer = await node.send('GET', file.url);
  assert.equal(answer.headers['content-type'], 'application/fhir+ndjson');
  assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.text));
  assert.ok(answer.text.includes('"value":1.10}') && answer.text.includes('line\\nbreak'));
  const { sha256, receipt } = file.extension['urn:aceso:receipt'];
  assert.equal(createHash('sha256').update(answer.text).digest('hex'), sha256);
  const { generation, index } = (await node.send('GET', receipt)).json;
  assert.equal((await node.send('GET', receipt, { caller: 'other-app' })).status, 404);
  const entry = await node.vault.entry(generation, index);
  assert.equal(entry?.entry.kind, 'interaction');
  if (entry?.entry.kind === 'interaction') assert.deepEqual(entry.entry.header.versions, [sha256]);
  const zipped = await node.send('GET', file.url, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(zipped.text, answer.text);
});

test('all patients, a group and named patients are exported with what is theirs alone', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  await put(node, {
    ...{ resourceType: 'Provenance', id: 'of-p1', recorded: '2026-01-01T00:00:00Z' },
    target: [{ reference: 'Observation/p1-a' }],
    agent: [{ who: { reference: 'Organization/org' } }],
  });
  assert.deepEqual(await exported(node, 'Patient/$export'), [
    'Group/g',
    ...CHARTS('p1', 'p2', 'p3').slice(0, 6),
    ...['Patient/p1', 'Patient/p2', 'Patient/p3', 'Provenance/of-p1'],
  ]);
  assert.deepEqual(await exported(node, 'Group/g/$export'), [...CHARTS('p1', 'p2'), 'Provenance/of-p1']);
  const parameter = [
    { name: 'patient', valueReference: { reference: 'Patient/p2' } },
    { name: '_type', valueString: 'Patient,Observation' },
  ];
  const body = { resourceType: 'Parameters', parameter };
  assert.deepEqual(await exported(node, 'Patient/$export', body), CHARTS('p2'));
  assert.deepEqual(await exported(node, 'Group/g/$export', body), CHARTS('p2'));
  const other = {
    resourceType: 'Parameters',
    parameter: [{ name: 'patient', valueReference: { reference: 'Patient/p3' } }],
  };
  const prefer = { prefer: 'respond-async' };
  const refused = await node.send('POST', 'Group/g/$export', { body: other, headers: prefer });
  assert.equal(refused.status, 400);
  assert.match(refused.text, /EXPORT_PATIENT_UNKNOWN/);
  assert.equal((await node.send('GET', 'Group/none/$export', { headers: prefer })).status, 404);
});

test('what policy denies is in no file and no count, and every account that was looked at is journalled before', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  const denied = await node.vault.accountOf('Patient', 'p2');
  node.denies.read = ({ account, id }) => account === denied || id === 'p1-b';
  node.vault.interactions.length = 0;
  const found = await exported(node, '$export?_type=Patient,Observation');
  assert.deepEqual(found, ['Observation/p1-a', 'Observation/p3-a', 'Observation/p3-b', 'Patient/p1', 'Patient/p3']);
  const of = (account: string | undefined) => node.vault.interactions.filter((one) => one.account === account);
  assert.deepEqual(new Set(of(denied).map(({ kind }) => kind)), new Set(['refusal']));
  const shown = of(await node.vault.accountOf('Patient', 'p1')).flatMap(({ kind, versions }) =>
    kind === 'read' ? versions : [],
  );
  assert.equal(shown.length, 2);
  // Nor may the denied patient be asked for by name, which looks as if there were none.
  const body = {
    resourceType: 'Parameters',
    parameter: [{ name: 'patient', valueReference: { reference: 'Patient/p2' } }],
  };
  const answer = await node.send('POST', 'Patient/$export', { body, headers: { prefer: 'respond-async' } });
  assert.match(answer.text, /EXPORT_PATIENT_UNKNOWN/);
});

test('_since, _typeFilter and _elements', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  await put(node, observation('old', 'p1'));
  await node.send('DELETE', 'Observation/old');
  await new Promise((resolve) => setTimeout(resolve, 3));
  const first = await node.manifest(await node.kickOff('$export'));
  await new Promise((resolve) => setTimeout(resolve, 3));
  await put(node, observation('p1-a', 'p1', { note: [{ text: 'changed' }] }));
  await node.send('DELETE', 'Observation/p2-b');
  const since = encodeURIComponent(first.transactionTime);
  const later = await node.manifest(await node.kickOff(`$export?_since=${since}`));
  assert.deepEqual(await names(node, later), ['Observation/p1-a']);
  const [deleted] = later.deleted ?? [];
  assert.ok(deleted !== undefined);
  assert.deepEqual(await node.lines(deleted), [
    {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ request: { method: 'DELETE', url: 'Observation/p2-b' } }],
    },
  ]);
  await node.send('DELETE', 'Observation/p3-b');
  const ofGroup = await node.manifest(await node.kickOff(`Group/g/$export?_since=${since}`));
  assert.deepEqual(await node.lines((ofGroup.deleted ?? [])[0] as ManifestFile), await node.lines(deleted));
  assert.equal((await node.send('PUT', 'Observation/p3-b', { body: observation('p3-b', 'p3') })).status, 201);
  const again = await node.manifest(await node.kickOff(`$export?_since=${since}`));
  assert.deepEqual(await names(node, again), ['Observation/p1-a', 'Observation/p3-b']);
  assert.deepEqual(await node.lines((again.deleted ?? [])[0] as ManifestFile), await node.lines(deleted));
  const filters = ['Observation?status=preliminary', 'Observation?value-quantity=1&subject=Patient/p3'];
  const query = `_type=Observation,Patient&_typeFilter=${filters.map(encodeURIComponent).join(',')}`;
  assert.deepEqual(await exported(node, `$export?${query}`), [
    ...['Observation/p1-b', 'Observation/p3-a'],
    ...['Patient/p1', 'Patient/p2', 'Patient/p3'],
  ]);
  const chained = `_type=Observation&_typeFilter=${encodeURIComponent('Observation?patient.family=Of p3&status=final,preliminary')}`;
  assert.deepEqual(await exported(node, `$export?${chained}`), ['Observation/p3-a', 'Observation/p3-b']);
  const id = await node.kickOff('$export?_type=Patient,Observation&_elements=id,Patient.gender');
  for (const file of (await node.manifest(id)).output) {
    for (const line of await node.lines(file)) {
      const expected = file.type === 'Patient' ? ['gender'] : ['status', 'code'];
      assert.deepEqual(Object.keys(line).sort(), ['id', 'meta', 'resourceType', ...expected].sort());
      assert.match(JSON.stringify(line.meta), /SUBSETTED/);
    }
  }
});

test('what is not understood is refused, or noted in the error file where the client is lenient', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  const prefer = { prefer: 'respond-async' };
  const refusals: readonly (readonly [path: string, code: string, status?: number])[] = [
    ['$export?_outputFormat=text/csv', 'EXPORT_PARAMETER_INVALID'],
    ['$export?_since=2020', 'EXPORT_PARAMETER_INVALID'],
    ['$export?_type=Unicorn', 'EXPORT_TYPE_UNKNOWN'],
    ['Patient/$export?_type=Organization', 'EXPORT_TYPE_OUTSIDE'],
    ['$export?_typeFilter=Observation', 'EXPORT_PARAMETER_INVALID'],
    ['$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal', 'EXPORT_PARAMETER_INVALID'],
    ['$export?_typeFilter=Observation%3F_include%3D*', 'EXPORT_PARAMETER_INVALID'],
    ['$export?_typeFilter=Observation%3Fmood%3Dgood', 'PARAMETER_UNKNOWN'],
    ['$export?_elements=Patient.wings', 'EXPORT_PARAMETER_INVALID'],
    ['$export?_elements=Patient.name.family', 'EXPORT_PARAMETER_INVALID'],
    ['$export?includeAssociatedData=LatestProvenanceResources', 'EXPORT_PARAMETER_UNSUPPORTED'],
    ['$export?organizeOutputBy=Patient', 'EXPORT_PARAMETER_UNSUPPORTED'],
    ['Patient/$export?patient=Patient/p1', 'EXPORT_PARAMETER_UNSUPPORTED'],
    ['$export?_mood=good', 'PARAMETER_UNKNOWN'],
  ];
  for (const [path, code] of refusals) {
    const answer = await node.send('GET', path, { headers: prefer });
    assert.equal(answer.status, 400, `${path}: ${answer.text}`);
    assert.equal(answer.json.issue[0].details.coding[0].code, code, path);
  }
  const noAsync = await node.send('GET', '$export');
  assert.match(noAsync.text, /EXPORT_ASYNC_ONLY/);
  assert.equal((await node.send('GET', '$export', { headers: { ...prefer, accept: 'text/html' } })).status, 406);
  const inBundle = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: '$export' } }] };
  const batch = await node.send('POST', '', { body: inBundle });
  assert.notEqual(batch.json.entry?.[0]?.response?.status?.slice(0, 3), '200');
  const lenient = { prefer: 'respond-async, handling=lenient' };
  const id = await node.kickOff('$export?_type=Patient,Unicorn&organizeOutputBy=Patient&_mood=good', {
    headers: lenient,
  });
  const manifest = await node.manifest(id);
  assert.deepEqual(await names(node, manifest), ['Patient/p1', 'Patient/p2', 'Patient/p3']);
  const [error] = manifest.error;
  assert.equal(error?.count, 3);
  assert.ok((await node.lines(error as never)).every(({ resourceType }) => resourceType === 'OperationOutcome'));
});

test('a person gets the own records and no system’s export; an app gets the types of its scopes', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  const account = (await node.vault.accountOf('Patient', 'p2')) as string;
  const physician = node.callers.physician as Caller;
  node.callers.person = { ...physician, account, kind: 'patient', purpose: 'PATRQT' };
  const prefer = { prefer: 'respond-async' };
  const options = { caller: 'person' };
  assert.equal((await node.send('GET', '$export', { ...options, headers: prefer })).status, 403);
  node.vault.interactions.length = 0;
  const manifest = await node.manifest(await node.kickOff('Patient/$export', options), options);
  const lines = await Promise.all(manifest.output.map((file) => node.lines(file, options)));
  assert.deepEqual(
    lines.flat().map(({ id }) => id),
    ['p2', 'p2-a', 'p2-b'],
  );
  // Nobody else's accounts were looked at, so none of them has a refusal.
  assert.deepEqual([...new Set(node.vault.interactions.map((one) => one.account))].sort(), [account, CUSTODIAN].sort());
  const narrow = { caller: 'narrow' };
  const own = await node.manifest(await node.kickOff('$export', narrow), narrow);
  assert.deepEqual(
    own.output.map(({ type }) => type),
    ['Patient'],
  );
  const asked = await node.send('GET', '$export?_type=Observation', { ...narrow, headers: prefer });
  assert.equal(asked.status, 403);
  assert.match(asked.text, /SCOPE_INSUFFICIENT/);
});

test('groups: members by period, members that are groups refused, and a member who is not here is nobody', async (t) => {
  const node = await createBulkNode(t);
  await fill(node);
  const group = (id: string, ...member: object[]) =>
    put(node, { resourceType: 'Group', id, type: 'person', actual: true, member });
  await group(
    'times',
    { entity: { reference: 'Patient/p1' }, period: { end: '2020-12' } },
    { entity: { reference: 'Patient/p2' }, period: { start: '2099' } },
    { entity: { reference: 'Patient/p3' }, period: { start: '2020', end: '2099-01-01' } },
  );
  assert.deepEqual(await exported(node, 'Group/times/$export?_type=Patient'), ['Patient/p3']);
  await group('outer', { entity: { reference: 'Group/g' } }, { entity: { reference: 'Patient/p1' } });
  const refused = await node.send('GET', 'Group/outer/$export', { headers: { prefer: 'respond-async' } });
  assert.match(refused.text, /EXPORT_GROUP_NESTED/);
  const headers = { prefer: 'respond-async, handling=lenient' };
  const manifest = await node.manifest(await node.kickOff('Group/outer/$export?_type=Patient', { headers }));
  assert.deepEqual(await names(node, manifest), ['Patient/p1']);
  assert.equal(manifest.error[0]?.count, 1);
  await group('nobody', { entity: { reference: 'Patient/p1' }, inactive: true });
  assert.deepEqual(await exported(node, 'Group/nobody/$export'), []);
});
