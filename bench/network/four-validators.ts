import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Genesis, genesisHash, parseGenesis } from '../../src/chain/genesis.ts';
import { ed25519PublicKey } from '../../src/crypto/node/ed25519.ts';
import type { EngineSettings } from '../../src/ledger/cometbft/engine/engine.ts';
import { engineGenesis } from '../../src/ledger/cometbft/engine/engine-genesis.ts';
import { nodeIdOf } from '../../src/ledger/cometbft/engine/key-files.ts';
import { bytesToHex } from '../../src/std/bytes.ts';
import type { Json, JsonObject } from '../../src/std/canonical-json.ts';
import { notesGenesis } from '../../test/support/test-ledger.ts';
import { type TestSigner, testSigner } from '../../test/support/test-signer.ts';

export const VALIDATORS = 4;
/** Members who submit, in equal parts at each validator. */
const MEMBERS = 400;
const BLOCK_BYTES = 4 * 1024 * 1024;
/** So high that no member's budget binds. */
const LIMITS = { bytesPerMinute: 2 ** 36, workPerMinute: 2 ** 38 };

/** A network for one measurement, told to each of its processes as JSON. */
export interface NetworkPlan {
  readonly genesis: Genesis;
  /** Holds the data of all four, each in its own folder. */
  readonly folder: string;
  readonly program: string;
  readonly port: number;
}

function seed(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`bench ${name}`).digest());
}

function label(member: number): string {
  return `bench ${member}`;
}

/** Who submits at validator `at`. */
export function membersOf(at: number): readonly TestSigner[] {
  const members: TestSigner[] = [];
  for (let member = at; member < MEMBERS; member += VALIDATORS) members.push(testSigner(label(member)));
  return members;
}

/** A ledger of notes of four validators of equal power, of now. */
export function benchGenesis(): Genesis {
  const labels = Array.from({ length: MEMBERS }, (_, member) => label(member));
  const validators = Array.from({ length: VALIDATORS }, (_, at) => ({
    account: testSigner(label(at)).account,
    publicKey: bytesToHex(ed25519PublicKey(seed(`validator ${at}`))),
    node: nodeIdOf(seed(`node ${at}`)),
    power: 1,
  }));
  const notes = notesGenesis(labels, {
    createdMs: Date.now(),
    operator: { kind: 'cometbft', validators: validators as Json, blockBytes: BLOCK_BYTES },
  });
  const sections = notes.sections as { readonly chain: JsonObject };
  const chain = { ...sections.chain, limits: LIMITS };
  const genesis = parseGenesis({ ...notes, sections: { ...sections, chain } } as Json);
  if (genesis === undefined) throw new Error('the genesis of the benchmark is malformed');
  return genesis;
}

/** Folder of validator `at`. */
export function nodeFolder(plan: NetworkPlan, at: number): string {
  return join(plan.folder, `node-${at}`);
}

export function ownNode(at: number): string {
  return nodeIdOf(seed(`node ${at}`));
}

/** The same for each application: only what is behind the socket differs. */
export function engineSettings(plan: NetworkPlan, at: number): EngineSettings {
  const folder = nodeFolder(plan, at);
  const others = Array.from({ length: VALIDATORS }, (_, other) => other).filter((other) => other !== at);
  return {
    program: plan.program,
    home: join(folder, 'engine'),
    keyFolder: join(folder, 'keys'),
    socketFolder: join(folder, 's'),
    genesis: engineGenesis(plan.genesis),
    validatorSeed: seed(`validator ${at}`),
    nodeSeed: seed(`node ${at}`),
    p2pListen: `tcp://${address(at)}:${plan.port}`,
    peers: others.map((other) => `${ownNode(other)}@${address(other)}:${plan.port}`),
  };
}

export function chainOf({ genesis }: NetworkPlan): string {
  return genesisHash(genesis);
}

function address(at: number): string {
  return `127.0.0.${at + 1}`;
}

/** A port that is free at all four addresses. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(Array.from({ length: VALIDATORS }, (_, at) => isFree(port, address(at))));
    if (free.every((one) => one)) return port;
  }
  throw new Error('no port is free at 127.0.0.1 to 127.0.0.4; only Linux has these addresses without more ado');
}

function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
