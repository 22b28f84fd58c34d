import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { chainIdOf } from '../../../chain/chain-id.ts';
import { type Genesis, genesisHash } from '../../../chain/genesis.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { isReject } from '../../../std/reject.ts';
import { createEngine } from './create-engine.ts';
import { dialMissingPeers } from './dial-missing-peers.ts';
import type { Engine, EngineSettings } from './engine.ts';
import { cometBftForTest, genesisForTest, logForTest, settingsForTest, until } from './engine-for-test.ts';
import { endLeftoverEngines, engineArguments, enginesOf } from './engine-processes.ts';
import { idleApplication } from './idle-application-for-test.ts';
import { nodeIdOf } from './key-files.ts';

const FULL_TEST_MS = 60_000;

async function engineForTest(t: TestContext, settings: EngineSettings) {
  const log = logForTest();
  const engine = await createEngine(settings, log);
  const application = idleApplication();
  await mkdir(settings.socketFolder, { recursive: true });
  await application.listen(engine.abciSocket);
  t.after(async () => {
    await engine.stop();
    await application.close().catch(() => undefined);
  });
  return { engine, application, log };
}

const isRunning = (engine: Engine) => () => engine.health().status === 'running';
const heightOf = async (engine: Engine) => (await engine.rpc.status()).height;
const keyFiles = ({ keyFolder }: EngineSettings) =>
  ['priv_validator_key.json', 'node_key.json'].map((name) => join(keyFolder, name));
const signState = async ({ home }: EngineSettings) =>
  JSON.parse(await readFile(join(home, 'data/priv_validator_state.json'), 'utf8')) as { readonly height: string };

test('an engine runs, is killed, loses its application, and is stopped', { timeout: FULL_TEST_MS }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const genesis = genesisForTest(1);
  const settings = await settingsForTest(t, { program, genesis });
  const { engine, application, log } = await engineForTest(t, settings);
  assert.deepEqual(engine.health(), { status: 'stopped' });
  await engine.start();
  assert(engine.pid() !== undefined);
  for (const path of keyFiles(settings)) assert.equal(statSync(path).mode & 0o777, 0o600);
  await until('running', isRunning(engine));
  for (const path of keyFiles(settings)) assert(!existsSync(path), 'keys are taken away once it has read them');
  for (const folder of [settings.keyFolder, settings.socketFolder]) assert.equal(statSync(folder).mode & 0o77, 0);

  await t.test('the genesis document is taken as it was meant', async () => {
    await until('the block that signs the first app hash', async () => (await heightOf(engine)) >= 1);
    const { genesis: taken } = (await engine.rpc.call('genesis')) as { readonly genesis: JsonObject };
    assert.equal(taken.chain_id, chainIdOf(genesisHash(genesis)));
    assert.equal(Date.parse(taken.genesis_time as string), genesis.createdMs);
    assert.equal(genesisHash(taken.app_state as unknown as Genesis), genesisHash(genesis));
    const { header } = await engine.rpc.signedHeader(1);
    assert.equal(header.chain_id, taken.chain_id);
    const { node_info: node } = (await engine.rpc.call('status')) as { readonly node_info: JsonObject };
    assert.equal(node.id, nodeIdOf(settings.nodeSeed));
  });

  await t.test('a transaction makes a block, and the block one that proves it; then nothing more', async () => {
    const before = await heightOf(engine);
    await engine.rpc.broadcast([Uint8Array.of(1, 2, 3)]);
    await until('two blocks', async () => (await heightOf(engine)) === before + 2);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(await heightOf(engine), before + 2);
  });

  await t.test('killed, it is started again and goes on', async () => {
    const before = { pid: engine.pid() as number, height: await heightOf(engine) };
    process.kill(before.pid, 'SIGKILL');
    await until('down', () => engine.health().status === 'down');
    const health = engine.health();
    assert(health.status === 'down' && health.reason === 'ended by SIGKILL' && health.restarts === 1);
    await assert.rejects(engine.rpc.status(), (error) => isReject(error) && error.code === 'ENGINE_UNREACHABLE');
    await until('running again', isRunning(engine));
    assert.notEqual(engine.pid(), before.pid);
    await engine.rpc.broadcast([Uint8Array.of(1, 2, 4)]);
    await until('a block', async () => (await heightOf(engine)) > before.height);
  });

  await t.test('without its application it ends, says so, and comes back with it', async () => {
    await application.close();
    await until('down', () => engine.health().status === 'down');
    const health = engine.health();
    assert(health.status === 'down');
    assert.match(health.reason, /Did the application crash/);
    await application.listen(engine.abciSocket);
    await until('running again', isRunning(engine));
  });

  await t.test('stopped, it leaves no process and no keys, and what it signed last stays', async () => {
    await engine.stop();
    assert.deepEqual(engine.health(), { status: 'stopped' });
    assert.equal(engine.pid(), undefined);
    assert.deepEqual(await enginesOf(settings.home), []);
    for (const path of keyFiles(settings)) assert(!existsSync(path));
    const { height } = await signState(settings);
    assert(Number(height) > 1);
    await engine.start();
    await until('running', isRunning(engine));
    assert(Number((await signState(settings)).height) >= Number(height));
    await engine.stop();
  });

  await t.test('blocks without a note of what was signed are refused', async () => {
    await rm(join(settings.home, 'data/priv_validator_state.json'));
    await engine.start();
    await until('down', () => engine.health().status === 'down');
    const health = engine.health();
    assert(health.status === 'down');
    assert.match(health.reason, /priv_validator_state\.json: no such file/);
    await engine.stop();
  });

  assert(log.lines.some((line) => line.startsWith('debug engine: ')));
  assert(!log.lines.some((line) => line.includes('priv_key')));
});

test('a genesis document that CometBFT refuses is said in the health', { timeout: FULL_TEST_MS }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const settings = await settingsForTest(t, { program, genesis: genesisForTest(1) });
  const validators = (settings.genesis.validators as readonly JsonObject[]).map((one) => ({ ...one, power: '0' }));
  const { engine } = await engineForTest(t, { ...settings, genesis: { ...settings.genesis, validators } });
  await engine.start();
  await until('down', () => engine.health().status === 'down');
  const health = engine.health();
  assert(health.status === 'down');
  assert.match(health.reason, /ended with code 1: ERROR: .*no voting power/);
});

test('an engine whose consensus panicked does not stand there as if it ran', { timeout: FULL_TEST_MS }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const { engine } = await engineForTest(t, await settingsForTest(t, { program, genesis: genesisForTest(1) }));
  await engine.start();
  await until('a first block', async () => isRunning(engine)() && (await heightOf(engine)) >= 1);
  await engine.rpc.broadcast([Uint8Array.of(0x3f)]);
  await until('down', () => engine.health().status === 'down');
  const health = engine.health();
  assert(health.status === 'down');
  assert.match(health.reason, /CONSENSUS FAILURE!!!: failed to apply block/);
});

test('engines dial members that they are not connected to', { timeout: FULL_TEST_MS }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const genesis = genesisForTest(2);
  const [one, two] = await Promise.all([0, 1].map((at) => settingsForTest(t, { program, genesis, at })));
  assert(one !== undefined && two !== undefined);
  const [{ engine: first }, { engine: second }] = [await engineForTest(t, one), await engineForTest(t, two)];
  await Promise.all([first.start(), second.start()]);
  await until('both running', () => isRunning(first)() && isRunning(second)());
  assert.deepEqual(await first.rpc.peers(), []);
  const address = `${nodeIdOf(two.nodeSeed)}@${two.p2pListen.slice('tcp://'.length)}`;
  await dialMissingPeers(first.rpc, [address]);
  await until('connected', async () => (await first.rpc.peers()).length === 1);
  assert.deepEqual(await second.rpc.peers(), [nodeIdOf(one.nodeSeed)]);
  await until('a block of both', async () => (await heightOf(second)) >= 1, 30_000);
  await dialMissingPeers(first.rpc, [address]);
});

test('an engine that is left over and does not end is ended', { timeout: FULL_TEST_MS }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const { home } = await settingsForTest(t, { program, genesis: genesisForTest(1) });
  await mkdir(home);
  // A shell that waits stands for an engine that hangs: it has the same arguments, and does not heed SIGTERM.
  const child = spawn(process.execPath, [
    '-e',
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)",
    '--',
    ...engineArguments(home),
  ]);
  t.after(() => child.kill('SIGKILL'));
  const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  await until('it shows', async () => (await enginesOf(home)).length === 1);
  assert.deepEqual(await enginesOf(join(home, 'other')), []);
  await endLeftoverEngines(home, { alone: 200, asked: 200, killed: 5_000 });
  assert.equal(await ended, 'SIGKILL');
  assert.deepEqual(await enginesOf(home), []);
});
