import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CUSTODIAN, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import { createVault } from '../vault/create-vault.ts';
import type { Vault } from '../vault/vault.ts';

/** What the vault in memory cannot show: the server over the vault that encrypts. */
let node: FhirNode;
let vault: Vault;
const folder = mkdtempSync(join(tmpdir(), 'aceso-fhir-'));
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
before(async () => {
  vault = await createVault({ folder, custodian: CUSTODIAN, rootKey: new Uint8Array(32).fill(7), log: silent });
  await vault.openAccount(CUSTODIAN);
  node = await createFhirNode({ vaultOf: () => vault });
});
after(async () => {
  await node.app.close();
  await vault.close();
  rmSync(folder, { recursive: true });
});

const observation = (patient: string, identifier: string, label?: string) => ({
  resourceType: 'Observation',
  identifier: [{ system: 'urn:o', value: identifier }],
  ...(label === undefined
    ? {}
    : { meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: label }] } }),
  status: 'final',
  code: { text: 'x' },
  subject: { reference: `Patient/${patient}` },
});

test('resources come back as they were sent, change, and go', async () => {
  const created = await node.send('POST', 'Patient', '{"resourceType":"Patient", "name":[{"family":"M\\u00fcller"}]}');
  assert.equal(created.status, 201, created.text);
  const { id } = created.json;
  assert.match(created.text, /"family":"M\\u00fcller"/);
  assert.equal((await node.send('GET', `Patient/${id}`)).text, created.text);
  const bodies = [true, false].map((active) => ({ resourceType: 'Patient', id, active }));
  const racing = await Promise.all(
    bodies.map((body) => node.send('PUT', `Patient/${id}`, body, { 'if-match': 'W/"1"' })),
  );
  assert.deepEqual(racing.map(({ status }) => status).sort(), [200, 412]);
  const free = await Promise.all(bodies.map((body) => node.send('PUT', `Patient/${id}`, body)));
  assert.deepEqual(free.map(({ headers }) => headers.etag).sort(), ['W/"3"', 'W/"4"']);
  assert.equal((await node.send('DELETE', `Patient/${id}`)).status, 204);
  assert.equal((await node.send('GET', `Patient/${id}`)).status, 410);
  const history = await node.send('GET', `Patient/${id}/_history?_count=2`);
  assert.deepEqual(
    history.json.entry.map((entry: { response: { etag: string } }) => entry.response.etag),
    ['W/"5"', 'W/"4"'],
  );
});

test('a search finds what is indexed under a patient alone', async () => {
  const { json: patient } = await node.send('POST', 'Patient', { resourceType: 'Patient' });
  await node.send('POST', 'Observation', observation(patient.id, 'plain'));
  await node.send('POST', 'Observation', observation(patient.id, 'sensitive', 'HIV'));
  const count = async (query: string) => (await node.send('GET', `Observation?${query}`)).json.entry?.length ?? 0;
  assert.equal(await count('identifier=urn:o|plain'), 1);
  assert.equal(await count('identifier=urn:o|sensitive'), 1);
  assert.equal(await count(`patient=${patient.id}`), 2);
  assert.equal(await count('identifier=urn:o|plain,urn:o|sensitive'), 2);
  const condition = { 'if-none-exist': 'identifier=urn:o|sensitive' };
  assert.equal(
    (await node.send('POST', 'Observation', observation(patient.id, 'sensitive', 'HIV'), condition)).status,
    200,
  );
});

test('a transaction is one write, and reads are in the journal', async () => {
  const before = vault.journalHead().size;
  const urn = 'urn:uuid:0b7ee0e2-0000-4000-8000-000000000001';
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      { resource: observation('x', 'tx'), request: { method: 'POST', url: 'Observation' } },
      { fullUrl: urn, resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
    ],
  };
  Object.assign(bundle.entry[0]?.resource ?? {}, { subject: { reference: urn } });
  const answer = await node.send('POST', '', bundle);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(vault.journalHead().size, before + 2);
  await node.send('GET', 'Observation?identifier=urn:o|tx');
  assert.equal(vault.journalHead().size, before + 3);
});
