import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { plantTree } from './planted-tree.ts';

const PROJECT = join(import.meta.dirname, '../..');
const TYPESCRIPT = 'node_modules/typescript/bin/tsc';
const BIOME = 'node_modules/@biomejs/biome/bin/biome';
const KNIP = 'node_modules/knip/bin/knip.js';

/** Plants files beside the project's own configuration, runs a tool there; gives its exit status and what it printed. */
function runTool(t: TestContext, script: string, parameters: string[], files: Readonly<Record<string, string>>) {
  const root = plantTree(t, { 'package.json': '{ "type": "module" }', ...files });
  for (const name of ['tsconfig.json', 'tsconfig.contract.json', 'biome.json', 'knip.jsonc', 'test/house/fence']) {
    cpSync(join(PROJECT, name), join(root, name), { recursive: true });
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PROJECT, script), ...parameters], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

/** Paths of `files` that the output does not name. */
function unnamed(output: string, files: Readonly<Record<string, string>>): string[] {
  return Object.keys(files).filter((path) => !output.includes(path));
}

const AMBIENT: Readonly<Record<string, string>> = {
  process: 'process.pid',
  buffer: "Buffer.from('a')",
  console: "console.log('a')",
  fetch: "fetch('a')",
  timer: 'setTimeout(() => 1, 1)',
  window: 'window.name',
  performance: 'performance.now()',
  storage: "localStorage.getItem('a')",
  'web-crypto': 'crypto.randomUUID()',
};

test('the contract fence compiles the language, text bytes and hashes', (t) => {
  const text =
    "import { sha256 } from '#crypto/platform';\nexport const a = sha256(new TextEncoder().encode(new Map([[1, 'a']]).get(1)));\n";
  const clean = runTool(t, TYPESCRIPT, ['-p', 'tsconfig.contract.json'], {
    'src/std/a.ts': text,
    'src/std/a.test.ts': 'export const pid = process.pid;\n',
  });
  assert.equal(clean.output, '');
  assert.equal(clean.status, 0);
});

test('the contract fence compiles nothing ambient, on any floor behind it', (t) => {
  const files: Record<string, string> = {};
  for (const [name, code] of Object.entries(AMBIENT)) files[`src/chain/${name}.ts`] = `export const a = ${code};\n`;
  files['src/std/a.ts'] = 'export const a = process.pid;\n';
  files['src/state/a.ts'] = "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;\n";
  files['src/capabilities/one/contract.ts'] = 'export const a = process.pid;\n';
  files['src/capabilities/two/contract/a.ts'] = "export { randomBytes } from '#crypto/platform';\n";
  const { status, output } = runTool(t, TYPESCRIPT, ['-p', 'tsconfig.contract.json'], files);
  assert.notEqual(status, 0);
  assert.deepEqual(unnamed(output, files), []);
});

test('the strict flags are on', (t) => {
  const files = {
    'src/implicit.ts': 'export const a = (b) => b;\n',
    'src/unchecked.ts': 'export const a = (b: number[]): number => b[0];\n',
    'src/exact.ts': 'export const a: { b?: number } = { b: undefined };\n',
    'src/enum.ts': 'export enum A {\n  B = 1,\n}\n',
    'src/import.ts': "import { A } from './type.ts';\nexport type B = A;\n",
  };
  const type = { 'src/type.ts': 'export type A = 1;\n' };
  const { status, output } = runTool(t, TYPESCRIPT, ['--noEmit', '--types', ''], { ...files, ...type });
  assert.notEqual(status, 0);
  assert.deepEqual(unnamed(output, files), []);
  assert.equal(runTool(t, TYPESCRIPT, ['--noEmit', '--types', ''], type).output, '');
});

test('Biome passes clean code and fails on format, dead names, defaults, barrels and the console', (t) => {
  const parameters = ['check', '--error-on-warnings', 'src'];
  const clean = { 'src/chain/clean.ts': "export const a = 'b';\n" };
  assert.equal(runTool(t, BIOME, parameters, clean).status, 0);
  const files = {
    'src/vault/quotes.ts': 'export const a = "b";\n',
    'src/vault/indent.ts': 'export function a(): number {\n    return 1;\n}\n',
    'src/vault/unused.ts': 'const a = 1;\nexport const b = 2;\n',
    'src/vault/default.ts': 'export default 1;\n',
    'src/vault/barrel.ts': "export * from './quotes.ts';\n",
    'src/vault/console.ts': 'export const a = () => console.info(1);\n',
    'src/vault/assertion.ts': 'export const a = (b?: number) => b!;\n',
    'src/vault/extension.ts': "import { b } from './unused';\n\nexport const a = b;\n",
  };
  const { status, output } = runTool(t, BIOME, parameters, { ...clean, ...files });
  assert.notEqual(status, 0);
  assert.deepEqual(unnamed(output, files), []);
});

test('Biome holds the fence too: what is ambient, and the platform, on each floor behind it', (t) => {
  const files = {
    'src/std/a.ts': 'export const a = () => Date.now();\n',
    'src/state/a.ts': 'export const a = () => new Intl.Collator();\n',
    'src/chain/a.ts': "export const a = () => parseFloat('1');\n",
    'src/capabilities/one/contract.ts': 'export const a = () => new Date();\n',
    'src/capabilities/two/contract/a.ts': "import { hash } from 'node:crypto';\n\nexport const a = hash;\n",
  };
  const outside = { 'src/vault/a.ts': 'export const a = () => Date.now();\n' };
  const { status, output } = runTool(t, BIOME, ['check', 'src'], { ...files, ...outside });
  assert.notEqual(status, 0);
  assert.deepEqual(unnamed(output, files), []);
  assert.deepEqual(unnamed(output, outside), Object.keys(outside));
});

test('knip finds a dead file, a dead export and a dependency that nobody imports', (t) => {
  const clean = {
    'package.json': JSON.stringify({ name: 'planted', type: 'module', dependencies: {} }),
    'bin/start.ts': "import { used } from '../src/std/used.ts';\n\nused();\n",
    'src/std/used.ts': 'export const used = () => 1;\n',
  };
  // The clean tree must pass but for the fence's own configuration, which names packages it does not have.
  const parameters = ['--no-progress', '--no-config-hints', '--include', 'files,exports,dependencies'];
  const passed = runTool(t, KNIP, parameters, clean);
  assert.equal(passed.status, 0, passed.output);
  const manifest = JSON.parse(clean['package.json']) as object;
  const { status, output } = runTool(t, KNIP, parameters, {
    ...clean,
    'package.json': JSON.stringify({ ...manifest, dependencies: { 'left-over': '1.0.0' } }),
    'src/std/dead-file.ts': 'export const a = 1;\n',
    'src/std/used.ts': 'export const used = () => 1;\nexport const deadExport = 2;\n',
  });
  assert.notEqual(status, 0);
  for (const name of ['dead-file.ts', 'deadExport', 'left-over'])
    assert.ok(output.includes(name), `${name} in ${output}`);
});

test('npm run check runs every one of them', () => {
  const check = readFileSync(join(PROJECT, 'bin/check.ts'), 'utf8');
  for (const part of ['houseCheck', 'tsconfig.contract.json', '--noEmit', 'biome', 'knip'])
    assert.ok(check.includes(part));
});
