import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type BulkAnswer, type BulkNode, createBulkNode } from '../../../test/support/bulk-node.ts';

const NDJSON = { 'content-type': 'application/fhir+ndjson' };

function post(node: BulkNode, body: string | Buffer, headers: Record<string, string> = {}, caller = 'administrator') {
  return node.send('POST', '$import', { caller, body, headers: { ...NDJSON, ...headers } });
}

async function imported(node: BulkNode, body: string | Buffer, headers?: Record<string, string>): Promise<BulkAnswer> {
  const begun = await post(node, body, headers);
  assert.equal(begun.status, 202, begun.text);
  return ended(node, begun.headers['content-location'] ?? '');
}

async function ended(node: BulkNode, address: string): Promise<BulkAnswer> {
  for (;;) {
    const answer = await node.send('GET', address, { caller: 'administrator' });
    if (answer.status !== 202) return answer;
    assert.match(answer.headers['x-progress'] ?? '', /^line \d+, \d+ refused, pass \d+$/);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const counts = ({ json }: BulkAnswer) => json.extension['urn:aceso:import'];

const patient = (id: string, gender = 'female') => JSON.stringify({ resourceType: 'Patient', id, gender });
const observation = (id: string, of: string) =>
  JSON.stringify({
    ...{ resourceType: 'Observation', id, status: 'final', code: { text: 'x' } },
    subject: { reference: `Patient/${of}` },
  });

test('lines are imported, what is stored is left alone, what has changed is an update', async (t) => {
  const node = await createBulkNode(t);
  const lines = Array.from({ length: 120 }, (_, at) => patient(`p${at}`));
  const first = await imported(node, `${lines.join('\n')}\n`);
  assert.deepEqual(counts(first), { created: 120, updated: 0, unchanged: 0, failed: 0 });
  assert.deepEqual(first.json.error, []);
  const again = await imported(node, gzipSync(`${[patient('p0', 'other'), ...lines.slice(1)].join('\r\n')}`), {
    'content-encoding': 'gzip',
  });
  assert.deepEqual(counts(again), { created: 0, updated: 1, unchanged: 119, failed: 0 });
  const read = await node.send('GET', 'Patient/p0');
  assert.equal(read.json.gender, 'other');
  assert.equal(read.json.meta.versionId, '2');
});

test('lines that are refused are told of by number; lines may refer to later ones', async (t) => {
  const node = await createBulkNode(t, { importBatch: 3 });
  const body = [
    observation('o1', 'p1'),
    '{"resourceType":"Patient"}',
    '',
    'no json',
    '{"resourceType":"Unicorn","id":"u"}',
    '{"resourceType":"Observation","id":"bad","code":{"text":"x"}}',
    patient('p1'),
    observation('o2', 'nobody'),
    patient('p1', 'male'),
  ].join('\n');
  const done = await imported(node, body);
  assert.deepEqual(counts(done), { created: 2, updated: 1, unchanged: 0, failed: 5 });
  const [{ url, count, type }] = done.json.error;
  assert.deepEqual([count, type], [5, 'OperationOutcome']);
  const errors = await node.send('GET', url, { caller: 'administrator' });
  assert.equal(errors.headers['content-type'], 'application/fhir+ndjson');
  const told = errors.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).issue[0])
    .map(({ diagnostics, details }) => [/^line \d+/.exec(diagnostics)?.[0], details.coding[0].code]);
  assert.deepEqual(told, [
    ['line 2', 'ID_INVALID'],
    ['line 4', 'JSON_INVALID'],
    ['line 5', 'TYPE_UNKNOWN'],
    ['line 6', 'RESOURCE_INVALID'],
    ['line 8', 'REFERENCE_UNRESOLVED'],
  ]);
  assert.equal((await node.send('GET', 'Observation/o1')).status, 200);
  assert.equal((await node.send('GET', 'Patient/p1')).json.gender, 'male');
});

test('an import is for the administrator, of NDJSON, with lines that are no longer than a resource may be', async (t) => {
  const node = await createBulkNode(t, { lineBytes: 1000 });
  assert.equal((await post(node, patient('p1'), {}, 'physician')).status, 403);
  assert.equal((await post(node, patient('p1'), { 'content-type': 'application/fhir+json' })).status, 400);
  assert.equal((await post(node, patient('p1'), { 'content-type': 'text/plain' })).status, 415);
  const long = await post(node, `${patient('p1')}\n${' '.repeat(1001)}\n`);
  assert.equal(long.status, 413);
  assert.match(long.text, /IMPORT_LINE_TOO_LONG.*\\"line\\":2/);
  await node.bulk().stop();
  assert.deepEqual(await node.vault.listDocuments('bulk-import'), []);
  assert.equal((await node.send('GET', 'Patient/p1')).status, 404);
});

test('an import that is stopped goes on after a restart, and is for the administrator alone', async (t) => {
  const node = await createBulkNode(t, { frameBytes: 1000, importBatch: 5 });
  const { write } = node.vault;
  const reached = Promise.withResolvers<void>();
  let writes = 0;
  Object.assign(node.vault, {
    write: async (...given: Parameters<typeof write>) => {
      writes += 1;
      if (writes === 4) reached.resolve();
      return write(...given);
    },
  });
  const begun = await post(node, Array.from({ length: 200 }, (_, at) => patient(`p${at}`)).join('\n'));
  const address = begun.headers['content-location'] ?? '';
  await reached.promise;
  await node.restart();
  assert.equal((await node.send('GET', address)).status, 403);
  const { created, unchanged, failed } = counts(await ended(node, address));
  // What was written of the piece that the stop cut short is found stored.
  assert.equal(created + unchanged, 200);
  assert.equal(failed, 0);
  assert.equal((await node.send('GET', 'Patient?_summary=count')).json.total, 200);
  assert.equal((await node.send('DELETE', address, { caller: 'administrator' })).status, 202);
  assert.equal((await node.send('GET', address, { caller: 'administrator' })).status, 404);
});
