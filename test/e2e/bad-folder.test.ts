import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { randomBytes } from '#crypto/platform';
import { newGenesis } from '../../src/app/new-network.ts';
import type { StartOptions } from '../../src/cli/node-starter.ts';
import { canonicalBytes, type JsonObject } from '../../src/std/canonical-json.ts';
import { isReject } from '../../src/std/reject.ts';
import { rootKeyToText } from '../../src/vault/root-key.ts';
import { newOrganisationKeys } from '../../src/wallet/node/organisation-keys.ts';
import { QUIET_START, rootKeyFile, temporaryFolders, testStarter } from './bad-input-node.ts';

/*
 * A data folder, a root key or files that are not as they should be: the node says which and does not start, and
 * leaves every file as it found it. Put right again, it starts with all it had.
 */

/** A copy of a sound node to break: its files, and its root key's. */
interface Broken {
  readonly folder: string;
  readonly keyFile: string;
  readonly path: (name: string) => string;
}

const flip = (file: string): void => {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
  writeFileSync(file, bytes);
};
const cut = (file: string): void => writeFileSync(file, readFileSync(file).subarray(0, -5));
const edit = (file: string, from: string, to: string): void => {
  const text = readFileSync(file, 'utf8');
  assert.ok(text.includes(from));
  writeFileSync(file, text.replace(from, to));
};

const toFolder = (file: string): void => {
  rmSync(file);
  mkdirSync(file);
};
const replaceAccount = (file: string): void =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"account":"[0-9a-f]{32}"/, `"account":"${'0'.repeat(32)}"`));

const ROWS: readonly (readonly [
  name: string,
  damage: (node: Broken) => void,
  code: string,
  more?: Partial<StartOptions>,
])[] = [
  ['the root key is gone', ({ keyFile }) => rmSync(keyFile), 'ROOT_KEY_MISSING'],
  ['others may read the root key', ({ keyFile }) => chmodSync(keyFile, 0o644), 'ROOT_KEY_MODE'],
  ['the group may read the root key', ({ keyFile }) => chmodSync(keyFile, 0o640), 'ROOT_KEY_MODE'],
  ['a character of the root key changed', ({ keyFile }) => flip(keyFile), 'ROOT_KEY_DAMAGED'],
  ['the root key file is empty', ({ keyFile }) => writeFileSync(keyFile, ''), 'ROOT_KEY_DAMAGED'],
  ['the root key file is huge', ({ keyFile }) => writeFileSync(keyFile, 'a'.repeat(100_000)), 'ROOT_KEY_DAMAGED'],
  [
    'another node’s root key',
    ({ keyFile }) => writeFileSync(keyFile, rootKeyToText(randomBytes(32))),
    'NODE_SECRETS_UNREADABLE',
  ],
  ['a bit of the secrets changed', ({ path }) => flip(path('secrets.sealed')), 'NODE_SECRETS_UNREADABLE'],
  ['the secrets are cut', ({ path }) => cut(path('secrets.sealed')), 'NODE_SECRETS_UNREADABLE'],
  ['the secrets are empty', ({ path }) => writeFileSync(path('secrets.sealed'), ''), 'NODE_SECRETS_UNREADABLE'],
  ['the secrets are gone', ({ path }) => rmSync(path('secrets.sealed')), 'NODE_FOLDER_DAMAGED'],
  ['genesis is cut', ({ path }) => cut(path('genesis.json')), 'NODE_FOLDER_DAMAGED'],
  ['genesis is gone', ({ path }) => rmSync(path('genesis.json')), 'NODE_FOLDER_DAMAGED'],
  ['genesis is another document', ({ path }) => writeFileSync(path('genesis.json'), '{}'), 'NODE_FOLDER_DAMAGED'],
  [
    'genesis names another ledger',
    ({ path }) => edit(path('genesis.json'), 'aceso-demo', 'aceso-dem0'),
    'LEDGER_OTHER_GENESIS',
  ],
  ['the node file is cut', ({ path }) => cut(path('node.json')), 'NODE_FOLDER_DAMAGED'],
  ['the node file is gone', ({ path }) => rmSync(path('node.json')), 'NODE_FOLDER_DAMAGED'],
  [
    'the node file has an unknown member',
    ({ path }) => edit(path('node.json'), '{"', '{"a":1,"'),
    'NODE_FOLDER_DAMAGED',
  ],
  [
    'the node file has traversal for a name',
    ({ path }) => edit(path('node.json'), '"riverside"', '"../../../x"'),
    'NODE_FOLDER_DAMAGED',
  ],
  [
    'the node file is of a later version',
    ({ path }) => edit(path('node.json'), 'aceso.node/1', 'aceso.node/2'),
    'NODE_FOLDER_NEWER',
  ],
  [
    'an organisation without keys',
    ({ path }) => edit(path('node.json'), '"riverside"', '"riverside-two"'),
    'NODE_FOLDER_DAMAGED',
  ],
  ['an organisation has another’s account', ({ path }) => replaceAccount(path('node.json')), 'VAULT_DAMAGED'],
  ['the node file is a folder', ({ path }) => toFolder(path('node.json')), 'NODE_FOLDER_UNUSABLE'],
  ['the host is not of this machine', () => {}, 'ADDRESS_UNUSABLE', { host: '203.0.113.1' }],
  [
    'a witness that genesis does not name',
    () => {},
    'WITNESS_UNKNOWN',
    { witnesses: { nobody: 'http://127.0.0.1:1' } },
  ],
];

test('a damaged data folder or root key keeps the node from starting, and every file as it was', async (t) => {
  const { root, folder, keyFolder } = temporaryFolders(t);
  const sound = await testStarter(keyFolder).start({ ...QUIET_START, folder });
  const { node } = sound;
  await sound.close();
  for (const [name, damage, code, more] of ROWS) {
    await t.test(name, async () => {
      const [ownFolder, ownKeys] = [join(root, 'copy'), join(root, 'copy-config')];
      cpSync(folder, ownFolder, { recursive: true });
      cpSync(keyFolder, ownKeys, { recursive: true });
      damage({ folder: ownFolder, keyFile: join(ownKeys, `${node}.key`), path: (file) => join(ownFolder, file) });
      const before = filesOf(ownFolder);
      const keys = readdirSync(ownKeys);
      assert.equal(await refusalOf(testStarter(ownKeys).start({ ...QUIET_START, ...more, folder: ownFolder })), code);
      assert.deepEqual(filesOf(ownFolder), before);
      assert.deepEqual(readdirSync(ownKeys), keys);
      rmSync(ownFolder, { recursive: true });
      rmSync(ownKeys, { recursive: true });
    });
  }
  const again = await testStarter(keyFolder).start({ ...QUIET_START, folder });
  assert.equal(again.node, node);
  await again.close();
});

test('two nodes on one data folder, and two on one port: the second is refused, the first goes on', async (t) => {
  const { root, folder, keyFolder } = temporaryFolders(t);
  const first = await testStarter(keyFolder).start({ ...QUIET_START, folder });
  t.after(() => first.close());
  assert.equal(await refusalOf(testStarter(keyFolder).start({ ...QUIET_START, folder })), 'DATA_FOLDER_IN_USE');
  const port = Number(new URL(first.url).port);
  const other = { ...QUIET_START, folder: join(root, 'other') };
  assert.equal(await refusalOf(testStarter(keyFolder).start({ ...other, port })), 'PORT_IN_USE');
  assert.equal((await fetch(`${first.url}/health`)).status, 200);
  assert.equal((await testStarter(keyFolder).running(folder))?.url, first.url, 'commands still find the first');
  const second = await testStarter(keyFolder).start(other);
  await second.close();
});

test('what a first start is given must fit before anything is written', async (t) => {
  const { root, folder, keyFolder } = temporaryFolders(t);
  const starter = testStarter(keyFolder);
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(root, name), content);
    return join(root, name);
  };
  const made = await newOrganisationKeys({ slug: 'hospital', name: 'Hospital', roles: ['provider'] });
  const { organisation, secrets, entry } = made;
  const document = newGenesis({ name: 'a', createdMs: 1, operatorSeed: '05'.repeat(32), founders: [entry] });
  const genesis = file('genesis.json', canonicalBytes(document as unknown as JsonObject));
  const parts = { format: 'aceso.organisation-keys/1', organisation, secrets, entry };
  const keysFile = (name: string, more: object): string =>
    file(name, canonicalBytes({ ...parts, ...more } as unknown as JsonObject));
  const keys = keysFile('keys.json', { operatorSeed: '05'.repeat(32) });
  const rows: readonly (readonly [name: string, given: Partial<StartOptions>, code: string])[] = [
    ['a folder that must hold a node', { mustExist: true }, 'NODE_FOLDER_EMPTY'],
    ['genesis without keys', { genesis }, 'KEYS_MISSING'],
    ['following without keys', { follow: 'http://127.0.0.1:1' }, 'KEYS_MISSING'],
    ['keys without genesis', { keys }, 'GENESIS_MISSING'],
    ['no genesis file', { keys, genesis: join(root, 'missing') }, 'INPUT_FILE_UNREADABLE'],
    ['no keys file', { keys: join(root, 'missing'), genesis }, 'INPUT_FILE_UNREADABLE'],
    ['genesis for keys', { keys: genesis, genesis }, 'INPUT_FILE_UNREADABLE'],
    ['keys for genesis', { keys, genesis: keys }, 'GENESIS_MALFORMED_FILE'],
    [
      'no canonical genesis',
      { keys, genesis: file('spaced', ` ${readFileSync(genesis, 'utf8')}`) },
      'INPUT_FILE_UNREADABLE',
    ],
    [
      'a slug with traversal',
      { keys: keysFile('k2', { secrets: { ...secrets, slug: '../x' } }), genesis },
      'INPUT_FILE_UNREADABLE',
    ],
    ['no operator’s key', { keys: keysFile('k3', {}), genesis }, 'OPERATOR_KEY_MISSING'],
    [
      'another operator’s key',
      { keys: keysFile('k4', { operatorSeed: '06'.repeat(32) }), genesis },
      'OPERATOR_KEY_DIFFERS',
    ],
    ['a node to follow that does not answer', { keys, follow: 'http://127.0.0.1:1' }, 'LEDGER_UPSTREAM_UNREACHABLE'],
  ];
  for (const [name, given, code] of rows) {
    assert.equal(await refusalOf(starter.start({ ...QUIET_START, ...given, folder })), code, name);
    assert.equal(existsSync(folder), false, name);
  }
  const inside = testStarter(join(folder, 'config'));
  assert.equal(await refusalOf(inside.start({ ...QUIET_START, folder })), 'ROOT_KEY_INSIDE_DATA');
  const blocked = file('blocked', '');
  assert.equal(await refusalOf(starter.start({ ...QUIET_START, folder: blocked })), 'NODE_FOLDER_UNUSABLE');
  assert.equal(await refusalOf(starter.start({ ...QUIET_START, folder: join(blocked, 'x') })), 'NODE_FOLDER_UNUSABLE');
  const node = await starter.start({ ...QUIET_START, folder, keys, genesis });
  await node.close();
  assert.equal(statSync(await rootKeyFile(folder, keyFolder)).mode & 0o777, 0o600);
  const other = newGenesis({ name: 'b', createdMs: 1, operatorSeed: '05'.repeat(32), founders: [entry] });
  const differing = file('other.json', canonicalBytes(other as unknown as JsonObject));
  assert.equal(await refusalOf(starter.start({ ...QUIET_START, folder, genesis: differing })), 'GENESIS_DIFFERS');
});

/** Code that a start is refused with; '' when the node started after all. Anything but a refusal is a bug. */
async function refusalOf(start: Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await start).close();
    return '';
  } catch (error) {
    if (!isReject(error)) throw error;
    return error.code;
  }
}

/** Hash of each file of a node that is not a database, by name: those are opened, and may fold up their logs. */
function filesOf(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    files[name] = statSync(path).isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'folder';
  }
  return files;
}
