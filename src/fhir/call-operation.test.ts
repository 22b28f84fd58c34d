import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import type { FhirOperation, OperationCall } from './operations/operation.ts';

const calls: OperationCall[] = [];
const operation = (name: string, on: FhirOperation['on'], get: boolean, types?: readonly string[]): FhirOperation => ({
  name,
  definition: `http://example.org/${name.slice(1)}`,
  on,
  get,
  ...(types === undefined ? {} : { types }),
  async run(_context, call) {
    calls.push(call);
    return { status: 200, body: '{"resourceType":"Parameters"}' };
  },
});

let node: FhirNode;
before(async () => {
  node = await createFhirNode({
    operations: [
      operation('$echo', ['system', 'type', 'instance', 'version'], true),
      operation('$only', ['instance'], true, ['Patient']),
      operation('$change', ['type'], false),
    ],
  });
});
after(() => node.app.close());

test('operations are called where they are registered', async () => {
  const cases: readonly (readonly [method: string, path: string, status: number])[] = [
    ['GET', '$echo', 200],
    ['GET', 'Patient/$echo', 200],
    ['GET', 'Patient/1/$echo', 200],
    ['GET', 'Patient/1/_history/2/$echo', 200],
    ['HEAD', '$echo', 200],
    ['POST', 'Patient/1/$echo', 200],
    ['PUT', '$echo', 405],
    ['GET', 'Patient/1/$only', 200],
    ['GET', 'Patient/$only', 404],
    ['GET', 'Observation/1/$only', 404],
    ['GET', 'Nothing/1/$only', 404],
    ['GET', 'Patient/$change', 405],
    ['POST', 'Patient/$change', 200],
    ['GET', 'Patient/a_b/$echo', 404],
    ['GET', '$echo/more', 404],
  ];
  for (const [method, path, status] of cases) {
    const body = method === 'POST' || method === 'PUT' ? { resourceType: 'Parameters' } : undefined;
    assert.equal((await node.send(method, path, body)).status, status, `${method} ${path}`);
  }
  const { type, id, version } = calls[3] as OperationCall;
  assert.deepEqual([type, id, version], ['Patient', '1', '2']);
  assert.equal((await node.send('GET', 'Patient/$change')).headers.allow, 'POST');
});

test('parameters come from the query and from simple parts, numbers as they are written', async () => {
  calls.length = 0;
  await node.send(
    'POST',
    'Patient/$echo?a=1',
    '{"resourceType":"Parameters","parameter":[{"name":"b","valueDecimal":1.10},{"name":"c","valueString":"\\u00fc"},' +
      '{"name":"d","valueBoolean":true},{"name":"e","valueCoding":{"code":"x"}},{"name":"f","resource":{"resourceType":"Patient"}},7,{}]}',
  );
  assert.equal(String(calls[0]?.parameters), 'a=1&b=1.10&c=%C3%BC&d=true');
  assert.match(calls[0]?.text ?? '', /1\.10/);
  await node.send('POST', 'Patient/$echo', '{"resourceType":"Patient","parameter":[{"name":"b","valueDecimal":1}]}');
  assert.equal(calls[1]?.parameters.size, 0);
});

test('metadata names operations where they are', async () => {
  const { json } = await node.send('GET', 'metadata');
  const [rest] = json.rest;
  assert.deepEqual(rest.operation, [{ name: 'echo', definition: 'http://example.org/echo' }]);
  const of = (type: string) =>
    rest.resource
      .find((resource: { type: string }) => resource.type === type)
      .operation.map(({ name }: { name: string }) => name);
  assert.deepEqual(of('Patient'), ['echo', 'only', 'change']);
  assert.deepEqual(of('Basic'), ['echo', 'change']);
});
