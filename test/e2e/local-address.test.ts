import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import { freePort } from '../../src/app/listen.ts';
import type { RunningNode } from '../../src/cli/node-starter.ts';
import { testEngine } from '../support/test-engine.ts';

/** A node that is told nothing but where to keep what it has, as `aceso start` on its own. */
function createNode(t: TestContext, port: number) {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-local-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const nodes = createNodeStarter({
    ...{ keyFolder: join(folder, 'keys'), clock: Date.now, logger: pino({ level: 'silent' }), fetch, version: '0' },
    engine: testEngine,
  });
  return (more: { baseUrl?: string } = {}): Promise<RunningNode> =>
    nodes.start({
      ...{ folder: join(folder, 'data'), host: '127.0.0.1', port, seed: false, progress() {}, rootKeyMade() {} },
      ...more,
    });
}

interface Entry {
  readonly fullUrl: string;
  readonly resource: { readonly id: string };
}

function asAdministrator({ adminTokens }: RunningNode) {
  const [token = ''] = Object.values(adminTokens);
  return async (method: string, url: string, body?: object) => {
    const answer = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of many kinds, looked into by the test
    return { status: answer.status, json: (await answer.json()) as any };
  };
}

const observation = (id: string, subject: string) => ({
  ...{ resourceType: 'Observation', id, status: 'final', subject: { reference: subject } },
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
});

test('a node of its own is called localhost, takes passkeys, and still knows what it wrote under 127.0.0.1', async (t) => {
  const port = await freePort(['127.0.0.1', '::1']);
  const start = createNode(t, port);
  const numbered = `http://127.0.0.1:${port}`;

  // As a node of before called itself.
  const old = await start({ baseUrl: numbered });
  const before = asAdministrator(old);
  assert.equal(old.baseUrl, numbered);
  const patient = { resourceType: 'Patient', id: 'p', name: [{ family: 'Oldname' }] };
  assert.equal((await before('PUT', `${numbered}/fhir/Patient/p`, patient)).status, 201);
  const first = observation('o1', `${numbered}/fhir/Patient/p`);
  assert.equal((await before('PUT', `${numbered}/fhir/Observation/o1`, first)).status, 201);
  await old.close();

  const node = await start();
  t.after(() => node.close());
  const ask = asAdministrator(node);
  const named = `http://localhost:${port}`;
  assert.deepEqual([node.url, node.baseUrl], [numbered, named]);

  // What people and apps are told is the name, whichever way they asked; passkeys are made for it.
  for (const at of [numbered, named]) {
    const { json } = await ask('GET', `${at}/fhir/.well-known/smart-configuration`);
    assert.equal(json.issuer, `${named}/auth`, at);
    assert.equal((await ask('GET', `${at}/fhir/metadata`)).json.implementation.url, `${named}/fhir`, at);
  }
  const roles = { roleCodes: ['http://snomed.info/sct|309343006'], purposes: ['TREAT'] };
  const hired = await ask('POST', `${numbered}/api/people`, { label: 'Dr. Name', ...roles });
  const code = new URL(hired.json.link).hash.slice(1);
  assert.equal(new URL(hired.json.link).origin, named);
  const ceremony = await ask('POST', `${named}/sign-in/enrol/options`, { code });
  assert.equal(ceremony.json.options?.rp?.id, 'localhost', JSON.stringify(ceremony.json));

  // An app that was set up under the number gets in; what it says of another port is another server.
  const client = { client_name: 'Old app', redirect_uris: [`${named}/app`], token_endpoint_auth_method: 'none' };
  const app = await ask('POST', `${numbered}/api/clients`, { ...client, scope: 'launch/patient patient/*.rs' });
  for (const [aud, way] of [
    [`${numbered}/fhir`, '/auth/interaction/'],
    [`${named}/fhir/`, '/auth/interaction/'],
    [`http://127.0.0.1:${port - 1}/fhir`, '/app?error=invalid_request'],
  ] as const) {
    const query = new URLSearchParams({
      ...{ response_type: 'code', client_id: app.json.client_id, redirect_uri: `${named}/app`, state: 's'.repeat(22) },
      ...{ scope: 'launch/patient patient/*.rs', aud, code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' },
    });
    const answer = await fetch(`${numbered}/auth/authorize?${query}`, { redirect: 'manual' });
    const location = new URL(answer.headers.get('location') ?? '', named);
    assert.equal(`${location.pathname}${location.search}`.startsWith(way), true, `${aud} ${location}`);
  }

  // References of before lead where they led; new ones may be written under every name, and lead to somewhere.
  const names = [numbered, named, `http://[::1]:${port}`];
  for (const [at, name] of names.entries())
    assert.equal(
      (await ask('PUT', `${numbered}/fhir/Observation/n${at}`, observation(`n${at}`, `${name}/fhir/Patient/p`))).status,
      201,
      name,
    );
  const nobody = await ask('PUT', `${named}/fhir/Observation/x`, observation('x', `${numbered}/fhir/Patient/nobody`));
  assert.equal(nobody.status, 422);
  const all = ['n0', 'n1', 'n2', 'o1'];
  const searches = ['patient=p', 'subject=Patient/p', ...names.map((name) => `subject=${name}/fhir/Patient/p`)];
  for (const search of [...searches, 'patient.family=Oldname']) {
    const { json } = await ask('GET', `${named}/fhir/Observation?${search}&_include=Observation:patient`);
    const entries = json.entry as Entry[];
    assert.deepEqual(entries.map(({ resource }) => resource.id).sort(), [...all, 'p'], search);
    assert(entries.every(({ fullUrl }) => fullUrl.startsWith(`${named}/fhir/`)));
  }
  const everything = await ask('GET', `${named}/fhir/Patient/p/$everything`);
  assert.deepEqual(everything.json.entry.map(({ resource }: Entry) => resource.id).sort(), [...all, 'p']);
  const batch = { method: 'GET', url: `${numbered}/fhir/Observation/o1` };
  const answered = await ask('POST', `${named}/fhir`, {
    resourceType: 'Bundle',
    type: 'batch',
    entry: [{ request: batch }],
  });
  assert.equal(answered.json.entry[0].resource?.id, 'o1');
});
