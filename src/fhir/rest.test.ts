import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { BASE_URL, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import { LIMITS } from './limits.ts';

let node: FhirNode;
before(async () => {
  node = await createFhirNode();
});
after(() => node.app.close());

const codeOf = (answer: { json: { issue: { details: { coding: { code: string }[] } }[] } }) =>
  answer.json.issue[0]?.details.coding[0]?.code;
const organization = (value: string, more: object = {}) => ({
  resourceType: 'Organization',
  identifier: [{ system: 'urn:s', value }],
  name: value,
  ...more,
});

async function stored(value: string): Promise<string> {
  return (await node.send('POST', 'Organization', organization(value))).json.id;
}

test('conditional read: 304 for what the client has', async () => {
  const id = await stored('read');
  const { headers } = await node.send('GET', `Organization/${id}`);
  const lastModified = headers['last-modified'] as string;
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{ 'if-none-match': 'W/"1"' }, 304],
    [{ 'if-none-match': '"1"' }, 304],
    [{ 'if-none-match': '*' }, 304],
    [{ 'if-none-match': 'W/"7", W/"1"' }, 304],
    [{ 'if-none-match': 'W/"2"' }, 200],
    [{ 'if-none-match': 'W/"2"', 'if-modified-since': lastModified }, 200],
    [{ 'if-modified-since': lastModified }, 304],
    [{ 'if-modified-since': new Date(Date.parse(lastModified) + 60_000).toUTCString() }, 304],
    [{ 'if-modified-since': new Date(Date.parse(lastModified) - 1000).toUTCString() }, 200],
    [{ 'if-modified-since': 'yesterday' }, 400],
  ];
  for (const [given, status] of cases) {
    const answer = await node.send('GET', `Organization/${id}`, undefined, given);
    assert.equal(answer.status, status, JSON.stringify(given));
    if (status !== 304) continue;
    assert.equal(answer.text, '');
    assert.equal(answer.headers.etag, 'W/"1"');
  }
  assert.equal(
    (await node.send('GET', `Organization/${id}/_history/1`, undefined, { 'if-none-match': 'W/"1"' })).status,
    304,
  );
  const removed = await stored('gone');
  await node.send('DELETE', `Organization/${removed}`);
  assert.equal(
    (await node.send('GET', `Organization/${removed}`, undefined, { 'if-none-match': 'W/"2"' })).status,
    410,
  );
  node.denies.read = () => true;
  const denied = await node.send('GET', `Organization/${id}`, undefined, { 'if-none-match': 'W/"1"' });
  node.denies.read = () => false;
  assert.equal(denied.status, 404);
});

test('HEAD is a read without its body', async () => {
  const id = await stored('head');
  const get = await node.send('GET', `Organization/${id}`);
  const head = await node.send('HEAD', `Organization/${id}`);
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(head.headers.etag, get.headers.etag);
  assert.equal(head.headers['content-length'], String(get.text.length));
  assert.equal((await node.send('HEAD', 'Organization/nobody')).status, 404);
  assert.equal((await node.send('HEAD', 'metadata')).status, 200);
  assert.equal((await node.send('HEAD', 'Organization')).status, 200);
});

test('If-Match and If-None-Match of writes', async () => {
  const id = await stored('match');
  const body = organization('match', { id });
  const put = (headers: Record<string, string>, to = id) =>
    node.send('PUT', `Organization/${to}`, { ...body, id: to }, headers);
  assert.equal((await put({ 'if-match': '*' })).status, 200);
  assert.equal(codeOf(await put({ 'if-match': '*' }, 'nobody')), 'VERSION_MISMATCH');
  const taken = await put({ 'if-none-match': '*' });
  assert.equal(taken.status, 412);
  assert.equal(codeOf(taken), 'ALREADY_EXISTS');
  assert.equal((await put({ 'if-none-match': '*' }, 'new-here')).status, 201);
  assert.equal((await put({ 'if-none-match': 'W/"1"' })).status, 400);
  assert.equal((await node.send('PUT', `Organization/${id}?name=x`, body)).status, 400);
  assert.equal((await node.send('DELETE', `Organization/${id}?name=x`)).status, 400);
});

test('conditional update: none creates, one updates, several are refused', async () => {
  const put = (value: string, body: object, headers = {}) =>
    node.send('PUT', `Organization?identifier=urn:s|${value}`, body, headers);
  const created = await put('cu', organization('cu'));
  assert.equal(created.status, 201);
  const { id } = created.json;
  const updated = await put('cu', organization('cu', { active: true }));
  assert.equal(updated.status, 200);
  assert.equal(updated.json.id, id);
  assert.equal(updated.headers.etag, 'W/"2"');
  assert.equal((await put('cu', organization('cu', { id, active: false }))).status, 200);
  const other = await put('cu', organization('cu', { id: 'other' }));
  assert.equal(other.status, 400);
  assert.equal(codeOf(other), 'ID_MISMATCH');
  const named = await put('cu2', organization('cu2', { id: 'cu-2' }));
  assert.equal(named.status, 201);
  assert.equal(named.json.id, 'cu-2');
  const taken = await put('cu3', organization('cu3', { id: 'cu-2' }));
  assert.equal(taken.status, 409);
  assert.equal(codeOf(taken), 'ID_TAKEN');
  assert.equal((await put('cu', organization('cu'), { 'if-match': 'W/"1"' })).status, 412);
  assert.equal((await put('none', organization('none'), { 'if-match': 'W/"1"' })).status, 412);
  await node.send('POST', 'Organization', organization('cu'));
  const several = await put('cu', organization('cu'));
  assert.equal(several.status, 412);
  assert.equal(codeOf(several), 'CONDITION_AMBIGUOUS');
  assert.equal((await node.send('PUT', 'Organization?nonsense=x', organization('x'))).status, 400);
  assert.equal((await node.send('PUT', 'Organization?_format=json', organization('x'))).status, 405);
});

test('conditional delete: none, one, several', async () => {
  const id = await stored('cd');
  const remove = (value: string, headers = {}) =>
    node.send('DELETE', `Organization?identifier=urn:s|${value}`, undefined, headers);
  assert.equal((await remove('cd', { 'if-match': 'W/"2"' })).status, 412);
  assert.equal((await remove('cd')).status, 204);
  assert.equal((await node.send('GET', `Organization/${id}`)).status, 410);
  assert.equal((await remove('cd')).status, 204);
  await stored('cds');
  await stored('cds');
  assert.equal((await remove('cds')).status, 412);
  const told = await node.send('DELETE', 'Organization/nobody', undefined, { prefer: 'return=OperationOutcome' });
  assert.equal(told.status, 200);
  assert.equal(told.json.resourceType, 'OperationOutcome');
});

const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const fhirPatch = (type: string, path: string, more: object[]) => ({
  resourceType: 'Parameters',
  parameter: [
    { name: 'operation', part: [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...more] },
  ],
});

test('PATCH by JSON Patch keeps the written form of all else', async () => {
  const text =
    '{"resourceType":"Observation","id":"p1","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10}}';
  await node.send('PUT', 'Observation/p1', text);
  const answer = await node.send(
    'PATCH',
    'Observation/p1',
    '[{"op":"test","path":"/valueQuantity/value","value":1.1},{"op":"add","path":"/valueQuantity/unit","value":"g"}]',
    JSON_PATCH,
  );
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.headers.etag, 'W/"2"');
  assert.match(answer.text, /"valueQuantity":\{"value":1\.10,"unit":"g"\}\}$/);
  const refusals: readonly (readonly [string, number, string])[] = [
    ['[{"op":"test","path":"/status","value":"amended"}]', 422, 'PATCH_TEST_FAILED'],
    ['[{"op":"remove","path":"/note"}]', 422, 'PATCH_PATH_UNMATCHED'],
    ['[{"op":"remove","path":"/status"}]', 422, 'RESOURCE_INVALID'],
    ['[{"op":"add","path":"/subject","value":{"reference":"Patient/nobody"}}]', 422, 'REFERENCE_UNRESOLVED'],
    ['[{"op":"replace","path":"/id","value":"p2"}]', 422, 'PATCH_IDENTITY'],
    ['{}', 400, 'PATCH_INVALID'],
    ['[', 400, 'JSON_INVALID'],
    ['', 400, 'BODY_EMPTY'],
  ];
  for (const [patch, status, code] of refusals) {
    const refused = await node.send('PATCH', 'Observation/p1', patch, JSON_PATCH);
    assert.equal(refused.status, status, refused.text);
    assert.equal(codeOf(refused), code);
  }
  assert.equal((await node.send('GET', 'Observation/p1')).headers.etag, 'W/"2"');
  const meta = await node.send(
    'PATCH',
    'Observation/p1',
    '[{"op":"replace","path":"/meta/versionId","value":"99"}]',
    JSON_PATCH,
  );
  assert.equal(meta.json.meta.versionId, '3');
});

test('PATCH by FHIRPath Patch, with If-Match, by condition, of what is not there', async () => {
  const id = await stored('fp');
  const rename = fhirPatch('replace', 'Organization.name', [{ name: 'value', valueString: 'new' }]);
  assert.equal((await node.send('PATCH', `Organization/${id}`, rename, { 'if-match': 'W/"2"' })).status, 412);
  const answer = await node.send('PATCH', `Organization/${id}`, rename, { 'if-match': 'W/"1"' });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.name, 'new');
  const conditional = await node.send(
    'PATCH',
    'Organization?identifier=urn:s|fp',
    '[{"op":"remove","path":"/name"}]',
    JSON_PATCH,
  );
  assert.equal(conditional.headers.etag, 'W/"3"');
  assert.equal((await node.send('PATCH', 'Organization?identifier=urn:s|nobody', rename)).status, 404);
  assert.equal((await node.send('PATCH', 'Organization/nobody', rename)).status, 404);
  await node.send('DELETE', `Organization/${id}`);
  assert.equal((await node.send('PATCH', `Organization/${id}`, rename)).status, 410);
});

test('who may not see a resource cannot patch it, and learns nothing by trying', async () => {
  const id = await stored('hidden');
  node.denies.read = () => true;
  const answer = await node.send(
    'PATCH',
    `Organization/${id}`,
    '[{"op":"test","path":"/name","value":"x"}]',
    JSON_PATCH,
  );
  const absent = await node.send('PATCH', 'Organization/nobody', '[]', JSON_PATCH);
  node.denies.read = () => false;
  assert.equal(answer.status, 404);
  assert.equal(answer.text, absent.text);
  assert.equal(node.vault.interactions.at(-1)?.kind, 'refusal');
});

test('_pretty sets lines and changes no number or string', async () => {
  const text =
    '{"resourceType":"Observation","id":"pr","status":"final","code":{"text":"a\\"{,:\\u00fc"},"valueQuantity":{"value":1.10}}';
  await node.send('PUT', 'Observation/pr', text);
  const plain = await node.send('GET', 'Observation/pr');
  const pretty = await node.send('GET', 'Observation/pr?_pretty=true');
  assert.match(pretty.text, /^\{\n {2}"resourceType": "Observation",\n/);
  assert.match(pretty.text, /"text": "a\\"\{,:\\u00fc"\n/);
  assert.match(pretty.text, /"value": 1\.10\n/);
  assert.deepEqual(pretty.json, plain.json);
});

test('_format and _pretty may also be posted with a search', async () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const search = (body: string) => node.send('POST', 'Organization/_search', body, form);
  assert.match((await search('_id=nobody&_pretty=true')).text, /^\{\n/);
  assert.equal((await search('_format=xml')).status, 406);
});

test('_summary and _elements of a read', async () => {
  const id = await stored('part');
  const part = await node.send('GET', `Organization/${id}?_elements=name`);
  assert.deepEqual(Object.keys(part.json), ['resourceType', 'id', 'meta', 'name']);
  assert.equal(part.json.meta.tag[0].code, 'SUBSETTED');
  assert.equal((await node.send('GET', `Organization/${id}?_summary=data`)).json.name, 'part');
  assert.equal((await node.send('GET', `Organization/${id}?_elements=na-me`)).status, 400);
});

test('long answers are compressed as the client accepts', async () => {
  const name = 'x'.repeat(3000);
  const { json } = await node.send('POST', 'Organization', organization('gzip', { name }));
  const get = async (accepted: string) => {
    const response = await node.app.inject({
      method: 'GET',
      url: `/fhir/Organization/${json.id}`,
      headers: { 'accept-encoding': accepted },
    });
    return { encoding: response.headers['content-encoding'], bytes: response.rawPayload };
  };
  const decode = { gzip: gunzipSync, br: brotliDecompressSync, deflate: inflateSync } as const;
  for (const [accepted, encoding] of [
    ['gzip', 'gzip'],
    ['br', 'br'],
    ['deflate', 'deflate'],
    ['gzip;q=0.5, br;q=0.8', 'br'],
    ['*', 'gzip'],
    ['gzip;q=0, *;q=0', undefined],
    ['identity', undefined],
    ['', undefined],
  ] as const) {
    const answer = await get(accepted);
    assert.equal(answer.encoding, encoding, accepted);
    const bytes = encoding === undefined ? answer.bytes : decode[encoding](answer.bytes);
    assert.equal(JSON.parse(bytes.toString()).name, name);
  }
});

test('a compressed body is taken within the same limits', async () => {
  const body = JSON.stringify(organization('packed'));
  const packed = { 'content-encoding': 'gzip', 'content-type': 'application/fhir+json' };
  assert.equal((await node.send('POST', 'Organization', gzipSync(body), packed)).status, 201);
  const bomb = gzipSync(`{"resourceType":"Organization","name":"${'x'.repeat(LIMITS.resourceBytes * 20)}"}`);
  const refused = await node.send('POST', 'Organization', bomb, packed);
  assert.equal(refused.status, 413);
  assert.equal(codeOf(refused), 'BODY_TOO_LARGE');
  const broken = await node.send('POST', 'Organization', gzipSync(body).subarray(0, 40), packed);
  assert.equal(broken.status, 400);
  assert.equal(codeOf(broken), 'CONTENT_ENCODING_INVALID');
});

test('transactions take patches, conditional updates and deletes', async () => {
  const [one, two] = [await stored('t1'), await stored('t2')];
  const data = Buffer.from('[{"op":"replace","path":"/name","value":"patched"}]').toString('base64');
  const request = (method: string, url: string, more = {}) => ({ method, url, ...more });
  const entry = [
    {
      resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data },
      request: request('PATCH', `Organization/${one}`, { ifMatch: 'W/"1"' }),
    },
    { request: request('DELETE', 'Organization?identifier=urn:s|t2') },
    { request: request('DELETE', 'Organization?identifier=urn:s|nothing') },
    {
      fullUrl: 'urn:uuid:0b7ee0e2-0000-4000-8000-000000000001',
      resource: organization('t3'),
      request: request('PUT', 'Organization?identifier=urn:s|t3'),
    },
    {
      resource: organization('t4', { partOf: { reference: 'urn:uuid:0b7ee0e2-0000-4000-8000-000000000001' } }),
      request: request('POST', 'Organization'),
    },
    { request: request('GET', `Organization/${one}`) },
    { request: request('GET', `Organization/${one}`, { ifNoneMatch: 'W/"2"' }) },
    { request: request('HEAD', `Organization/${one}`) },
  ];
  const send = (type: string, prefer = '') =>
    node.send('POST', '', { resourceType: 'Bundle', type, entry }, prefer === '' ? {} : { prefer });
  const answer = await send('transaction', 'return=OperationOutcome');
  assert.equal(answer.status, 200, answer.text);
  const statuses = answer.json.entry.map((each: { response: { status: string } }) => each.response.status);
  assert.deepEqual(statuses, ['200', '200', '200', '201', '201', '200', '304', '200']);
  assert.equal(answer.json.entry[0].response.outcome.resourceType, 'OperationOutcome');
  assert.equal(answer.json.entry[0].resource, undefined);
  assert.equal(answer.json.entry[5].resource.name, 'patched');
  assert.equal(answer.json.entry[7].resource, undefined);
  assert.equal((await node.send('GET', `Organization/${two}`)).status, 410);
  const t3 = answer.json.entry[3].response.location.slice(BASE_URL.length + 1).split('/')[1];
  assert.equal(
    (await node.send('GET', 'Organization?identifier=urn:s|t4')).json.entry[0].resource.partOf.reference,
    `Organization/${t3}`,
  );
  // The patch's If-Match is stale now: nothing of a transaction is done, and of a batch all but that.
  assert.equal((await send('transaction')).status, 412);
  const batch = (await send('batch')).json.entry.map((each: { response: { status: string } }) => each.response.status);
  assert.deepEqual(batch, ['412', '204', '204', '200', '422', '200', '304', '200']);
});

/** Writes wait, so that others get between what they looked at and what they write. */
async function withSlowWrites<T>(work: () => Promise<T>): Promise<T> {
  node.vault.beforeWrite = () => new Promise((resolve) => setTimeout(resolve, 2));
  try {
    return await work();
  } finally {
    node.vault.beforeWrite = async () => undefined;
  }
}

test('200 concurrent conditional creates make one resource', async () => {
  const answers = await withSlowWrites(() =>
    Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        at % 2 === 0
          ? node.send('POST', 'Organization', organization('race'), { 'if-none-exist': 'identifier=urn:s|race' })
          : node.send('PUT', 'Organization?identifier=urn:s|race', organization('race')),
      ),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.ok(answers.every(({ status }) => status === 200 || status === 201));
  assert.equal((await node.send('GET', 'Organization?identifier=urn:s|race')).json.entry.length, 1);
});

test('200 concurrent updates with If-Match have one winner each round', async () => {
  const id = await stored('rounds');
  for (let round = 1; round <= 3; round++) {
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        at % 2 === 0
          ? node.send('PUT', `Organization/${id}`, organization('rounds', { id }), { 'if-match': `W/"${round}"` })
          : node.send('PATCH', `Organization/${id}`, '[{"op":"add","path":"/active","value":true}]', {
              ...JSON_PATCH,
              'if-match': `W/"${round}"`,
            }),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ status }) => status === 412).length, 199);
  }
});

test('patches that race are all applied, each to what the others made', async () => {
  const id = await stored('patches');
  const answers = await withSlowWrites(() =>
    Promise.all(
      Array.from({ length: 4 }, (_, at) =>
        node.send(
          'PATCH',
          `Organization/${id}`,
          `[{"op":"add","path":"/identifier/-","value":{"value":"${at}"}}]`,
          JSON_PATCH,
        ),
      ),
    ),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  );
  assert.equal((await node.send('GET', `Organization/${id}`)).json.identifier.length, 5);
});
