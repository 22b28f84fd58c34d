import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { type Ended, endOf } from '../support/ended-process.ts';
import { temporaryFolders } from './bad-input-node.ts';

/* The command line as people run it: processes of their own, their exit codes, and what they say. */

const MAIN = join(import.meta.dirname, '../../bin/aceso.ts');

interface Shell {
  readonly root: string;
  readonly keyFolder: string;
  run(...argv: readonly string[]): Promise<Ended>;
  /** Starts a node; resolves to its process and address once it says that it is ready. */
  start(...argv: readonly string[]): Promise<{ readonly url: string; stop(): Promise<Ended> }>;
}

function createShell(t: TestContext): Shell {
  const { root, keyFolder } = temporaryFolders(t);
  const launch = (argv: readonly string[]) => {
    const env = { ...process.env, XDG_CONFIG_HOME: keyFolder, ACESO_LOG: 'warn' };
    const child = spawn(process.execPath, [MAIN, ...argv], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
    t.after(() => void child.kill('SIGKILL'));
    return { child, ended: endOf(child) };
  };
  return {
    root,
    keyFolder: join(keyFolder, 'aceso'),
    run: (...argv) => launch(argv).ended,
    async start(...argv) {
      const { child, ended } = launch(['start', ...argv]);
      const url = await new Promise<string>((resolve, fail) => {
        let out = '';
        child.stdout.on('data', (chunk: Buffer) => {
          out += chunk.toString();
          const ready = /ready at (http\S+)/.exec(out)?.[1];
          if (ready !== undefined) resolve(ready);
        });
        void ended.then(({ notes }) => fail(new Error(`the node ended: ${notes}`)));
      });
      return {
        url,
        stop() {
          child.kill('SIGTERM');
          return ended;
        },
      };
    },
  };
}

/** Exit code and code of a refusal, which is all that the process says beside its details: no stack, no log line. */
function refused({ code, out, notes }: Ended): readonly [number | null, string] {
  assert.equal(out, '');
  assert.doesNotMatch(notes, /\bat .*\.ts:\d|"level":/, notes);
  return [code, /^error ([A-Z_]+): /.exec(notes)?.[1] ?? notes];
}

test('a node, its folder and its port on the command line: exit codes and what they say', {
  timeout: 60_000,
}, async (t) => {
  const { root, keyFolder, run, start } = createShell(t);
  assert.deepEqual(refused(await run('fly')), [EXIT.USAGE, 'COMMAND_UNKNOWN']);
  assert.deepEqual(refused(await run('inspect', '--data', 'missing')), [EXIT.UNKNOWN, 'NODE_FOLDER_EMPTY']);
  assert.deepEqual(refused(await run('inspect', 'health', '--url', 'http://127.0.0.1:1')), [
    EXIT.UNAVAILABLE,
    'NODE_UNREACHABLE',
  ]);
  writeFileSync(join(root, 'file'), '');
  assert.deepEqual(refused(await run('start', '--data', 'file')), [EXIT.UNAVAILABLE, 'NODE_FOLDER_UNUSABLE']);
  assert.deepEqual(readdirSync(root), ['file'], 'nothing is made of what is refused');

  const node = await start('--data', 'one', '--empty', '--port', '0');
  const { port } = new URL(node.url);
  assert.deepEqual(refused(await run('start', '--data', 'one', '--port', '0')), [
    EXIT.UNAVAILABLE,
    'DATA_FOLDER_IN_USE',
  ]);
  const health = await run('inspect', 'health', '--data', 'one');
  assert.equal(health.code, 0, health.notes);
  assert.equal((JSON.parse(health.out) as { ledger: { status: string } }).ledger.status, 'ok');
  const wrong = await run('inspect', 'node', '--data', 'one', '--organisation', '__proto__');
  assert.deepEqual(refused(wrong), [EXIT.USAGE, 'ARGUMENTS_WRONG']);
  const token = `aceso_${'A'.repeat(43)}`;
  const forged = await run('inspect', 'journal', '--url', node.url, '--token', token);
  assert.deepEqual(refused(forged), [EXIT.DENIED, 'TOKEN_UNKNOWN']);
  const unknown = await run('inspect', 'transaction', '0'.repeat(64), '--data', 'one');
  assert.deepEqual(refused(unknown), [EXIT.UNKNOWN, 'RECEIPT_SUBJECT_UNKNOWN']);
  const exported = await run('receipts', 'export', '--data', 'one', '--out', 'file');
  assert.deepEqual(refused(exported), [EXIT.UNAVAILABLE, 'FILE_UNWRITABLE']);
  const second = await run('witness', '--name', 'w', '--genesis', join('one', 'genesis.json'), '--port', port);
  assert.equal(second.code, EXIT.UNAVAILABLE);
  assert.match(second.notes, /^error PORT_IN_USE: /);
  assert.equal((await fetch(`${node.url}/health`)).status, 200, 'the node goes on');

  const ended = await node.stop();
  assert.equal(ended.code, 0, ended.notes);
  assert.deepEqual(
    readdirSync(keyFolder).filter((name) => name.endsWith('.running.json')),
    [],
  );
  const keyFile = join(keyFolder, readdirSync(keyFolder).find((name) => /^node-.*\.key$/.test(name)) ?? '');
  assert.ok(existsSync(keyFile));
  chmodSync(keyFile, 0o644);
  assert.deepEqual(refused(await run('inspect', '--data', 'one')), [EXIT.DENIED, 'ROOT_KEY_MODE']);
  chmodSync(keyFile, 0o600);
  assert.equal((await run('inspect', '--data', 'one')).code, 0);
});
