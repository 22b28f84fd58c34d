import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import { newGenesis } from '../../src/app/new-network.ts';
import type { NodeStarter, RunningNode } from '../../src/cli/node-starter.ts';
import { canonicalBytes, type JsonObject } from '../../src/std/canonical-json.ts';
import { newOrganisationKeys, type OrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';
import { runLine } from '../support/command-line.ts';
import { testEngine } from '../support/test-engine.ts';

/** The hospital's node keeps the ledger; the clinic's follows it. Each reaches the other over a real socket. */
interface TwoNodes {
  readonly folder: string;
  readonly hospital: RunningNode;
  readonly clinic: RunningNode;
  readonly accounts: { readonly hospital: string; readonly clinic: string };
  readonly nodes: NodeStarter;
}

async function startTwoNodes(t: TestContext): Promise<TwoNodes> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-two-nodes-'));
  const opened: RunningNode[] = [];
  t.after(async () => {
    for (const node of opened.reverse()) await node.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const operatorSeed = '09'.repeat(32);
  const [hospitalKeys, clinicKeys] = [await keysOf('hospital'), await keysOf('clinic')];
  const founders = [hospitalKeys.entry, clinicKeys.entry];
  const genesis = join(folder, 'genesis.json');
  const document = newGenesis({ name: 'two nodes', createdMs: Date.now(), operatorSeed, founders });
  writeFileSync(genesis, canonicalBytes(document as unknown as JsonObject));
  const write = ({ organisation, secrets, entry }: OrganisationKeys, operator: JsonObject): string => {
    const file = join(folder, `${organisation.slug}.keys.json`);
    const keys = { format: 'aceso.organisation-keys/1', organisation, secrets, entry, ...operator };
    writeFileSync(file, canonicalBytes(keys as unknown as JsonObject));
    return file;
  };
  const logger = pino({ level: 'silent' });
  const nodes = createNodeStarter({
    keyFolder: join(folder, 'keys'),
    clock: Date.now,
    logger,
    fetch,
    version: '0',
    engine: testEngine,
  });
  const common = { host: '127.0.0.1', seed: false, genesis, progress() {}, rootKeyMade() {} };
  const clinicPort = await freePort();
  const hospital = await nodes.start({
    ...{ ...common, folder: join(folder, 'hospital'), port: 0, keys: write(hospitalKeys, { operatorSeed }) },
    peers: [`http://127.0.0.1:${clinicPort}`],
  });
  opened.push(hospital);
  const clinic = await nodes.start({
    ...{ ...common, folder: join(folder, 'clinic'), port: clinicPort, keys: write(clinicKeys, {}) },
    follow: hospital.url,
  });
  opened.push(clinic);
  const accounts = { hospital: hospitalKeys.organisation.account, clinic: clinicKeys.organisation.account };
  return { folder, hospital, clinic, accounts, nodes };
}

function keysOf(slug: string): Promise<OrganisationKeys> {
  return newOrganisationKeys({ slug, name: slug, roles: ['provider'] });
}

function freePort(): Promise<number> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A patient with an observation, and a paper consent to treatment by `member`. */
async function admit(node: RunningNode, slug: string, patient: string, member: string): Promise<void> {
  const token = node.adminTokens[slug] as string;
  const reference = { reference: `Patient/${patient}` };
  await post(node.url, '/api/import', token, {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        request: { method: 'PUT', url: `Patient/${patient}` },
        resource: { resourceType: 'Patient', id: patient, identifier: [{ system: 'urn:mrn', value: patient }] },
      },
      {
        request: { method: 'PUT', url: `Observation/${patient}-hb` },
        resource: {
          resourceType: 'Observation',
          id: `${patient}-hb`,
          status: 'final',
          code: { text: 'Hb' },
          subject: reference,
        },
      },
    ],
  });
  const consent = {
    ...{ resourceType: 'Consent', status: 'active', patient: reference },
    scope: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/consentscope', code: 'patient-privacy' }] },
    category: [{ coding: [{ system: 'http://loinc.org', code: '59284-0' }] }],
    policyRule: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'OPTIN' }] },
    provision: {
      type: 'permit',
      purpose: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActReason', code: 'TREAT' }],
      actor: [
        {
          role: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'IRCP' }] },
          reference: { identifier: { system: 'urn:aceso:member', value: member } },
        },
      ],
    },
  };
  await post(node.url, '/api/consents', token, { patientId: patient, consent: JSON.stringify(consent) });
}

async function post(url: string, path: string, token: string, body: unknown): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${await answer.clone().text()}`);
}

/** Runs the command line against a node in this process; resolves to exit code and what was printed. */
function aceso({ nodes, folder }: TwoNodes, node: RunningNode, slug: string, words: readonly string[]) {
  const as = ['--url', node.url, '--token', node.adminTokens[slug] as string];
  return runLine([...words, ...as], { cwd: folder, nodes, fetch });
}

test('two nodes over HTTP release to each other what the ledger permits, and nothing else', async (t) => {
  const two = await startTwoNodes(t);
  const { hospital, clinic, accounts, folder } = two;
  await admit(hospital, 'hospital', 'p-1', accounts.clinic);
  await admit(clinic, 'clinic', 'p-2', accounts.hospital);
  const request = (custodian: string, identifier: string, purpose: string) =>
    ['access', 'request', '--custodian', custodian, '--identifier', identifier, '--purpose', purpose] as const;

  await t.test('the follower asks the node that keeps the ledger', async () => {
    const words = [...request(accounts.hospital, 'urn:mrn|p-1', 'TREAT'), '--out', 'bundle.json'];
    const { code, text } = await aceso(two, clinic, 'clinic', words);
    assert.equal(code, 0, text);
    assert.match(text, /^permit/);
    const bundle = JSON.parse(readFileSync(join(folder, 'bundle.json'), 'utf8'));
    const ids = bundle.entry.map((entry: { resource: { id: string } }) => entry.resource.id);
    assert.ok(ids.includes('p-1') && ids.includes('p-1-hb'), ids.join());
  });

  await t.test('the node that keeps the ledger asks the follower, which may be a block behind', async () => {
    const { code, text } = await aceso(two, hospital, 'hospital', request(accounts.clinic, 'urn:mrn|p-2', 'TREAT'));
    assert.equal(code, 0, text);
    assert.match(text, /^permit/);
  });

  await t.test('what no consent permits is denied, with the rule', async () => {
    const words = [...request(accounts.hospital, 'urn:mrn|p-1', 'HOPERAT'), '--out', 'denied.json'];
    const { code, text } = await aceso(two, clinic, 'clinic', words);
    assert.equal(code, 0, text);
    assert.match(text, /^deny {3}rules: default:no-permit/);
    assert.throws(() => readFileSync(join(folder, 'denied.json')));
  });

  await t.test('the patient’s log at the custodian shows introduction and release', async () => {
    const { code, text } = await aceso(two, hospital, 'hospital', ['access', 'log', 'p-1']);
    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`release +permit +TREAT +\\d+ versions {2}${accounts.clinic}`));
    assert.match(text, /default:introduction/);
  });
});
