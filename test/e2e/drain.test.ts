import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { endOf } from '../support/ended-process.ts';
import { temporaryFolders } from './bad-input-node.ts';

const MAIN = join(import.meta.dirname, '../../bin/aceso.ts');

/** A node as a process of its own, with its settings in a file, as a supervisor starts it. */
async function startProcess(t: TestContext, settings: object) {
  const { root, keyFolder } = temporaryFolders(t);
  writeFileSync(join(root, 'node.json'), JSON.stringify({ port: 0, empty: true, log: 'info', ...settings }));
  const env = { ...process.env, XDG_CONFIG_HOME: keyFolder, ACESO_METRICS_TOKEN: 'm'.repeat(32) };
  const argv = [MAIN, 'start', '--config', 'node.json'];
  const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => void child.kill('SIGKILL'));
  const ended = endOf(child);
  const url = await new Promise<string>((resolve, fail) => {
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      const ready = /ready at (http\S+)/.exec(out)?.[1];
      if (ready !== undefined) resolve(ready);
    });
    void ended.then(({ notes }) => fail(new Error(`the node ended: ${notes}`)));
  });
  return { url, child, ended };
}

test('on SIGTERM a node is not ready at once, serves on for the notice, and then ends with exit code 0', async (t) => {
  const { url, child, ended } = await startProcess(t, { drainNotice: 2, drain: 10 });
  assert.equal((await fetch(`${url}/ready`)).status, 200);
  const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${'m'.repeat(32)}` } });
  assert.match(await metrics.text(), /^aceso_ledger_height \d+$/m);

  child.kill('SIGTERM');
  let answer: Response;
  // The signal is on its way for a moment.
  do answer = await fetch(`${url}/ready`);
  while (answer.status === 200);
  assert.equal(answer.status, 503);
  const { code, data } = (await answer.json()) as { code: string; data: { reasons: { code: string }[] } };
  assert.deepEqual([code, data.reasons.map((one) => one.code)], ['NODE_NOT_READY', ['NODE_CLOSING']]);
  assert.equal((await fetch(`${url}/health`)).status, 200, 'it lives, and serves what is sent all the same');
  const { code: exit, notes } = await ended;
  assert.equal(exit, 0, notes);
  const told = notes.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as { msg: string }] : []));
  const drain = told.map(({ msg }) => msg).filter((msg) => msg.startsWith('drain'));
  assert.deepEqual(drain, ['draining: not ready any more', 'drained']);
});
