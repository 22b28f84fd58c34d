import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isReject } from '../../../std/reject.ts';
import { createAbciServer } from './abci-server.ts';
import { FLUSH, socketFolder, testApplication, testEngine, testLog, testServer } from './test-engine.ts';

const open = (path: string) => createAbciServer({ application: testApplication(), path, log: testLog() });
const refused = (code: string) => (error: unknown) => isReject(error) && error.code === code;

test('the socket is for its user alone, and goes with the server', async (t) => {
  const { path, server } = await testServer(t);
  assert(statSync(path).isSocket());
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await server.close();
  assert(!existsSync(path));
});

test('a socket that a killed process left behind is replaced', async (t) => {
  const path = join(socketFolder(t), 's');
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', program]);
  assert(statSync(path).isSocket());
  const server = await open(path);
  t.after(() => server.close());
  const engine = await testEngine(t, path);
  engine.send(FLUSH);
  assert.equal((await engine.untilFlush()).length, 1);
});

test('a socket on which somebody listens is left alone', async (t) => {
  const { path, server } = await testServer(t);
  await assert.rejects(open(path), refused('ABCI_SOCKET_IN_USE'));
  const engine = await testEngine(t, path);
  engine.send(FLUSH);
  assert.equal((await engine.untilFlush()).length, 1);
  assert.equal(server.connections(), 1);
});

test('what is no socket is left alone', async (t) => {
  const path = join(socketFolder(t), 's');
  writeFileSync(path, 'mine');
  await assert.rejects(open(path), refused('ABCI_SOCKET_NO_SOCKET'));
  assert.equal(readFileSync(path, 'utf8'), 'mine');
});

test('a path of 100 bytes is taken, one of 101 refused before anything is made', async (t) => {
  const start = join(socketFolder(t), 'é');
  const longest = start + 's'.repeat(100 - Buffer.byteLength(start));
  const server = await open(longest);
  assert(existsSync(longest));
  await server.close();
  await assert.rejects(open(`${longest}s`), refused('ABCI_SOCKET_PATH_TOO_LONG'));
});

test('a folder that is not there is refused', async (t) => {
  await assert.rejects(open(join(socketFolder(t), 'none', 's')), refused('ABCI_SOCKET_UNUSABLE'));
});
