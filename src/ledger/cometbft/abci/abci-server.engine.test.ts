import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sha256 } from '#crypto/platform';
import { bytesToHex, concatBytes, utf8 } from '../../../std/bytes.ts';
import { cometBftForTest } from '../engine/engine-for-test.ts';
import type { AbciApplication } from './application.ts';
import { socketFolder, testServer, until } from './test-engine.ts';

/** Counts transactions: its app hash is the hash of all of them in order. A transaction that begins with 0 is refused. */
function countingApplication() {
  let [height, count] = [0n, 0];
  let appHash: Uint8Array = new Uint8Array(32);
  let executed = { height, count, appHash };
  const application: Partial<AbciApplication> = {
    info: async () => (height === 0n ? {} : { lastBlockHeight: height, lastBlockAppHash: appHash }),
    initChain: async () => ({ appHash }),
    checkTx: async ({ tx }) => ({ code: tx[0] === 0 ? 1 : 0 }),
    finalizeBlock: async ({ txs, height: next }) => {
      executed = { height: next, count: count + txs.length, appHash: sha256(concatBytes(appHash, ...txs)) };
      return { txResults: txs.map(() => okay), appHash: executed.appHash };
    },
    commit: async () => {
      ({ height, count, appHash } = executed);
      return {};
    },
    query: async () => ({ value: utf8(String(count)), height }),
  };
  const okay = {
    ...{ code: 0, data: new Uint8Array(0), log: '', info: '', gasWanted: 0n, gasUsed: 0n, events: [], codespace: '' },
  };
  return { application, state: () => ({ height, count, appHash }) };
}

interface RealEngine {
  readonly process: ChildProcess;
  /** What it printed. */
  output(): string;
  /** One JSON-RPC call over its unix socket; its result. */
  rpc<T>(method: string, params?: object): Promise<T>;
}

/** A single validator without empty blocks on the application's socket; both its own sockets lie in `folder`. */
function startEngine(t: TestContext, program: string, folder: string, path: string): RealEngine {
  const home = join(folder, 'home');
  if (!existsSync(home)) assert.equal(spawnSync(program, ['init', '--home', home]).status, 0);
  const socketPath = join(folder, 'rpc');
  // An engine that was killed leaves its socket behind, and does not start where one lies.
  rmSync(socketPath, { force: true });
  const child = spawn(program, [
    ...['start', '--home', home, `--proxy_app=unix://${path}`, `--rpc.laddr=unix://${socketPath}`],
    ...['--p2p.laddr=tcp://127.0.0.1:0', '--consensus.create_empty_blocks=false', '--log_level=error'],
  ]);
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += text;
    });

  function rpc<T>(method: string, params: object = {}): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const call = request({ socketPath, method: 'POST', path: '/', timeout: 10_000 }, async (response) => {
      let text = '';
      for await (const chunk of response) text += chunk;
      const { result, error } = JSON.parse(text);
      if (error) reject(new Error(JSON.stringify(error)));
      else resolve(result);
    });
    call.on('error', reject);
    call.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
    return promise;
  }
  return { process: child, output: () => output, rpc };
}

/** Resolves when it answers. */
async function ready(engine: RealEngine): Promise<void> {
  for (;;) {
    assert.equal(engine.process.exitCode, null, engine.output());
    try {
      await engine.rpc('status');
      return;
    } catch {
      await pause(50);
    }
  }
}

const send = (engine: RealEngine, tx: string) =>
  engine.rpc<{ code: number }>('broadcast_tx_sync', { tx: Buffer.from(tx).toString('base64') });

interface SignedHeader {
  readonly signed_header: { readonly header: { readonly app_hash: string; readonly height: string } };
}

test('a real engine is served: handshake, transactions, app hashes, queries, restart', {
  timeout: 60_000,
}, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const counting = countingApplication();
  const { path, server, log, faults } = await testServer(t, counting.application);
  const folder = socketFolder(t);
  const engine = startEngine(t, program, folder, path);
  await ready(engine);
  assert.equal(server.connections(), 4);

  assert.equal((await send(engine, '\0 no')).code, 1);
  const before = counting.state();
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => send(engine, `tx ${i}`)));
  assert(answers.every(({ code }) => code === 0));
  await until(() => counting.state().count === 200);
  const { height, appHash } = counting.state();
  assert(height > before.height);

  const hashAt = async (at: bigint): Promise<string> =>
    (await engine.rpc<SignedHeader>('commit', { height: String(at) })).signed_header.header.app_hash;
  await until(() => counting.state().height > height);
  assert.equal(await hashAt(height + 1n), bytesToHex(appHash).toUpperCase(), 'the next header proves the app hash');
  assert.notEqual(await hashAt(height), await hashAt(height + 1n));

  const query = await engine.rpc<{ response: { value: string } }>('abci_query', { path: '/count', data: '' });
  assert.equal(Buffer.from(query.response.value, 'base64').toString(), '200');

  engine.process.kill('SIGKILL');
  await once(engine.process, 'exit');
  await until(() => server.connections() === 0);
  const again = startEngine(t, program, folder, path);
  await ready(again);
  assert.equal((await send(again, 'one more')).code, 0);
  await until(() => counting.state().count === 201);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    log.lines.filter((line) => line.startsWith('error')),
    [],
  );
});

test('the engine ends when the application goes away', { timeout: 60_000 }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const { path, server } = await testServer(t, countingApplication().application);
  const engine = startEngine(t, program, socketFolder(t), path);
  await ready(engine);
  const ended = once(engine.process, 'exit');
  await server.close();
  await ended;
});

test('the engine ends when the application fails, and says why', { timeout: 60_000 }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const failing = { ...countingApplication().application, finalizeBlock: () => Promise.reject(new Error('disk')) };
  const { path, faults } = await testServer(t, failing);
  const engine = startEngine(t, program, socketFolder(t), path);
  await ready(engine);
  const ended = once(engine.process, 'exit');
  await send(engine, 'tx').catch(() => undefined);
  await ended;
  assert.deepEqual(faults, ['ABCI_APPLICATION_FAILED']);
  assert.match(engine.output(), /ABCI_APPLICATION_FAILED: The ledger could not answer/);
});
