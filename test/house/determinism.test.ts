import assert from 'node:assert/strict';
import { test } from 'node:test';
import { determinismFaults } from './determinism.ts';
import { plantTree } from './planted-tree.ts';
import { readTree } from './source-tree.ts';

const CONTRACT = 'src/capabilities/one/contract/rules.ts';

function faultsIn(t: Parameters<typeof plantTree>[0], path: string, text: string): string[] {
  return determinismFaults(readTree(plantTree(t, { [path]: text }))).map(({ line, message }) => `${line} ${message}`);
}

const FORBIDDEN: readonly (readonly [code: string, expected: RegExp])[] = [
  ['export const a = Date.now();', /Date differs/],
  ['export const a = new Date();', /Date differs/],
  ['export const a = [Date];', /Date differs/],
  ['export const a = { Date };', /Date differs/],
  ['export const a = Temporal.Now.instant();', /Temporal differs/],
  ['export const a = new Intl.Collator();', /Intl differs/],
  ['export const a = globalThis;', /globalThis differs/],
  ['export const a = performance.now();', /performance differs/],
  ['export const a = crypto.getRandomValues(new Uint8Array(1));', /crypto differs/],
  ['export const a = Math.random();', /Math\.random/],
  ["export const a = Math['random']();", /computed name/],
  ['export const a = Math.log2(8);', /Math\.log2/],
  ['export const a = Math.round(8);', /Math\.round/],
  ['export const a = 8 ** b;', /\*\*/],
  ['export const a = b / 2;', /may leave a fraction/],
  ['export const a = Math.floor(b / 2 + c);', /may leave a fraction/],
  ['b /= 2;', /\/=/],
  ['export const a = 0.5;', /not an exact integer/],
  ['export const a = 9007199254740993;', /not an exact integer/],
  ["export const a = parseFloat('1');", /parseFloat differs/],
  ["export const a = Number.parseFloat('1');", /Number\.parseFloat/],
  ['export const a = b.toFixed(2);', /toFixed/],
  ['export const a = b.localeCompare(c);', /localeCompare/],
  ["export const a = b.normalize('NFC');", /normalize/],
  ['export const a = b.toLowerCase();', /toLowerCase/],
  ['export const a = b.toLocaleString();', /toLocaleString/],
  ['export const a = b.stack;', /stack/],
  ['export const a = /\\p{L}/u;', /\\p\{\}/],
  ['export const a = /a/i;', /flag i/],
  ['export const a = /[a--b]/v;', /flag v/],
  ["export const a = JSON.parse('1');", /JSON\.parse/],
  ['export const a = JSON.stringify(b);', /JSON\.stringify/],
  ['for (const a in b) c(a);', /for … in/],
  ['for (const a of Object.keys(b)) c(a);', /Object\.keys/],
  ['export const a = Object.entries(b).map(c);', /Object\.entries/],
  ['const m = new Map(); for (const a of m) c(a);', /m is a Map or Set/],
  ['const m = new Set(); export const a = [...m];', /m is a Map or Set/],
  ['const m = new Map(); export const a = [...m.values()];', /m\.values/],
  ['const m = new Map(); m.forEach(c);', /m\.forEach/],
  ['export function a(m: ReadonlyMap<string, 1>) { for (const b of m.keys()) c(b); }', /m\.keys/],
  ['try { b(); } catch { c(); }', /RangeError/],
];

for (const [code, expected] of FORBIDDEN) {
  test(`behind the fence fails: ${code}`, (t) => {
    const faults = faultsIn(t, CONTRACT, `${code}\n`);
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', expected);
  });
}

const ALLOWED = [
  'export const a = Math.floor((b * 3) / 4) + Math.trunc(c / 2) + 7n / 2n;',
  'export const a = 2 ** 53 - 1;',
  'export const a = Object.keys(b).sort();',
  'export const a = Object.keys(b).length;',
  'const m = new Set(); export const a = [...m].sort(c);',
  'const m = new Map(); export const a = [...m.keys()].sort(c);',
  'const m = new Map(); export const a = m.get(b) ?? m.has(c) ?? m.size;',
  'export interface Date { readonly process: string } export const a = (b: Date) => b.process;',
  'export const a = { Date: 1 };',
  '// fence: the order of these does not reach the state\nfor (const a of Object.keys(b)) c(a);',
  'for (const a of Object.keys(b)) c(a); // fence: the order of these does not reach the state',
  'export const a = /^[A-Za-z]+$/u;',
];

for (const code of ALLOWED) {
  test(`behind the fence passes: ${code.replace('\n', ' ↵ ')}`, (t) =>
    assert.deepEqual(faultsIn(t, CONTRACT, `${code}\n`), []));
}

test('an excuse without a reason, or two lines above, excuses nothing', (t) => {
  assert.equal(faultsIn(t, CONTRACT, '// fence: fine\nexport const a = 0.5;\n').length, 1);
  assert.equal(faultsIn(t, CONTRACT, '// fence: this one is harmless indeed\n\nexport const a = 0.5;\n').length, 1);
});

test('the fence stands around std, state, chain and the contract floors, and nowhere else', (t) => {
  const plant = 'export const a = Math.random();\n';
  for (const path of ['src/std/a.ts', 'src/state/b/a.ts', 'src/chain/a.ts', 'src/capabilities/one/contract.ts']) {
    assert.equal(faultsIn(t, path, plant).length, 1, path);
  }
  for (const path of ['src/vault/a.ts', 'src/capabilities/one/server.ts', 'src/chain/a.test.ts']) {
    assert.deepEqual(faultsIn(t, path, plant), ['1 no file behind the fence was seen'], path);
  }
});
