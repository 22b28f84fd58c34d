import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { generatePatients } from '../../src/synthetic/generate.ts';
import { bundleToLines } from '../../src/synthetic/resource-lines.ts';
import { type NodeAddress, type StandbyNode, standbyNode } from '../crash/killed-node.ts';
import { consentFor } from '../support/patient-consent.ts';
import { assertionOf, newServiceKey, serviceOf, serviceToken } from '../support/smart-app.ts';

/*
 * Generated patients go in by $import and come out by $export of a back-end service (SMART Backend Services), with a node
 * that is killed while it exports.
 */

const PATIENTS = process.env.ACESO_LONG === '1' ? 1000 : 42;
const SLUG = 'st-brigid';
/** A kill that comes too late, when all was exported already, is tried again. */
const TRIES = 6;

const root = mkdtempSync(join(tmpdir(), 'aceso-bulk-e2e-'));
after(() => rmSync(root, { recursive: true, force: true }));
const [folder, keyFolder, cache] = [join(root, 'data'), join(root, 'keys'), join(root, 'cache')];

interface ManifestFile {
  readonly type: string;
  readonly url: string;
  readonly count: number;
  readonly extension: { readonly 'urn:aceso:receipt': { readonly sha256: string; readonly receipt: string } };
}

/** Every resource's line by `Type/id`; those that several charts share once. */
function generated(): Map<string, string> {
  const lines = new Map<string, string>();
  for (const bundle of generatePatients({ seed: 'bulk', count: PATIENTS, asOf: '2026-06-30', years: 1.5 })) {
    for (const { text } of bundleToLines(bundle)) {
      const { resourceType, id } = JSON.parse(text) as { resourceType: string; id: string };
      lines.set(`${resourceType}/${id}`, text);
    }
  }
  return lines;
}

/** The address on the node as it is now: it listens elsewhere after each start. */
function at({ url }: NodeAddress, address: string): string {
  return `${url}${new URL(address, url).pathname}`;
}

function headersOf({ adminTokens }: NodeAddress): Record<string, string> {
  return { authorization: `Bearer ${adminTokens[SLUG]}`, 'aceso-purpose': 'TREAT' };
}

const KEY = newServiceKey('ES384');

/** Registers a back-end service, which knows of the node where its FHIR service is, and its own key. */
async function registered(node: NodeAddress): Promise<string> {
  const body = JSON.stringify(serviceOf(KEY, { scope: 'system/*.rs', actor: { purposes: ['TREAT'] } }));
  const headers = { ...headersOf(node), 'content-type': 'application/json' };
  const answer = await fetch(`${node.url}/api/clients`, { method: 'POST', headers, body });
  assert.equal(answer.status, 201, await answer.clone().text());
  return ((await answer.json()) as { client_id: string }).client_id;
}

/** SMART Backend Services: an assertion that the service signs, for a token of five minutes. */
async function serviceHeaders(node: NodeAddress, clientId: string): Promise<Record<string, string>> {
  const configuration = await fetch(`${node.url}/fhir/.well-known/smart-configuration`);
  const { issuer } = (await configuration.json()) as { issuer: string };
  const at = { baseUrl: issuer.slice(0, -'/auth'.length) };
  const { status, json } = await serviceToken(at, await assertionOf(at, clientId, KEY));
  assert.equal(status, 200, JSON.stringify(json));
  return { authorization: `Bearer ${json.access_token}` };
}

/** The first answer that is not `202`. */
async function ended(node: NodeAddress, address: string, headers = headersOf(node)): Promise<Record<string, unknown>> {
  for (;;) {
    const answer = await fetch(at(node, address), { headers });
    if (answer.status === 200) return (await answer.json()) as Record<string, unknown>;
    assert.ok(answer.status === 202 || answer.status === 429, await answer.text());
    await sleep(1000 * Number(answer.headers.get('retry-after')));
  }
}

async function begun(node: NodeAddress, path: string, init: RequestInit): Promise<string> {
  const answer = await fetch(`${node.url}/fhir/${path}`, {
    ...init,
    headers: { ...headersOf(node), prefer: 'respond-async', ...init.headers },
  });
  assert.equal(answer.status, 202, await answer.clone().text());
  return answer.headers.get('content-location') ?? '';
}

async function opened(child: StandbyNode): Promise<NodeAddress> {
  await child.loaded;
  const node = await child.open();
  assert.ok(node !== undefined);
  return node;
}

/** What libraries note on standard error is no matter here; that the process ended by itself is. */
async function killed(child: StandbyNode): Promise<void> {
  await child.kill().catch((error: Error) => {
    if (!error.message.includes('ended with SIGKILL')) throw error;
  });
}

/** Resolves as soon as anything of an export is on the disk. */
async function firstBytes(job: string): Promise<void> {
  const path = join(folder, 'exports', SLUG, job);
  const size = (): number => {
    try {
      return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    } catch {
      return 0;
    }
  };
  while (size() === 0) await sleep(1);
}

test(`a back-end service’s export of ${PATIENTS} generated patients is killed half-way and finishes after the restart, every resource once`, async (t) => {
  const resources = generated();
  let child = standbyNode(folder, keyFolder, cache);
  t.after(() => killed(child));
  let node = await opened(child);
  const importing = await begun(node, '$import', {
    method: 'POST',
    headers: { 'content-type': 'application/fhir+ndjson' },
    body: [...resources.values()].join('\n'),
  });
  const imported = await ended(node, importing);
  assert.deepEqual(imported.error, []);
  assert.equal(
    (imported.extension as { 'urn:aceso:import': { created: number } })['urn:aceso:import'].created,
    resources.size,
  );
  const service = await registered(node);
  let headers = await serviceHeaders(node, service);
  let address = '';
  let isHalfWay = false;
  for (let tried = 0; tried < TRIES && !isHalfWay; tried++) {
    address = await begun(node, '$export', { method: 'GET', headers });
    await firstBytes(address.split('/').at(-1) ?? '');
    await killed(child);
    child = standbyNode(folder, keyFolder, cache);
    node = await opened(child);
    // Its address is part of a token, and this node listens elsewhere now.
    headers = await serviceHeaders(node, service);
    isHalfWay = (await fetch(at(node, address), { headers })).status === 202;
  }
  assert.ok(isHalfWay, 'no kill met an export half-way');
  const manifest = await ended(node, address, headers);
  assert.deepEqual(manifest.error, []);
  const files = manifest.output as ManifestFile[];
  // A large export outlives a token.
  headers = await serviceHeaders(node, service);
  const found = await fetched(node, files, headers);
  for (const file of files) {
    assert.equal((await fetch(at(node, file.url))).status, 401);
    assert.equal((await fetch(at(node, file.url), { headers: headersOf(node) })).status, 404);
    if (file.type === 'Patient') await assertReceipt(node, file.extension['urn:aceso:receipt'], headers);
  }
  assert.deepEqual(
    [...found.values()].filter((count) => count !== 1),
    [],
  );
  assert.deepEqual(
    [...resources.keys()].filter((name) => !found.has(name)),
    [],
  );
  await assertDenied(node, resources);
});

/** How often each resource is in the files, which are as their manifest says. */
async function fetched(
  node: NodeAddress,
  files: readonly ManifestFile[],
  headers = headersOf(node),
): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const file of files) {
    const answer = await fetch(at(node, file.url), { headers });
    const text = await answer.text();
    const { sha256 } = file.extension['urn:aceso:receipt'];
    assert.equal(createHash('sha256').update(text).digest('hex'), sha256);
    const lines = text.split('\n').slice(0, -1);
    assert.equal(lines.length, file.count);
    for (const line of lines) {
      const { resourceType, id } = JSON.parse(line) as { resourceType: string; id: string };
      assert.equal(resourceType, file.type);
      found.set(`${resourceType}/${id}`, (found.get(`${resourceType}/${id}`) ?? 0) + 1);
    }
  }
  return found;
}

/** A patient who denies the organisation treatment is in no file of the next export, nor is anything of hers. */
async function assertDenied(node: NodeAddress, resources: ReadonlyMap<string, string>): Promise<void> {
  const name = [...resources.keys()].find((one) => one.startsWith('Patient/')) ?? '';
  const hers = [...resources].filter(([one, text]) => one === name || text.includes(`"${name}"`)).map(([one]) => one);
  assert.ok(hers.length > 5);
  const about = (await (await fetch(node.url)).json()) as { organisations: { slug: string; account: string }[] };
  const account = about.organisations.find(({ slug }) => slug === SLUG)?.account ?? '';
  const consent = JSON.stringify({ ...consentFor(account, 'deny'), patient: { reference: name } });
  const paper = await fetch(`${node.url}/api/consents`, {
    method: 'POST',
    headers: { ...headersOf(node), 'content-type': 'application/json' },
    body: JSON.stringify({ patientId: name.split('/')[1], consent }),
  });
  assert.equal(paper.status, 200, await paper.text());
  const manifest = await ended(node, await begun(node, 'Patient/$export', { method: 'GET' }));
  const found = await fetched(node, manifest.output as ManifestFile[]);
  assert.deepEqual(
    hers.filter((one) => found.has(one)),
    [],
  );
  const others = [...resources].filter(([one, text]) => text.includes('"Patient/') && !hers.includes(one));
  assert.deepEqual(
    others.filter(([one]) => !found.has(one)),
    [],
  );
}

/** The journal's entry, anchored on the ledger, names the file's hash. */
async function assertReceipt(
  node: NodeAddress,
  { receipt, sha256 }: { readonly receipt: string; readonly sha256: string },
  headers: Record<string, string>,
): Promise<void> {
  for (;;) {
    const answer = await fetch(at(node, receipt), { headers });
    const text = await answer.text();
    // Until the next anchor, a second at most.
    if (answer.status === 503) await sleep(200);
    else {
      assert.equal(answer.status, 200, text);
      assert.ok(text.includes(sha256));
      return;
    }
  }
}
