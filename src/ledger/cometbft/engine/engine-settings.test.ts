import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chainIdOf } from '../../../chain/chain-id.ts';
import type { Json } from '../../../std/canonical-json.ts';
import { isReject } from '../../../std/reject.ts';
import type { EngineSettings } from './engine.ts';
import { engineConfig } from './engine-config.ts';
import { genesisForTest, settingsForTest } from './engine-for-test.ts';
import { engineGenesis } from './engine-genesis.ts';
import { createLineSplitter, lineToReason, parseEngineLine } from './engine-log.ts';
import { enginePaths } from './engine-paths.ts';
import { COMETBFT_VERSION, findCometBft } from './find-cometbft.ts';

const hasCode = (code: string) => (error: unknown) => isReject(error) && error.code === code;

test('the program is taken in one version only', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'aceso-find-'));
  t.after(() => rm(folder, { recursive: true }));
  const program = join(folder, 'cometbft');
  const says = async (text: string) => {
    await writeFile(program, `#!/bin/sh\n[ "$1" = version ] && echo '${text}'\n`);
    await chmod(program, 0o755);
  };
  await assert.rejects(findCometBft({ override: program }), hasCode('ENGINE_MISSING'));
  for (const text of [COMETBFT_VERSION, `${COMETBFT_VERSION}+4b7a1f0`]) {
    await says(text);
    assert.equal(await findCometBft({ override: program }), program);
  }
  for (const text of ['0.38.2', '0.38.250', '0.38.25-rc1', '1.0.0', '', 'hello']) {
    await says(text);
    await assert.rejects(findCometBft({ override: program }), hasCode('ENGINE_VERSION_WRONG'), text);
  }
  await chmod(program, 0o644);
  await assert.rejects(findCometBft({ override: program }), hasCode('ENGINE_MISSING'));
});

test('a chain id names one ledger and fits CometBFT', () => {
  assert.equal(chainIdOf('00'.repeat(32)), `aceso-${'A'.repeat(43)}`);
  assert.equal(chainIdOf('ff'.repeat(32)).length, 49);
  for (const text of ['', 'ab', 'AB'.repeat(32), 'zz'.repeat(32), '00'.repeat(33)]) {
    assert.throws(() => chainIdOf(text), RangeError);
  }
});

test('CometBFT is given the voters, the height that a moved ledger goes on from, and evidence within a block', () => {
  const genesis = genesisForTest(3);
  const { validators, ...operator } = genesis.operator as unknown as { validators: readonly object[] };
  const silent = { ...validators[2], power: 0 };
  const hash = '00'.repeat(32);
  const moved = engineGenesis({
    ...genesis,
    operator: {
      ...operator,
      kind: 'cometbft',
      blockBytes: 131_072,
      validators: [validators[0], validators[1], silent] as Json,
    },
    previous: { head: { genesis: hash, height: 41, logSize: 0, logRoot: hash, appHash: hash } },
  });
  assert.equal(moved.initial_height, '42');
  assert.equal((moved.validators as readonly Json[]).length, 2);
  const { block, evidence } = moved.consensus_params as { readonly [section: string]: { readonly max_bytes: string } };
  assert.deepEqual([block?.max_bytes, evidence?.max_bytes], ['131072', '131072']);
  assert.throws(() => engineGenesis({ ...genesis, operator: { kind: 'embedded', publicKey: hash } }), RangeError);
});

test('the configuration names what the settings do', async (t) => {
  const settings = await settingsForTest(t, { program: '', genesis: genesisForTest(1) });
  const configOf = (more: Partial<EngineSettings>) => engineConfig({ ...settings, ...more }, enginePaths(settings));
  const plain = configOf({});
  assert.match(plain, /^\[statesync\]\nenable = false$/m);
  assert.match(plain, /^timeout_commit = "50ms"$/m);
  assert.match(plain, /^filter_peers = true$/m);
  const joining = configOf({
    peers: ['a@h:1', 'b@h:2'],
    p2pExternal: 'node.example:26656',
    stateSync: { rpcServers: ['http://127.0.0.1:1', 'http://127.0.0.1:2'], trustHeight: 9, trustHash: 'ab' },
  });
  assert.match(joining, /^persistent_peers = "a@h:1,b@h:2"$/m);
  assert.match(joining, /^external_address = "node.example:26656"$/m);
  assert.match(
    joining,
    /^enable = true\nrpc_servers = "http:\/\/127.0.0.1:1,http:\/\/127.0.0.1:2"\ntrust_height = 9$/m,
  );
});

test('folders that CometBFT could not take are refused', () => {
  const fit = { home: '/a', keyFolder: '/b', socketFolder: '/c' };
  assert.equal(enginePaths(fit).abciSocket, '/c/abci.sock');
  for (const unfit of [{ socketFolder: `/${'x'.repeat(100)}` }, { socketFolder: '/a,b' }, { home: '/a\nb' }]) {
    assert.throws(() => enginePaths({ ...fit, ...unfit }), hasCode('ENGINE_PATH_UNFIT'));
  }
});

test('lines of the engine are cut, read, and turned into a reason', () => {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  splitter.write('one\ntw');
  splitter.write(`o\n\n${'x'.repeat(9000)}`);
  splitter.write(`${'y'.repeat(9000)}\nlast`);
  splitter.end();
  assert.deepEqual(lines, ['one', 'two', 'x'.repeat(8192), 'last']);

  const error = parseEngineLine('{"_msg":"dial failed","err":"refused","level":"error","ts":"2024-01-01"}');
  assert.deepEqual(error, { level: 'warn', message: 'dial failed', detail: { err: 'refused' } });
  assert.equal(lineToReason(error), 'dial failed: refused');
  const info = parseEngineLine('{"_msg":"block","level":"info"}');
  assert.deepEqual([info.level, lineToReason(info)], ['debug', undefined]);
  for (const text of ['panic: no', '{"cut":', 'null', '7']) {
    assert.deepEqual(parseEngineLine(text), { level: 'warn', message: text, detail: {} });
  }
});
