import assert from 'node:assert/strict';
import { test } from 'node:test';
import { houseFaults, MAX_LINES } from './house-rules.ts';
import { plantTree } from './planted-tree.ts';
import { readTree } from './source-tree.ts';

const CLEAN = {
  'src/vault/token-index.ts': 'export const a = 1;\n',
  'src/std/tide-table.ts': 'export const a = 1;\n',
  'README.md': 'Run it from anywhere.\n',
};

function messagesWith(t: Parameters<typeof plantTree>[0], planted: Readonly<Record<string, string>>): string[] {
  return houseFaults(readTree(plantTree(t, { ...CLEAN, ...planted }))).map(({ message }) => message);
}

test('a clean tree has no fault', (t) => assert.deepEqual(messagesWith(t, {}), []));

test('no files at all is a fault', () => assert.match(houseFaults([])[0]?.message ?? '', /no file/));

const ROOT_PATH = ['', 'work', 'main'].join('/');
const PLANTS: readonly (readonly [name: string, path: string, text: string, expected: RegExp])[] = [
  ['camelCase', 'src/std/tideTable.ts', 'export const a = 1;\n', /tideTable\.ts is not kebab-case/],
  ['snake_case folders', 'test/my_tests/a.ts', 'export const a = 1;\n', /my_tests is not kebab-case/],
  ['utils', 'src/std/string-utils.ts', 'export const a = 1;\n', /does not say what/],
  ['a folder of helpers', 'src/std/helpers/a.ts', 'export const a = 1;\n', /does not say what/],
  ['a manager', 'src/std/key-manager.ts', 'export const a = 1;\n', /does not say what/],
  ['a second part', 'src/std/tide-part2.ts', 'export const a = 1;\n', /does not say what/],
  ['an index', 'src/std/index.ts', 'export const a = 1;\n', /does not say what/],
  ['a barrel', 'src/std/all.ts', "export * from './a.ts';\nexport { b } from './b.ts';\n", /barrel/],
  ['a long file', 'src/std/long.ts', 'export {};\n'.repeat(MAX_LINES + 1), /501 lines/],
  ['a path of this machine', 'docs/a.md', `See ${ROOT_PATH}/x.\n`, /path of one machine/],
  ['a home folder', 'docs/a.md', `See ${['', 'home', 'ann', 'x'].join('/')}.\n`, /path of one machine/],
  ['a registry', '.npmrc', `registry=https://${['registry', 'example', 'org'].join('.')}/\n`, /package registry/],
  [
    'a resolved address',
    'package-lock.json',
    JSON.stringify({ resolved: 'https://example.org/a.tgz' }),
    /package registry/,
  ],
];

for (const [name, path, text, expected] of PLANTS) {
  test(`fails on ${name}`, (t) => {
    const messages = messagesWith(t, { [path]: text });
    assert.equal(messages.length, 1, messages.join('\n'));
    assert.match(messages[0] ?? '', expected);
  });
}

test('a file of the greatest length passes', (t) => {
  assert.deepEqual(
    messagesWith(t, { 'src/std/long.ts': `export const a = [\n${'1,\n'.repeat(MAX_LINES - 2)}];\n` }),
    [],
  );
});

test('what is installed, built or kept as data is not read', (t) => {
  const planted = { 'node_modules/a/utils.js': '', 'dist/utils.js': '', 'data/utils.json': ROOT_PATH };
  assert.deepEqual(messagesWith(t, planted), []);
});
