import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ambientAuthorityFaults } from './ambient-authority.ts';
import { layerFaults } from './layers.ts';
import { plantTree } from './planted-tree.ts';
import { readTree } from './source-tree.ts';

/** A small house without a fault. */
const HOUSE = {
  'src/std/bytes.ts': 'export const one = 1;\n',
  'src/crypto/node/platform.ts': "import { hash } from 'node:crypto';\nexport const sha256 = hash;\n",
  'src/state/tree.ts':
    "import { sha256 } from '#crypto/platform';\nimport { one } from '../std/bytes.ts';\nexport const tree = [sha256, one];\n",
  'src/chain/kernel.ts': "import { tree } from '../state/tree.ts';\nexport const kernel = tree;\n",
  'src/ledger/host.ts': "import { kernel } from '../chain/kernel.ts';\nexport const host = kernel;\n",
  'src/fhir/ports.ts': 'export interface Port { readonly a: 1 }\n',
  'src/server/host.ts': "import { open } from 'node:fs/promises';\nexport const server = open;\n",
  'src/capabilities/one/contract.ts':
    "import { Type } from 'typebox';\nimport { kernel } from '../../chain/kernel.ts';\nexport const one = [Type, kernel];\n",
  'src/capabilities/one/server/port.ts':
    "import type { Port } from '../../../fhir/ports.ts';\nimport { one } from '../contract.ts';\nexport const port: [Port['a'], unknown] = [1, one];\n",
  'src/capabilities/two/contract/rules.ts': "import { one } from '../../one/contract.ts';\nexport const two = one;\n",
  'src/app/compose.ts': "import { port } from '../capabilities/one/server/port.ts';\nexport const app = port;\n",
  'src/app/compose.test.ts': "import { sha256 } from '../crypto/node/platform.ts';\nsha256;\n",
};

/** What the check says of the house with `planted` over it. */
function faultsWith(t: Parameters<typeof plantTree>[0], planted: Readonly<Record<string, string>>): string[] {
  const files = readTree(plantTree(t, { ...HOUSE, ...planted }));
  return [...layerFaults(files), ...ambientAuthorityFaults(files)].map(
    ({ path, line, message }) => `${path}:${line} ${message}`,
  );
}

test('the house without a plant has no fault', (t) => {
  assert.deepEqual(faultsWith(t, {}), []);
});

test('no files at all is a fault', (t) => {
  assert.match(layerFaults(readTree(plantTree(t, { 'README.md': '' })))[0]?.message ?? '', /no source file/);
});

const PLANTS: readonly (readonly [name: string, path: string, text: string, expected: RegExp])[] = [
  [
    'an arrow up',
    'src/std/up.ts',
    "import { tree } from '../state/tree.ts';\nexport const up = tree;\n",
    /up\.ts:1 arrow up: std .* state/,
  ],
  [
    'an arrow up by type alone',
    'src/chain/up.ts',
    "import type { Port } from '../fhir/ports.ts';\nexport type Up = Port;\n",
    /arrow up: chain .* fhir/,
  ],
  [
    'an arrow up by an import type',
    'src/chain/up.ts',
    "export type Up = import('../fhir/ports.ts').Port;\n",
    /arrow up: chain .* fhir/,
  ],
  [
    'an arrow up by re-export',
    'src/vault/up.ts',
    "export { server } from '../server/host.ts';\n",
    /arrow up: vault .* server/,
  ],
  [
    'an arrow up by dynamic import',
    'src/vault/up.ts',
    "export const up = () => import('../server/host.ts');\n",
    /arrow up: vault .* server/,
  ],
  [
    'an arrow up by worker',
    'src/vault/up.ts',
    "export const up = new URL('../server/host.ts', import.meta.url);\n",
    /arrow up: vault .* server/,
  ],
  ['a computed import', 'src/vault/up.ts', 'export const up = (a: string) => import(a);\n', /computed/],
  [
    'a host that knows a capability',
    'src/ledger/up.ts',
    "export { one } from '../capabilities/one/contract.ts';\n",
    /arrow up: ledger .* contract/,
  ],
  [
    'the FHIR server that knows a capability',
    'src/fhir/up.ts',
    "export { one } from '../capabilities/one/contract.ts';\n",
    /arrow up: fhir .* contract/,
  ],
  [
    'the HTTP host that knows a capability',
    'src/server/up.ts',
    "export { port } from '../capabilities/one/server/port.ts';\n",
    /arrow up: server .* capability-server/,
  ],
  [
    'a contract that knows its server floor',
    'src/capabilities/one/contract/a.ts',
    "export { port } from '../server/port.ts';\n",
    /arrow up: contract .* capability-server/,
  ],
  [
    'capabilities that meet at a server floor',
    'src/capabilities/two/server.ts',
    "export { port } from '../one/server/port.ts';\n",
    /two may meet one at its contract floor alone/,
  ],
  ['an entry point in src', 'src/cli/up.ts', "export { main } from '../../bin/aceso.ts';\n", /leads to no source file/],
  ['a test that ships', 'src/app/up.ts', "import './compose.test.ts';\nexport const up = 1;\n", /imports a test/],
  [
    'a file that is not there',
    'src/app/up.ts',
    "import './gone.ts';\nexport const up = 1;\n",
    /leads to no source file/,
  ],
  ['an unknown folder', 'src/misc/a.ts', 'export const a = 1;\n', /lies in no room/],
  ['a file beside the rooms', 'src/main.ts', 'export const a = 1;\n', /lies in no room/],
  ['an unnamed floor', 'src/capabilities/one/rules.ts', 'export const a = 1;\n', /lies in no room or on no floor/],
  [
    'an unnamed floor with a folder',
    'src/capabilities/one/contracts/a.ts',
    'export const a = 1;\n',
    /lies in no room or on no floor/,
  ],
  [
    'Node in a contract',
    'src/capabilities/one/contract.ts',
    "export { hash } from 'node:crypto';\n",
    /node:crypto where no platform floor is/,
  ],
  [
    'Node in the browser half of crypto',
    'src/crypto/web/a.ts',
    "export { hash } from 'node:crypto';\n",
    /node:crypto where no platform floor is/,
  ],
  [
    'a platform picked from the chain',
    'src/chain/a.ts',
    "export { sha256 } from '../crypto/node/platform.ts';\n",
    /picks a platform by itself/,
  ],
  ['a builtin without its scheme', 'src/vault/a.ts', "export { open } from 'fs/promises';\n", /unknown kind of import/],
  [
    'an import by address',
    'src/vault/a.ts',
    "import 'https://example.org/a.js';\nexport const a = 1;\n",
    /unknown kind of import/,
  ],
  [
    'a package in the state',
    'src/state/a.ts',
    "export { Type } from 'typebox';\n",
    /state does not stand on the package typebox/,
  ],
  [
    'a scoped package in the chain',
    'src/chain/a.ts',
    "export { sha256 } from '@noble/hashes/sha2.js';\n",
    /does not stand on the package @noble\/hashes/,
  ],
  ['the environment', 'src/vault/a.ts', 'export const a = process.env.HOME;\n', /process\.env belongs to bin/],
  ['the environment by import', 'src/vault/a.ts', "export { env } from 'node:process';\n", /belongs to bin/],
  ['the console', 'src/vault/a.ts', "export const a = () => console.error('a');\n", /console\.error belongs to bin/],
];

for (const [name, path, text, expected] of PLANTS) {
  test(`fails on ${name}`, (t) => {
    const faults = faultsWith(t, { [path]: text });
    assert.equal(faults.length, 1, faults.join('\n'));
    assert.match(faults[0] ?? '', expected);
  });
}

test('fails on a cycle, through types too, and names the circle', (t) => {
  const faults = faultsWith(t, {
    'src/std/a.ts': "import type { B } from './b.ts';\nexport type A = B;\n",
    'src/std/b.ts': "import type { C } from './c.ts';\nexport type B = C;\n",
    'src/std/c.ts': "import type { A } from './a.ts';\nexport type C = A;\n",
  });
  assert.deepEqual(faults, ['src/std/c.ts:1 cycle: src/std/a.ts > src/std/b.ts > src/std/c.ts > src/std/a.ts']);
});

test('a file that cannot be parsed stops the check', (t) => {
  assert.throws(() => faultsWith(t, { 'src/std/a.ts': 'export const = ;\n' }), /src\/std\/a\.ts/);
});
