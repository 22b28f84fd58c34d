import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { CUSTODIAN, createFhirNode } from '../../test/support/fhir-node.ts';
import type { Caller } from '../auth/caller.ts';
import { askedBy, askedOf } from './asked.ts';
import type { FhirRequest } from './context.ts';
import { routeOf } from './routes.ts';

const caller: Caller = {
  ...{ custodian: CUSTODIAN, account: 'a'.repeat(32), kind: 'practitioner', organisation: CUSTODIAN },
  ...{ roles: [], purpose: 'TREAT', client: 'app-1' },
};
const node = await createFhirNode({ authenticate: async () => caller });
after(() => node.app.close());

function asked(method: string, address: string, more: Partial<FhirRequest> = {}) {
  const [path = '', query = ''] = address.split(/\?(.*)/s);
  const route = routeOf(path, (type) => /^[A-Z]/.test(type));
  assert.ok(route, address);
  const request = { method, path, query: new URLSearchParams(query), prefer: { lenient: false }, ...more };
  const { interaction, query: text } = askedOf('r', route, request);
  return [interaction, text];
}

test('each interaction has R4’s code and an address without values', () => {
  const table: readonly (readonly [method: string, address: string, interaction: string, query: string])[] = [
    ['GET', 'Patient/p1', 'read', 'Patient/p1'],
    ['HEAD', 'Patient/p1?_summary=true', 'read', 'Patient/p1?_summary'],
    ['GET', 'Patient/p1/_history/2', 'vread', 'Patient/p1/_history/2'],
    ['GET', 'Patient/p1/_history?_count=3', 'history-instance', 'Patient/p1?_count'],
    ['GET', 'Patient/_history', 'history-type', 'Patient'],
    ['GET', '_history?_since=2020', 'history-system', '?_since'],
    ['GET', 'Patient?name=Oak&birthdate=1980&name=Ada', 'search-type', 'Patient?name&birthdate'],
    ['POST', 'Patient/_search?family=Oak', 'search-type', 'Patient?family'],
    ['GET', 'Patient/p1/Observation?code=x', 'search-type', 'Patient/*/Observation?code'],
    ['POST', 'Patient', 'create', 'Patient'],
    ['PUT', 'Patient/p1', 'update', 'Patient/p1'],
    ['PUT', 'Patient?identifier=x|1', 'update', 'Patient?identifier'],
    ['PATCH', 'Patient/p1', 'patch', 'Patient/p1'],
    ['DELETE', 'Patient/p1', 'delete', 'Patient/p1'],
    ['GET', 'Patient/p1/$everything?start=2020', '$everything', 'Patient/*?start'],
    ['GET', 'Encounter/e1/$everything', '$everything', 'Encounter/*'],
    ['GET', 'Observation/o1/$receipt', '$receipt', 'Observation/o1'],
    ['POST', 'Patient/$match', '$match', 'Patient'],
    ['POST', '', 'transaction', ''],
    ['GET', 'Patient?Jane Oak=1&%C3%B6=2', 'search-type', 'Patient'],
  ];
  for (const [method, address, interaction, query] of table)
    assert.deepEqual(asked(method, address), [interaction, query], `${method} ${address}`);
  assert.deepEqual(asked('POST', '', { text: '{"resourceType":"Bundle","type":"batch"}' }), ['batch', '']);
  const long = asked('GET', `Patient?${Array.from({ length: 90 }, (_, i) => `parameter${i}=1`).join('&')}`);
  assert.equal(long[1]?.length, 256);
});

test('an app of any name is bounded and printable', () => {
  const { client } = askedBy({ ...caller, client: `ö ${'x'.repeat(400)}` }, undefined);
  assert.match(client, /^\?\?x{254}$/);
  assert.deepEqual(askedBy({ ...caller, client: '' }, undefined), {
    client: '',
    interaction: '',
    request: '',
    query: '',
  });
});

test('the journal has app, interaction, request and names, and no value of a search', async () => {
  const { json } = await node.send('POST', 'Patient', { resourceType: 'Patient', name: [{ family: 'Oakensecret' }] });
  node.vault.interactions.length = 0;
  await node.send('GET', 'Patient?family=Oakensecret&gender:missing=true');
  await node.send('GET', `Patient/${json.id}`);
  const [search, read] = node.vault.interactions;
  assert.ok(search && 'client' in search && read && 'client' in read);
  assert.deepEqual(
    [search.client, search.interaction, search.query],
    ['app-1', 'search-type', 'Patient?family&gender:missing'],
  );
  assert.deepEqual([read.interaction, read.query], ['read', `Patient/${json.id}`]);
  assert.notEqual(search.request, read.request);
  assert.ok(!JSON.stringify(node.vault.interactions).includes('Oakensecret'));
});

test('entries of a batch have its request, and interactions of their own', async () => {
  const { json } = await node.send('POST', 'Patient', { resourceType: 'Patient' });
  node.vault.interactions.length = 0;
  const entry = [`Patient/${json.id}`, `Patient?_id=${json.id}`].map((url) => ({ request: { method: 'GET', url } }));
  await node.send('POST', '', { resourceType: 'Bundle', type: 'batch', entry });
  const all = node.vault.interactions.map((one) => ('client' in one ? one : undefined));
  assert.deepEqual(
    all.map((one) => one?.interaction),
    ['read', 'search-type'],
  );
  assert.equal(new Set(all.map((one) => one?.request)).size, 1);
  assert.notEqual(all[0]?.request, '');
});
