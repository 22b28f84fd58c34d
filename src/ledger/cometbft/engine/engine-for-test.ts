import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sha256 } from '#crypto/platform';
import type { Genesis } from '../../../chain/genesis.ts';
import { ed25519PublicKey } from '../../../crypto/node/ed25519.ts';
import { bytesToHex, utf8 } from '../../../std/bytes.ts';
import type { Json } from '../../../std/canonical-json.ts';
import { isReject } from '../../../std/reject.ts';
import type { EngineSettings } from './engine.ts';
import { engineGenesis } from './engine-genesis.ts';
import type { EngineLog } from './engine-log.ts';
import { findCometBft } from './find-cometbft.ts';
import { nodeIdOf } from './key-files.ts';

/** For tests with the real program. Without it the test is skipped, or fails where ACESO_CI is 1. */
export async function cometBftForTest(t: TestContext, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    return await findCometBft({ override: env.ACESO_COMETBFT, searchPath: env.PATH });
  } catch (error) {
    if (env.ACESO_CI === '1' || !isReject(error) || error.code !== 'ENGINE_MISSING') throw error;
    t.skip('CometBFT is not installed: npm run cometbft:install');
    return undefined;
  }
}

const seed = (name: string): Uint8Array => sha256(utf8(`engine test ${name}`));

/** Genesis document of a consortium of `count` validators, of power 10 each, with the seeds of `engineForTest`. */
export function genesisForTest(count: number, createdMs = Date.now() - 1000): Genesis {
  return {
    format: 'aceso.genesis/1',
    name: 'Test <&> consortium',
    createdMs,
    operator: {
      kind: 'cometbft',
      blockBytes: 1024 * 1024,
      validators: Array.from({ length: count }, (_, at) => ({
        account: at.toString(16).padStart(32, '0'),
        publicKey: bytesToHex(ed25519PublicKey(seed(`validator ${at}`))),
        power: 10,
        node: nodeIdOf(seed(`node ${at}`)),
      })) as unknown as Json,
    },
    sections: { chain: { rules: [] } },
  };
}

/** Settings of the validator at place `at`, in folders that are removed after the test. */
export async function settingsForTest(
  t: TestContext,
  { program, genesis, at = 0 }: { program: string; genesis: Genesis; at?: number },
): Promise<EngineSettings> {
  const folder = await mkdtemp(join(tmpdir(), 'aceso-engine-'));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return {
    program,
    home: join(folder, 'home'),
    keyFolder: join(folder, 'keys'),
    socketFolder: join(folder, 's'),
    genesis: engineGenesis(genesis),
    validatorSeed: seed(`validator ${at}`),
    nodeSeed: seed(`node ${at}`),
    p2pListen: `tcp://127.0.0.1:${await freePort()}`,
    peers: [],
    timeouts: { commitMs: 50 },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A log that keeps its messages. */
export function logForTest(): EngineLog & { readonly lines: string[] } {
  const lines: string[] = [];
  const take = (level: string) => (detail: object, message: string) =>
    void lines.push(`${level} ${message} ${JSON.stringify(detail)}`);
  return { lines, debug: take('debug'), info: take('info'), warn: take('warn'), error: take('error') };
}

/** Waits until `holds` answers true, at most `withinMs`; throws with `what` after that. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 20_000): Promise<void> {
  for (const endMs = Date.now() + withinMs; !(await holds()); await delay(50)) {
    if (Date.now() > endMs) throw new Error(`in ${withinMs} ms not: ${what}`);
  }
}
