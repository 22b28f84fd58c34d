import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, CUSTODIAN, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import { LIMITS } from './limits.ts';

let node: FhirNode;
before(async () => {
  node = await createFhirNode();
});
after(() => node.app.close());

const PATIENT =
  '{ "resourceType": "Patient",\n "name": [ { "family": "M\\u00fcller", "given": ["Ann"] } ],\t"birthDate":"1970-01-02" }';
const codeOf = (answer: { json: { issue: { details: { coding: { code: string }[] } }[] } }) =>
  answer.json.issue[0]?.details.coding[0]?.code;

async function newPatient(): Promise<string> {
  return (await node.send('POST', 'Patient', PATIENT)).json.id;
}

const observation = (patient: string, value = '1.10') =>
  `{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/${patient}"},"valueQuantity":{"value":${value}}}`;

test('create answers 201 with the exact text and where it is', async () => {
  const answer = await node.send('POST', 'Patient', PATIENT);
  assert.equal(answer.status, 201);
  const { id, meta } = answer.json;
  assert.equal(
    answer.text,
    `{"resourceType":"Patient","id":"${id}","meta":{"versionId":"1","lastUpdated":"${meta.lastUpdated}"},` +
      '"name":[{"family":"M\\u00fcller","given":["Ann"]}],"birthDate":"1970-01-02"}',
  );
  assert.equal(answer.headers.location, `${BASE_URL}/Patient/${id}/_history/1`);
  assert.equal(answer.headers.etag, 'W/"1"');
  assert.equal(answer.headers['content-type'], 'application/fhir+json; charset=utf-8');
  assert.equal(answer.headers['last-modified'], new Date(meta.lastUpdated).toUTCString());
  const read = await node.send('GET', `Patient/${id}`);
  assert.equal(read.status, 200);
  assert.equal(read.text, answer.text);
  assert.equal((await node.vault.current('Patient', id))?.account, node.registered.at(-1));
});

test('decimals keep their form', async () => {
  const answer = await node.send('POST', 'Observation', observation(await newPatient(), '1.100e0'));
  assert.match(answer.text, /"value":1\.100e0/);
  assert.match((await node.send('GET', `Observation/${answer.json.id}`)).text, /"value":1\.100e0/);
});

test('update, vread, history and delete', async () => {
  const id = await newPatient();
  const put = await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id, active: true });
  assert.equal(put.status, 200);
  assert.equal(put.headers.etag, 'W/"2"');
  assert.equal((await node.send('GET', `Patient/${id}/_history/1`)).json.birthDate, '1970-01-02');
  assert.equal((await node.send('DELETE', `Patient/${id}`)).status, 204);
  assert.equal((await node.send('DELETE', `Patient/${id}`)).status, 204);
  const gone = await node.send('GET', `Patient/${id}`);
  assert.equal(gone.status, 410);
  assert.equal(codeOf(gone), 'DELETED');
  assert.equal((await node.send('GET', `Patient/${id}/_history/3`)).status, 410);
  assert.equal((await node.send('GET', `Patient/${id}/_history/4`)).status, 404);
  const history = await node.send('GET', `Patient/${id}/_history`);
  assert.deepEqual(
    history.json.entry.map((entry: { request: { method: string } }) => entry.request.method),
    ['DELETE', 'PUT', 'POST'],
  );
  assert.equal(history.json.entry[0].resource, undefined);
  const first = await node.send('GET', `Patient/${id}/_history?_count=1`);
  const next = first.json.link.find((link: { relation: string }) => link.relation === 'next').url;
  assert.equal((await node.send('GET', next.slice(BASE_URL.length + 1))).json.entry[0].response.etag, 'W/"2"');
  const again = await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id });
  assert.equal(again.status, 201);
  assert.equal(again.headers.etag, 'W/"4"');
  assert.equal((await node.send('DELETE', 'Patient/never-was')).status, 204);
});

test('update creates what is not there, with the id of the address', async () => {
  const answer = await node.send('PUT', 'Organization/org.1', { resourceType: 'Organization', id: 'org.1', name: 'A' });
  assert.equal(answer.status, 201);
  assert.equal((await node.vault.current('Organization', 'org.1'))?.account, CUSTODIAN);
});

test('If-Match guards update and delete', async () => {
  const id = await newPatient();
  const body = { resourceType: 'Patient', id };
  const stale = await node.send('PUT', `Patient/${id}`, body, { 'if-match': 'W/"2"' });
  assert.equal(stale.status, 412);
  assert.equal((await node.send('PUT', `Patient/${id}`, body, { 'if-match': 'W/"1"' })).status, 200);
  assert.equal((await node.send('DELETE', `Patient/${id}`, undefined, { 'if-match': 'W/"1"' })).status, 412);
  assert.equal(
    (await node.send('PUT', 'Patient/nobody', { ...body, id: 'nobody' }, { 'if-match': 'W/"1"' })).status,
    412,
  );
  assert.equal((await node.send('PUT', `Patient/${id}`, body, { 'if-match': 'two' })).status, 400);
});

test('of racing updates with the same If-Match one wins', async () => {
  const id = await newPatient();
  const body = { resourceType: 'Patient', id };
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => node.send('PUT', `Patient/${id}`, body, { 'if-match': 'W/"1"' })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412, 412, 412, 412, 412, 412, 412]);
});

test('a write that others overtake is numbered anew', async () => {
  const id = await newPatient();
  let overtaken = false;
  node.vault.beforeWrite = async () => {
    if (overtaken) return;
    overtaken = true;
    assert.equal(
      (await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id, active: false })).headers.etag,
      'W/"2"',
    );
  };
  const answer = await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id, active: true });
  node.vault.beforeWrite = async () => undefined;
  assert.equal(answer.headers.etag, 'W/"3"');
});

test('If-None-Exist creates once, also in a race', async () => {
  const body = { resourceType: 'Organization', identifier: [{ system: 'urn:s', value: 'once' }], name: 'O' };
  const send = () => node.send('POST', 'Organization', body, { 'if-none-exist': 'identifier=urn:s|once' });
  // Long enough for all to have looked before the first has written, were they not one after the other.
  node.vault.beforeWrite = () => new Promise((resolve) => setTimeout(resolve, 20));
  const answers = await Promise.all([send(), send(), send(), send()]);
  node.vault.beforeWrite = async () => undefined;
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 200, 200, 201]);
  assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
  await node.send('POST', 'Organization', body);
  const ambiguous = await send();
  assert.equal(ambiguous.status, 412);
  assert.equal(codeOf(ambiguous), 'CONDITION_AMBIGUOUS');
  for (const condition of ['', 'nonsense=x', '_count=1']) {
    assert.equal(
      (await node.send('POST', 'Organization', body, { 'if-none-exist': condition })).status,
      400,
      condition,
    );
  }
});

test('Prefer says what comes back', async () => {
  const minimal = await node.send('POST', 'Patient', PATIENT, { prefer: 'return=minimal' });
  assert.equal(minimal.status, 201);
  assert.equal(minimal.text, '');
  const outcome = await node.send('POST', 'Patient', PATIENT, { prefer: 'return=OperationOutcome' });
  assert.equal(outcome.json.resourceType, 'OperationOutcome');
});

test('references must lead somewhere', async () => {
  const id = await newPatient();
  const refused = [
    'Patient/nobody',
    `Patient/${id}/_history/9`,
    'urn:uuid:0b7ee0e2-0000-4000-8000-000000000001',
    'Nonsense/1',
    'patient',
    `${BASE_URL}/Patient/nobody`,
    'Patient?identifier=x',
  ];
  for (const reference of refused) {
    const answer = await node.send('POST', 'Basic', {
      resourceType: 'Basic',
      code: { text: 'x' },
      extension: [{ url: 'http://x', valueReference: { reference } }],
    });
    assert.equal(answer.status, 422, reference);
    assert.equal(codeOf(answer), 'REFERENCE_UNRESOLVED', reference);
  }
  const taken = ['http://other.example/fhir/Patient/1', `Patient/${id}/_history/1`, `${BASE_URL}/Patient/${id}`];
  for (const reference of taken) {
    const answer = await node.send('POST', 'Basic', {
      resourceType: 'Basic',
      code: { text: 'x' },
      extension: [{ url: 'http://x', valueReference: { reference } }],
    });
    assert.equal(answer.status, 201, reference);
  }
});

const badBodies: readonly (readonly [
  name: string,
  path: string,
  body: string | Buffer,
  status: number,
  code: string,
])[] = [
  ['no JSON', 'Patient', '{', 400, 'JSON_INVALID'],
  ['duplicate names', 'Patient', '{"resourceType":"Patient","active":true,"active":false}', 400, 'JSON_INVALID'],
  ['invalid UTF-8', 'Patient', Buffer.from([0x7b, 0xff, 0x7d]), 400, 'JSON_INVALID'],
  ['an array', 'Patient', '[]', 400, 'TYPE_MISMATCH'],
  ['a number', 'Patient', '1', 400, 'TYPE_MISMATCH'],
  ['no type', 'Patient', '{}', 400, 'TYPE_MISMATCH'],
  ['type of another kind', 'Patient', '{"resourceType":7}', 400, 'TYPE_MISMATCH'],
  ['another type', 'Patient', '{"resourceType":"Observation"}', 400, 'TYPE_MISMATCH'],
  ['nothing', 'Patient', '', 400, 'BODY_EMPTY'],
  ['unknown type', 'Pazient', '{"resourceType":"Pazient"}', 404, 'TYPE_UNKNOWN'],
  ['abstract type', 'DomainResource', '{"resourceType":"DomainResource"}', 404, 'TYPE_UNKNOWN'],
  ['type of Object', 'constructor', '{"resourceType":"constructor"}', 404, 'ROUTE_UNKNOWN'],
  ['unknown element', 'Patient', '{"resourceType":"Patient","nam":[]}', 422, 'RESOURCE_INVALID'],
  ['element of Object', 'Patient', '{"resourceType":"Patient","constructor":"x"}', 422, 'RESOURCE_INVALID'],
  ['wrong primitive', 'Patient', '{"resourceType":"Patient","active":"true"}', 422, 'RESOURCE_INVALID'],
  ['wrong date', 'Patient', '{"resourceType":"Patient","birthDate":"2023-02-29"}', 422, 'RESOURCE_INVALID'],
  ['scalar for a list', 'Patient', '{"resourceType":"Patient","name":{"family":"x"}}', 422, 'RESOURCE_INVALID'],
  ['number for an object', 'Patient', '{"resourceType":"Patient","name":[7]}', 422, 'RESOURCE_INVALID'],
  ['null', 'Patient', '{"resourceType":"Patient","active":null}', 422, 'RESOURCE_INVALID'],
  ['empty list', 'Patient', '{"resourceType":"Patient","name":[]}', 422, 'RESOURCE_INVALID'],
  ['empty object', 'Patient', '{"resourceType":"Patient","maritalStatus":{}}', 422, 'RESOURCE_INVALID'],
  ['code outside its value set', 'Patient', '{"resourceType":"Patient","gender":"none"}', 422, 'RESOURCE_INVALID'],
  ['invariant', 'Patient', '{"resourceType":"Patient","contact":[{"gender":"male"}]}', 422, 'RESOURCE_INVALID'],
  ['missing element', 'Observation', '{"resourceType":"Observation","status":"final"}', 422, 'RESOURCE_INVALID'],
  [
    'two values of a choice',
    'Observation',
    '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueString":"a","valueInteger":1}',
    422,
    'RESOURCE_INVALID',
  ],
  ['meta of another kind', 'Patient', '{"resourceType":"Patient","meta":[]}', 422, 'RESOURCE_INVALID'],
  ['meta that is text', 'Patient', '{"resourceType":"Patient","meta":"x"}', 422, 'RESOURCE_INVALID'],
  [
    'contained of no type',
    'Patient',
    '{"resourceType":"Patient","contained":[{"resourceType":"toString"}]}',
    422,
    'RESOURCE_INVALID',
  ],
  ['contained that is text', 'Patient', '{"resourceType":"Patient","contained":["x"]}', 422, 'RESOURCE_INVALID'],
];

for (const [name, path, body, status, code] of badBodies) {
  test(`POST refuses ${name}`, async () => {
    const answer = await node.send('POST', path, body);
    assert.equal(answer.status, status, answer.text);
    assert.equal(codeOf(answer), code);
  });
}

test('a reference to a type that the element does not take is refused', async () => {
  const id = await newPatient();
  const body = {
    resourceType: 'Observation',
    status: 'final',
    code: { text: 'x' },
    encounter: { reference: `Patient/${id}` },
  };
  const answer = await node.send('POST', 'Observation', body);
  assert.equal(answer.status, 422);
  assert.equal(codeOf(answer), 'RESOURCE_INVALID');
});

test('a resource about two patients is refused', async () => {
  const [one, two] = [await newPatient(), await newPatient()];
  const participant = [one, two].map((id) => ({ actor: { reference: `Patient/${id}` }, status: 'accepted' }));
  const answer = await node.send('POST', 'Appointment', {
    resourceType: 'Appointment',
    status: 'proposed',
    participant,
  });
  assert.equal(answer.status, 422);
  assert.equal(codeOf(answer), 'PATIENT_AMBIGUOUS');
});

test('addresses, methods and forms that are not served', async () => {
  const cases: readonly (readonly [string, string, number, string, Record<string, string>?])[] = [
    ['GET', 'nothing', 404, 'ROUTE_UNKNOWN'],
    ['GET', 'Patient/1/2/3', 404, 'TYPE_UNKNOWN'],
    ['GET', 'Patient/$everything', 404, 'OPERATION_UNKNOWN'],
    ['GET', '$constructor', 404, 'OPERATION_UNKNOWN'],
    ['GET', 'Patient/1/_history/1/$meta', 404, 'OPERATION_UNKNOWN'],
    ['GET', 'Patient/a_b/Observation', 404, 'NOT_FOUND'],
    ['GET', 'Organization/1/Observation', 404, 'TYPE_UNKNOWN'],
    ['GET', 'Patient/1/Nothing', 404, 'TYPE_UNKNOWN'],
    ['GET', 'Patient/x?_sumary=true', 400, 'PARAMETER_UNKNOWN'],
    ['GET', 'Patient/x?_summary=count', 400, 'PARAMETER_INVALID'],
    ['GET', 'Patient/x?_pretty=yes', 400, 'PARAMETER_INVALID'],
    ['POST', 'Patient?name=x', 400, 'PARAMETER_UNKNOWN'],
    ['GET', 'Patient/..%2f..%2fetc', 404, 'NOT_FOUND'],
    ['GET', `Patient/${'x'.repeat(65)}`, 404, 'NOT_FOUND'],
    ['GET', 'Patient/unknown', 404, 'NOT_FOUND'],
    ['GET', 'Patient/unknown/_history/1', 404, 'NOT_FOUND'],
    ['GET', 'Patient/unknown/_history', 404, 'NOT_FOUND'],
    ['PATCH', 'Patient/1', 404, 'NOT_FOUND'],
    ['PATCH', 'Patient', 405, 'INTERACTION_UNSUPPORTED'],
    ['PATCH', 'Patient/1/_history', 405, 'INTERACTION_UNSUPPORTED'],
    ['PUT', 'Patient', 405, 'INTERACTION_UNSUPPORTED'],
    ['DELETE', 'Patient', 405, 'INTERACTION_UNSUPPORTED'],
    ['GET', '', 405, 'INTERACTION_UNSUPPORTED'],
    ['GET', 'Patient', 406, 'NOT_ACCEPTABLE', { accept: 'application/fhir+xml' }],
    ['GET', 'Patient?_format=xml', 406, 'NOT_ACCEPTABLE'],
    ['GET', 'Patient?_format=ttl', 406, 'NOT_ACCEPTABLE'],
    ['GET', 'Patient', 406, 'NOT_ACCEPTABLE', { accept: 'application/fhir+json; fhirVersion=5.0' }],
    ['POST', 'Patient', 415, 'MEDIA_TYPE_UNSUPPORTED', { 'content-type': 'application/fhir+json; fhirVersion=3.0' }],
    ['POST', 'Patient', 415, 'MEDIA_TYPE_UNSUPPORTED', { 'content-type': 'application/json-patch+json' }],
    ['POST', 'Patient', 415, 'CONTENT_ENCODING_UNSUPPORTED', { 'content-encoding': 'compress' }],
    ['POST', 'Patient', 400, 'CONTENT_ENCODING_INVALID', { 'content-encoding': 'gzip' }],
    ['GET', `Patient?identifier=${'x'.repeat(LIMITS.urlChars)}`, 414, 'URL_TOO_LONG'],
    ['POST', 'Patient', 415, 'MEDIA_TYPE_UNSUPPORTED', { 'content-type': 'application/fhir+xml' }],
    ['POST', 'Patient', 415, 'MEDIA_TYPE_UNSUPPORTED', { 'content-type': 'application/x-www-form-urlencoded' }],
  ];
  for (const [method, path, status, code, headers] of cases) {
    const answer = await node.send(
      method,
      path,
      method === 'GET' || method === 'DELETE' ? undefined : PATIENT,
      headers,
    );
    assert.equal(answer.status, status, `${method} ${path} ${answer.text}`);
    assert.equal(codeOf(answer), code, `${method} ${path}`);
  }
  assert.equal((await node.send('POST', 'Patient/1', PATIENT)).headers.allow, 'GET, HEAD, PUT, PATCH, DELETE');
  assert.equal((await node.send('PUT', 'Patient/a_b', { resourceType: 'Patient', id: 'a_b' })).status, 400);
  assert.equal(codeOf(await node.send('PUT', 'Patient/a', { resourceType: 'Patient', id: 'b' })), 'ID_MISMATCH');
  for (const format of ['json', 'application/fhir+json', 'application/fhir%2Bjson']) {
    assert.equal((await node.send('GET', `Patient?_format=${format}`)).status, 200);
  }
});

test('bodies beyond the limits are refused before they are read', async () => {
  const long = `{"resourceType":"Patient","language":"${'x'.repeat(LIMITS.resourceBytes)}"}`;
  const answer = await node.send('POST', 'Patient', long);
  assert.equal(answer.status, 413);
  assert.equal(codeOf(answer), 'BODY_TOO_LARGE');
  assert.equal((await node.send('POST', '', ' '.repeat(LIMITS.bundleBytes + 1))).status, 413);
});
