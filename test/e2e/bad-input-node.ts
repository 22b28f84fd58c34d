import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import { newGenesis } from '../../src/app/new-network.ts';
import { readNodeFile, readSecrets } from '../../src/app/node-folder.ts';
import { openMasterKey } from '../../src/app/rotation/master-key-file.ts';
import type { Signer } from '../../src/chain/sign-transaction.ts';
import { keyId } from '../../src/chain/signature.ts';
import type { NodeStarter, RunningNode } from '../../src/cli/node-starter.ts';
import { ed25519PublicKey, signEd25519 } from '../../src/crypto/node/ed25519.ts';
import { hexToBytes } from '../../src/std/bytes.ts';
import { canonicalBytes, type JsonObject } from '../../src/std/canonical-json.ts';
import { newOrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';
import { testEngine } from '../support/test-engine.ts';

/** An empty pair of folders, removed after the test: the data folder does not exist yet. */
export function temporaryFolders(t: TestContext): {
  readonly root: string;
  readonly folder: string;
  readonly keyFolder: string;
} {
  const root = mkdtempSync(join(tmpdir(), 'aceso-bad-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return { root, folder: join(root, 'data'), keyFolder: join(root, 'config') };
}

/** A starter of real nodes on real sockets. `logged` collects what they log as errors, a JSON line each. */
export function testStarter(keyFolder: string, logged: string[] = [], clock: () => number = Date.now): NodeStarter {
  const logger = pino({ level: 'error' }, { write: (line: string) => void logged.push(line) });
  return createNodeStarter({ keyFolder, clock, logger, fetch, version: '0.0.0-test', engine: testEngine });
}

export const QUIET_START = {
  ...{ host: '127.0.0.1', port: 0, seed: false },
  progress: () => {},
  rootKeyMade: () => {},
} as const;

/** A real node that listens, with the keys of its first organisation. */
export interface BadInputNode {
  readonly folder: string;
  readonly keyFolder: string;
  readonly starter: NodeStarter;
  /** What the node logged as errors: nothing, whatever is sent to it. */
  readonly logged: readonly string[];
  readonly clock: { offsetMs: number };
  /** Signs as the first organisation. */
  readonly signer: Signer;
  readonly genesisHash: string;
  running(): RunningNode;
  /** Stops it in good order and starts it again on the same folder, which reads and checks all that is there. */
  restart(): Promise<void>;
}

/** Starts an empty node; with `limits`, on a ledger of its own whose genesis sets them. */
export async function startBadInputNode(t: TestContext, limits?: JsonObject): Promise<BadInputNode> {
  const { root, folder, keyFolder } = temporaryFolders(t);
  const logged: string[] = [];
  const clock = { offsetMs: 0 };
  const starter = testStarter(keyFolder, logged, () => Date.now() + clock.offsetMs);
  const joining = limits === undefined ? {} : await foundWithLimits(root, limits);
  let node = await starter.start({ ...QUIET_START, folder, ...joining });
  t.after(() => node.close());
  const about = (await (await fetch(node.url)).json()) as { genesis: string };
  return {
    ...{ folder, keyFolder, starter, logged, clock, genesisHash: about.genesis },
    signer: await firstSigner(folder, keyFolder),
    running: () => node,
    async restart() {
      await node.close();
      node = await starter.start({ ...QUIET_START, folder });
    },
  };
}

async function foundWithLimits(root: string, limits: JsonObject): Promise<{ genesis: string; keys: string }> {
  const { organisation, secrets, entry } = await newOrganisationKeys({
    slug: 'hospital',
    name: 'Hospital',
    roles: ['provider'],
  });
  const operatorSeed = '05'.repeat(32);
  const document = newGenesis({ name: 'limited', createdMs: Date.now(), operatorSeed, founders: [entry] });
  const { sections } = document as unknown as { sections: { chain: JsonObject } };
  const limited = { ...document, sections: { ...sections, chain: { ...sections.chain, limits } } };
  const [genesis, keys] = [join(root, 'genesis.json'), join(root, 'keys.json')];
  writeFileSync(genesis, canonicalBytes(limited as unknown as JsonObject));
  const file = { format: 'aceso.organisation-keys/1', organisation, secrets, entry, operatorSeed };
  writeFileSync(keys, canonicalBytes(file as unknown as JsonObject));
  return { genesis, keys };
}

/** Path of a node's root key. */
export async function rootKeyFile(folder: string, keyFolder: string): Promise<string> {
  return join(keyFolder, `${(await readNodeFile(folder))?.node}.key`);
}

async function firstSigner(folder: string, keyFolder: string): Promise<Signer> {
  const node = await readNodeFile(folder);
  const [organisation] = node?.organisations ?? [];
  const rootKey = await openMasterKey({ folder, keyFolder, node: node?.node ?? '' });
  const { organisations } = await readSecrets(folder, rootKey);
  const seed = hexToBytes(organisations[0]?.signingSeed ?? '') as Uint8Array;
  const account = organisation?.account ?? '';
  return { account, keyId: keyId('ed25519', ed25519PublicKey(seed)), sign: (bytes) => signEd25519(seed, bytes) };
}

/** A node's answer: status, the refusal's code wherever it stands, and the text. */
export interface Answer {
  readonly status: number;
  readonly code: string;
  readonly text: string;
}

/** Code of a refusal in a JSON body, ours or an OperationOutcome's. */
export function codeOf(text: string): string {
  try {
    const body = JSON.parse(text) as { code?: string; issue?: { details?: { coding?: { code?: string }[] } }[] };
    return body.code ?? body.issue?.[0]?.details?.coding?.[0]?.code ?? '';
  } catch {
    return '';
  }
}
