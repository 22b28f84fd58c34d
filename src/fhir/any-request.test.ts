import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';

let node: FhirNode;
before(async () => {
  node = await createFhirNode();
  await node.send('PUT', 'Patient/p', { resourceType: 'Patient', id: 'p', identifier: [{ value: 'v' }] });
  await node.send('PUT', 'Observation/o', {
    resourceType: 'Observation',
    id: 'o',
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Patient/p' },
  });
});
after(() => node.app.close());

const segment = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('Patient', 'Observation', 'p', 'o', 'none', '_history', '_search', '1', '2', '*'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'metadata',
      '$op',
      '',
      '%00',
      '%25',
      'constructor',
      '__proto__',
      '-',
      'a_b',
      ';',
      'Patient%3F',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())) },
);
const value = fc.oneof(
  fc.constantFrom(
    'v',
    'p',
    'Patient/p',
    '',
    '0',
    '-1',
    '1e9',
    'true',
    'json',
    '2020',
    ',',
    '|',
    '\\',
    '$',
    'name,id',
    'text',
    '%25',
  ),
  fc.string({ maxLength: 30 }).map((text) => text.toWellFormed()),
);
const asked = fc
  .array(
    fc.tuple(
      fc.constantFrom(
        'identifier',
        '_id',
        '_count',
        '_since',
        '_cursor',
        '_format',
        '_pretty',
        '_summary',
        '_elements',
        'x',
        '_at',
      ),
      value,
    ),
    { maxLength: 3 },
  )
  .map((pairs) => (pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`));
const query = fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 1, arbitrary: asked });
const header = fc.oneof(
  fc.constantFrom<[string, string]>(
    ['if-match', 'W/"1"'],
    ['if-match', '"9"'],
    ['if-none-match', '*'],
    ['if-none-exist', 'identifier=v'],
    ['prefer', 'return=OperationOutcome'],
    ['prefer', 'handling=lenient'],
    ['accept', 'application/fhir+json'],
    ['accept-encoding', 'gzip'],
  ),
  fc.tuple(
    fc.constantFrom(
      'if-match',
      'if-none-match',
      'if-modified-since',
      'if-none-exist',
      'prefer',
      'accept',
      'content-encoding',
    ),
    fc.string({ maxLength: 20 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  ),
);
const patch = fc.array(
  fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: fc.constantFrom('', '/', '/identifier', '/identifier/-', '/identifier/0/value', '/meta', '/id', '/x~1', 'x'),
    from: fc.constantFrom('', '/identifier', '/identifier/0', '/meta/tag'),
    value: fc.jsonValue({ maxDepth: 2 }),
  }),
  { maxLength: 3 },
);
const resource = fc.oneof(
  fc.constantFrom<unknown>(
    { resourceType: 'Patient' },
    { resourceType: 'Patient', id: 'p' },
    { resourceType: 'Patient', id: 'new', active: true },
    { resourceType: 'Parameters' },
    { resourceType: 'Binary', contentType: 'application/json-patch+json', data: 'W10=' },
  ),
  fc.jsonValue({ maxDepth: 3 }),
);
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE');
const path = fc.oneof(
  fc.array(segment, { maxLength: 5 }).map((segments) => segments.join('/')),
  fc.constantFrom('Patient', 'Patient/p', 'Patient/new', 'Observation/o', 'Patient/p/_history/1', 'Patient/_history'),
);
const entry = fc.record(
  {
    fullUrl: fc.constantFrom('urn:uuid:0b7ee0e2-0000-4000-8000-000000000001', 'http://x/Patient/p', ''),
    resource,
    request: fc.record(
      {
        method,
        url: fc.tuple(path, query).map((parts) => parts.join('')),
        ifMatch: fc.constantFrom('W/"1"', '*', 'x'),
        ifNoneExist: fc.constantFrom('identifier=v', 'identifier=new', 'x=y', ''),
        ifNoneMatch: fc.constantFrom('*', 'W/"1"'),
        ifModifiedSince: fc.constantFrom('2020-01-01T00:00:00Z', 'x'),
      },
      { requiredKeys: ['method', 'url'] },
    ),
  },
  { requiredKeys: ['request'] },
);
const bundle = fc.record({
  resourceType: fc.constant('Bundle'),
  type: fc.constantFrom('transaction', 'batch'),
  entry: fc.array(entry, { minLength: 1, maxLength: 4 }),
});
const body = fc.oneof(
  resource.map((json): [string, string] => ['application/fhir+json', JSON.stringify(json)]),
  patch.map((json): [string, string] => ['application/json-patch+json', JSON.stringify(json)]),
  query.map((text): [string, string] => ['application/x-www-form-urlencoded', text.slice(1)]),
  fc.string().map((text): [string, string] => ['application/fhir+json', text]),
);

const json = 'application/fhir+json';
const known: [string, string, string, [string, string][], [string, string]][] = [
  ['GET', 'Patient/p', '', [], [json, '']],
  ['POST', 'Patient', '', [], [json, '{"resourceType":"Patient"}']],
  ['POST', 'Patient', '', [], [json, '{']],
  ['GET', 'Patient/none', '', [], [json, '']],
  ['DELETE', 'metadata', '', [], [json, '']],
  ['GET', 'Patient/p', '', [['accept', 'image/png']], [json, '']],
  ['POST', 'Patient', '', [], ['application/x-www-form-urlencoded', 'a=b']],
];

test('property: no request makes the server fail, and every refusal is an OperationOutcome', async () => {
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(
      method,
      path,
      query,
      fc.array(header, { maxLength: 2 }),
      body,
      async (verb, at, parameters, headers, [type, text]) => {
        const takesBody = verb === 'POST' || verb === 'PUT' || verb === 'PATCH';
        const answer = await node.send(verb, at + parameters, takesBody ? text : undefined, {
          ...Object.fromEntries(headers),
          ...(takesBody ? { 'content-type': type } : {}),
        });
        statuses.add(answer.status);
        assert.ok(answer.status < 500, `${answer.status} ${answer.text}`);
        if (answer.status >= 400 && verb !== 'HEAD')
          assert.equal(answer.json?.resourceType, 'OperationOutcome', answer.text);
      },
    ),
    // What draws rarely meet, and what the check of the statuses below must therefore not depend on.
    { numRuns: 3000, examples: known },
  );
  for (const status of [200, 201, 400, 404, 405, 406, 415]) assert.ok(statuses.has(status), String(status));
});

test('property: no Bundle does either, whole or in its entries', async () => {
  const statuses = new Set<string>();
  await fc.assert(
    fc.asyncProperty(bundle, async (json) => {
      const answer = await node.send('POST', '', json);
      assert.ok(answer.status < 500, answer.text);
      statuses.add(String(answer.status));
      for (const each of answer.json.entry ?? []) {
        statuses.add(each.response.status);
        assert.notEqual(each.response.status, '500', JSON.stringify(json));
      }
    }),
    { numRuns: 1500 },
  );
  for (const status of ['200', '400', '404']) assert.ok(statuses.has(status), status);
});
