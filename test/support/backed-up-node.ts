import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import type { BackupProgress, BackupRequest, BackupSummary } from '../../src/cli/backup-work.ts';
import type { NodeStarter, RunningNode } from '../../src/cli/node-starter.ts';
import { untilOver } from '../../src/cli/operations.ts';
import type { VaultDatabase } from '../../src/vault/open-databases.ts';
import { testEngine } from './test-engine.ts';

/** Whose call it is, and at which node. */
export interface Ask {
  readonly url: string;
  readonly token: string;
}

/** A seeded node in a temporary folder, to be backed up, and started again. */
export interface BackedUpNode {
  /** Temporary folder; it goes with `end`. */
  readonly root: string;
  readonly keyFolder: string;
  readonly data: string;
  readonly nodes: NodeStarter;
  /** Commands of a process with its vaults elsewhere, or with other root keys. */
  starterOn(database?: VaultDatabase, keyFolder?: string): NodeStarter;
  start(folder: string, on?: NodeStarter): Promise<RunningNode>;
  /** The node as it runs now. */
  node: RunningNode;
  /** Token of a physician, good at every copy of the node. */
  readonly staff: string;
  /** Id of one of their patients. */
  readonly patient: string;
  end(): Promise<void>;
}

export async function createBackedUpNode(): Promise<BackedUpNode> {
  const root = mkdtempSync(join(tmpdir(), 'aceso-backup-'));
  const [keyFolder, data] = [join(root, 'keys'), join(root, 'data')];
  const starterOn = (vaultDatabase?: VaultDatabase, keys = keyFolder): NodeStarter =>
    createNodeStarter({
      ...{
        keyFolder: keys,
        clock: Date.now,
        logger: pino({ level: 'silent' }),
        fetch,
        version: '0',
        engine: testEngine,
      },
      vaultDatabase,
    });
  const nodes = starterOn();
  const start = (folder: string, on = nodes): Promise<RunningNode> =>
    on.start({ folder, host: '127.0.0.1', port: 0, seed: true, progress() {}, rootKeyMade() {} });
  const node = await start(data);
  const staff = node.seeded?.accounts[0]?.token ?? '';
  const found = await call({ url: node.url, token: staff }, 'GET', '/fhir/Patient?_count=1');
  const [entry] = found.body.entry as { resource: { id: string } }[];
  const made: BackedUpNode = {
    ...{ root, keyFolder, data, nodes, starterOn, start, node, staff, patient: entry?.resource.id ?? '' },
    async end() {
      await made.node.close();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return made;
}

export async function call(
  { url, token }: Ask,
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': path.startsWith('/fhir') ? 'application/fhir+json' : 'application/json',
      'aceso-purpose': 'TREAT',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** The administrator of a node's first organisation. */
export const adminOf = ({ url, adminTokens }: Pick<RunningNode, 'url' | 'adminTokens'>): Ask => ({
  url,
  token: Object.values(adminTokens)[0] as string,
});

/** Has a running node make a backup, and waits for it. */
export async function backup(ask: Ask, request: BackupRequest): Promise<BackupSummary> {
  const begun = await call(ask, 'POST', '/api/backup', request);
  assert.equal(begun.status, 202, JSON.stringify(begun.body));
  const asked = async () => (await call(ask, 'GET', '/api/backup')).body as unknown as BackupProgress;
  const { report } = await untilOver(asked, () => {});
  assert.ok(report !== undefined);
  return report;
}

/** An Observation of a patient's. */
export const noteOf = (patient: string, n: number) => ({
  ...{
    resourceType: 'Observation',
    status: 'final',
    subject: { reference: `Patient/${patient}` },
    valueString: `n${n}`,
  },
  code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
});

/** Writes until told to stop; ids of what was acknowledged, in that order. */
export function writing(ask: Ask, patient: string) {
  const written: string[] = [];
  let isOver = false;
  const writers = Array.from({ length: 2 }, async () => {
    for (let n = 0; !isOver; n++) {
      const { status, body } = await call(ask, 'POST', '/fhir/Observation', noteOf(patient, n));
      assert.equal(status, 201, JSON.stringify(body));
      written.push(String(body.id));
      await delay(5);
    }
  });
  return {
    written,
    async stop() {
      isOver = true;
      await Promise.all(writers);
    },
  };
}
