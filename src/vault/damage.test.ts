import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  ALICE,
  BOB,
  CUSTODIAN,
  codeOf,
  databaseOf,
  interaction,
  observation,
  rawConnection,
  reopened,
  rowsOfRaw,
  runRaw,
  testFolder,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import { unwrapKey, wrapKey } from '../crypto/node/key-wrap.ts';
import { bytesToHex, utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { decodeRow } from './columns.ts';
import { NO_ENTRIES } from './index/index-entries.ts';
import type { CustodianVault, VersionRow } from './vault.ts';

const FLIPS = process.env.ACESO_LONG ? 2000 : 60;
/** Resources p0, p1, … beside those of `closedVault`, found by the token `n`. */
const MORE = 60;

/** Runs SQL on a closed database, as one who has the page key or the password but not the node could. */
async function tamper(t: TestContext, folder: string, file: 'vault.db' | 'keys.db', text: string): Promise<void> {
  const connection = await rawConnection(t, folder, file);
  try {
    await runRaw(connection, text);
  } finally {
    await connection.close();
  }
}

async function closedVault(t: TestContext): Promise<string> {
  const { vault, folder } = await testVault(t);
  await vault.write([observation('o1', 1, { labels: ['urn:x|R'] }), observation('o2', 1, { account: BOB })], []);
  await vault.write([observation('o1', 2)], [interaction()]);
  await vault.putDocument('token', 'a', Uint8Array.of(1));
  await vault.anchored({ generation: 0, size: 4, root: bytesToHex(vault.journalHead().root), transaction: 'aa' });
  await vault.close();
  return folder;
}

const changes: readonly [
  name: string,
  file: 'vault.db' | 'keys.db',
  sql: string,
  read: (vault: CustodianVault) => unknown,
  code: string,
][] = [
  [
    'a blob',
    'vault.db',
    "update blob set bytes = substr(bytes, 1, 20) || x'00' || substr(bytes, 22)",
    openFirst,
    'BLOB_DAMAGED',
  ],
  [
    'blobs exchanged',
    'vault.db',
    'update blob set bytes = (select bytes from blob b where b.address <> blob.address limit 1)',
    openFirst,
    'BLOB_DAMAGED',
  ],
  [
    'a blob for a replica',
    'vault.db',
    "update blob set bytes = x'00'",
    async (v) => v.blob((await v.version('Observation', 'o1', 1))?.blob as string),
    'BLOB_DAMAGED',
  ],
  ['no blob', 'vault.db', 'delete from blob', openFirst, 'BLOB_DAMAGED'],
  ['labels', 'vault.db', "update version set labels = '[]'", (v) => v.version('Observation', 'o1', 1), 'VAULT_DAMAGED'],
  [
    'account',
    'vault.db',
    `update version set account = '${BOB}'`,
    (v) => v.current('Observation', 'o1'),
    'VAULT_DAMAGED',
  ],
  [
    'an older version as current',
    'vault.db',
    'update resource set version = 1, position = 0',
    (v) => v.current('Observation', 'o1'),
    'VAULT_DAMAGED',
  ],
  [
    'newest row gone',
    'vault.db',
    'delete from version where version = 2',
    (v) => v.current('Observation', 'o1'),
    'VAULT_DAMAGED',
  ],
  ['chain', 'vault.db', 'update version set before = -1', (v) => v.version('Observation', 'o1', 1), 'VAULT_DAMAGED'],
  [
    'whose resource',
    'vault.db',
    `update resource set account = '${BOB}'`,
    (v) => v.history('Observation', 'o1', 9),
    'VAULT_DAMAGED',
  ],
  [
    'an interaction',
    'vault.db',
    "update entry set body = replace(body, 'permit', 'deny')",
    (v) => v.entry(0, 3),
    'VAULT_DAMAGED',
  ],
  ['whose interaction', 'vault.db', `update entry set account = '${BOB}'`, (v) => v.entriesOf(BOB, 9), 'VAULT_DAMAGED'],
  ['a leaf', 'vault.db', "update entry set leaf = x'00'", (v) => v.entry(0, 0), 'VAULT_DAMAGED'],
  ['an anchor', 'vault.db', "update anchor set tx = 'bb'", (v) => v.lastAnchor(), 'VAULT_DAMAGED'],
  ['a document', 'vault.db', "update document set id = 'b'", (v) => v.getDocument('token', 'b'), 'VAULT_DAMAGED'],
  ['journal size', 'vault.db', 'update generation set size = 3', (v) => v.journalHead(), 'VAULT_DAMAGED'],
  ['entries cut', 'vault.db', 'delete from entry where position > 2', (v) => v.journalHead(), 'VAULT_DAMAGED'],
  ['generation gone', 'vault.db', 'delete from generation', (v) => v.journalHead(), 'VAULT_DAMAGED'],
  [
    'keys exchanged',
    'keys.db',
    'update version_key set wrapped = (select wrapped from version_key v where v.key_id = 3) where key_id = 1',
    openFirst,
    'BLOB_DAMAGED',
  ],
  ['key bytes', 'keys.db', 'update version_key set wrapped = zeroblob(72)', openFirst, 'VAULT_DAMAGED'],
  ['no key', 'keys.db', 'delete from version_key', openFirst, 'VAULT_DAMAGED'],
  [
    'account keys moved',
    'keys.db',
    `update epoch set wrapped = (select wrapped from epoch e where e.account = '${BOB}')`,
    openFirst,
    'VAULT_DAMAGED',
  ],
  ['another key store', 'keys.db', "update meta set value = '00' where name = 'vault'", openFirst, 'VAULT_DAMAGED'],
];

async function openFirst(vault: CustodianVault): Promise<unknown> {
  const row = await vault.version('Observation', 'o1', 1);
  assert.ok(row);
  return vault.open(row);
}

for (const [name, file, text, read, code] of changes) {
  vaultTest(`a changed row is not served: ${name}`, async (t) => {
    const folder = await closedVault(t);
    await tamper(t, folder, file, text);
    const served = async () => {
      const vault = await reopened(t, folder);
      const faults = await vault.scrub();
      const isSeen = faults.faults.length > 0 || ['an anchor', 'a document'].includes(name);
      assert.ok(isSeen, 'scrub sees it');
      return read(vault);
    };
    assert.equal(await codeOf(served), code);
  });
}

vaultTest('a salt that was exchanged, with a wrap that holds, does not fit the leaf', async (t) => {
  const folder = await closedVault(t);
  const vault = await reopened(t, folder);
  const row = (await vault.version('Observation', 'o1', 1)) as VersionRow;
  const { key: epochKey } = await vault.epochKey(ALICE);
  await vault.close();
  const connection = await rawConnection(t, folder, 'keys.db');
  const [stored] = await rowsOfRaw<{ wrapped: Uint8Array }>(
    connection,
    'select wrapped from version_key where key_id = 1',
  );
  const both = unwrapKey(epochKey, stored?.wrapped as Uint8Array) as Uint8Array;
  await connection.close();
  both[40] = (both[40] as number) ^ 1;
  await tamper(
    t,
    folder,
    'keys.db',
    `update version_key set wrapped = x'${bytesToHex(wrapKey(epochKey, both))}' where key_id = 1`,
  );
  const again = await reopened(t, folder);
  await assert.rejects(() => again.open(row), { code: 'BLOB_DAMAGED' });
});

test('a value that was never written as NULL is damage', () => {
  assert.throws(() => decodeRow({ leaf: null }), { code: 'VAULT_DAMAGED' });
  assert.deepEqual(decodeRow({ nonce: null, body: null, size: 3 }), { nonce: null, body: null, size: 3 });
  assert.deepEqual(decodeRow({ id: Buffer.from([0x61, 0xff]) }), { id: 'a\ufffd' });
});

test('a flipped byte anywhere in a file is never served', async (t) => {
  const folder = await closedVault(t);
  // Enough that most pages are full: a byte of free space may change unseen.
  const more = await reopened(t, folder);
  await more.write(
    Array.from({ length: MORE }, (_, i) =>
      observation(`p${i}`, 1, {
        text: `${i} ${'x'.repeat(700)}`,
        entries: { ...NO_ENTRIES, tokens: [{ parameter: 'n', value: `${i}` }] },
      }),
    ),
    Array.from({ length: MORE }, (_, i) => interaction({ timeMs: i })),
  );
  await more.close();
  const copies = testFolder(t);
  const intact = await reopened(t, folder);
  const whole = await expected(intact);
  const unanswered = Object.keys(whole).filter((what) => /^(none|[A-Z_]+)$/.test(whole[what] ?? ''));
  assert.deepEqual(unanswered, [], 'intact, it answers everything');
  await intact.close();
  const base = new Map(['vault.db', 'keys.db'].map((file) => [file, readFileSync(join(folder, file))]));
  let noticed = 0;
  for (let i = 0; i < FLIPS; i++) {
    // A folder each, since a file whose opening failed may stay locked.
    const copy = join(copies, String(i));
    mkdirSync(copy);
    copyFileSync(join(folder, 'key-check'), join(copy, 'key-check'));
    const file = i % 3 === 0 ? 'keys.db' : 'vault.db';
    const bytes = Buffer.from(base.get(file) as Buffer);
    const at = Math.floor((bytes.length * (i + 0.5)) / FLIPS);
    bytes[at] = (bytes[at] as number) ^ (1 << (i % 8));
    for (const [name, content] of base) writeFileSync(join(copy, name), name === file ? bytes : content);
    let vault: CustodianVault | undefined;
    try {
      vault = await reopened(t, copy);
      const found = await expected(vault);
      const changed = Object.keys(whole).filter((what) => found[what] !== whole[what]);
      const isMisled = (what: string) => what.startsWith('n=') && isIntact(found[what] ?? '', whole);
      for (const what of changed)
        if (!isMisled(what)) assert.match(found[what] ?? '', /^(VAULT_|BLOB_|none$)/, `${file} byte ${at}: ${what}`);
      // What went missing without a trace is found by a scrub, and so is a hit that is of another value.
      const missing = changed.filter((what) => found[what] === 'none' || isMisled(what));
      if (missing.length > 0)
        assert.notEqual((await vault.scrub()).faults.length, 0, `${file} byte ${at}: ${missing.join(', ')}`);
      if (changed.length > 0) noticed += 1;
    } catch (error) {
      if (!isReject(error)) throw error;
      assert.match(error.code, /^VAULT_(DAMAGED|STORAGE_FAILED)$/, `${file} byte ${at}`);
      noticed += 1;
    } finally {
      await vault?.close();
      rmSync(copy, { recursive: true });
    }
  }
  assert.ok(noticed > FLIPS / 10, `${noticed} of ${FLIPS} flips hit something`);
});

/** Whether what a search found is rows and contents as they were, though perhaps not those that it asked for. */
function isIntact(found: string, whole: Readonly<Record<string, string>>): boolean {
  if (!found.startsWith('[')) return false;
  const known = new Set(
    Object.entries(whole).flatMap(([what, value]) =>
      what.startsWith('n=') ? (JSON.parse(value) as unknown[]).map((hit) => JSON.stringify(hit)) : [],
    ),
  );
  return (JSON.parse(found) as unknown[]).every((hit) => known.has(JSON.stringify(hit)));
}

/** All that a vault says, as texts: content, or the code that it is refused with, or none. */
async function expected(vault: CustodianVault): Promise<Record<string, string>> {
  const reads: Record<string, () => unknown> = {
    head: () => bytesToHex(vault.journalHead().root),
    anchor: () => vault.lastAnchor(),
    ids: async () => (await vault.find({ type: 'Observation', criteria: [], sort: [], limit: 99 })).hits.length,
  };
  for (const [id, version] of [
    ['o1', 1],
    ['o1', 2],
    ['o2', 1],
  ] as const) {
    reads[`${id}/${version}`] = () => vault.version('Observation', id, version);
    reads[`${id}/${version}/bytes`] = async () => {
      const row = await vault.version('Observation', id, version);
      return row && utf8ToText(await vault.open(row));
    };
  }
  // Through the search index, whose pages are most of the file.
  for (let i = 0; i < MORE; i++) {
    const criteria = [{ kind: 'token', tokens: [{ parameter: 'n', value: `${i}` }] }] as const;
    reads[`n=${i}`] = async () => {
      const { hits } = await vault.find({ type: 'Observation', criteria, sort: [], limit: 99 });
      const opened = hits.map(async ({ row }) => ({ row, text: utf8ToText(await vault.open(row)) }));
      return hits.length === 0 ? undefined : Promise.all(opened);
    };
  }
  // Four entries of `closedVault`, then a version and an interaction each.
  for (let index = 0; index < 4 + 2 * MORE; index++) reads[`entry ${index}`] = () => vault.entry(0, index);
  const texts: Record<string, string> = {};
  for (const [name, read] of Object.entries(reads)) {
    try {
      texts[name] = JSON.stringify(await read()) ?? 'none';
    } catch (error) {
      if (!isReject(error)) throw error;
      texts[name] = error.code;
    }
  }
  // A row that a damaged index hides is as good as missing.
  if (Number(texts.ids) < 2 + MORE) texts.ids = 'none';
  return texts;
}

test('a wrong root key, another custodian and missing files are told apart', async (t) => {
  const folder = await closedVault(t);
  assert.equal(await codeOf(reopened(t, folder, { rootKey: new Uint8Array(32) })), 'VAULT_KEY_WRONG');
  assert.equal(await codeOf(reopened(t, folder, { custodian: ALICE })), 'VAULT_DAMAGED');
  for (const file of ['vault.db', 'keys.db', 'key-check']) {
    const path = join(folder, file);
    renameSync(path, `${path}.away`);
    assert.equal(await codeOf(reopened(t, folder)), 'VAULT_DAMAGED', file);
    rmSync(path, { force: true });
    renameSync(`${path}.away`, path);
  }
  assert.equal((await (await reopened(t, folder)).current('Observation', 'o1'))?.version, 2);
});

test('a first start that a crash cut before the vault said what it is starts again', async (t) => {
  const { vault, folder } = await testVault(t);
  await vault.close();
  const other = testFolder(t);
  copyFileSync(join(folder, 'key-check'), join(other, 'key-check'));
  assert.equal((await reopened(t, other)).journalHead().size, 0);
});

vaultTest('two vaults on one folder: the second is refused, in this process and in another', async (t) => {
  const { vault, folder } = await testVault(t);
  assert.equal(await codeOf(reopened(t, folder)), 'VAULT_IN_USE');
  const script = `
    import { createVault } from ${JSON.stringify(new URL('./create-vault.ts', import.meta.url).href)};
    const log = { info() {}, warn() {}, error() {} };
    const rootKey = new Uint8Array(32).fill(7);
    const place = JSON.parse(process.argv[1]);
    await createVault({ ...place, custodian: '${CUSTODIAN}', rootKey, log }).catch((e) => console.log(e.code));`;
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const place = JSON.stringify({ folder, ...(await databaseOf(t, folder)) });
  const other = spawnSync(process.execPath, ['-e', script, place], { cwd, encoding: 'utf8' });
  assert.equal(other.stdout.trim(), 'VAULT_IN_USE', other.stderr);
  await vault.write([observation('o1')], []);
});

test('a full disk refuses whole calls, half-writes nothing, and more room makes it go on', async (t) => {
  const folder = testFolder(t);
  const maxBytes = 200 * 4096;
  const small = await reopened(t, folder, { maxBytes });
  await small.openAccount(ALICE);
  const text = 'x'.repeat(20_000);
  const done: string[] = [];
  const codes = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const pair = [observation(`a${i}`, 1, { text }), observation(`b${i}`, 1, { text })];
    const code = await codeOf(small.write(pair, [interaction()]));
    codes.add(code);
    if (code === '') done.push(`a${i}`, `b${i}`);
  }
  assert.deepEqual([...codes], ['', 'VAULT_FULL']);
  assert.equal(small.status(), 'serving');
  const report = await small.scrub();
  assert.deepEqual([report.faults, report.versions], [[], done.length]);
  assert.equal(small.journalHead().size, (done.length / 2) * 3);
  await small.close();
  assert.ok(statSync(join(folder, 'vault.db')).size <= maxBytes);

  const large = await reopened(t, folder, { anchoredAt: { generation: 0, size: 0, root: '' } });
  assert.equal(await codeOf(large.write([observation('a29', 1, { text })], [])), '');
  const after = await large.scrub();
  assert.deepEqual(
    [after.faults, after.versions, after.keys],
    [[], done.length + 1, done.length + 1],
    'no orphan is left',
  );
});

test('a disk that fills up under many calls at once: what is answered is there, what is refused is nowhere, in order', async (t) => {
  const folder = testFolder(t);
  const small = await reopened(t, folder, { maxBytes: 300 * 4096 });
  await small.openAccount(ALICE);
  const kept = new Map<string, string>();
  const codes = new Set<string>();
  let entries = 0;
  for (let round = 0; round < 6; round++) {
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        // Large and small ones mixed: after one that finds no room, others still would.
        const text = `${round}/${i} `.repeat(1 + ((i * 7919) % 4) * 1500);
        const code = await codeOf(small.write([observation(`r${round}-${i}`, 1, { text })], [interaction()]));
        codes.add(code);
        if (code !== '') return;
        kept.set(`r${round}-${i}`, text);
        entries += 2;
      }),
    );
  }
  assert.deepEqual([...codes].sort(), ['', 'VAULT_FULL']);
  assert.deepEqual([small.status(), small.journalHead().size], ['serving', entries]);
  assert.deepEqual((await small.scrub()).faults, []);
  await small.close();
  const large = await reopened(t, folder, { anchoredAt: { generation: 0, size: 0, root: '' } });
  assert.equal(await codeOf(large.write([observation('last')], [])), '');
  for (const [id, text] of kept) {
    const row = await large.current('Observation', id);
    assert.ok(row !== undefined && utf8ToText(await large.open(row)).includes(text), id);
  }
  const after = await large.scrub();
  assert.deepEqual([after.faults, after.versions, after.keys], [[], kept.size + 1, kept.size + 1]);
});
