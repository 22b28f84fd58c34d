import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  ALICE,
  codeOf,
  interaction,
  observation,
  rawConnection,
  reopened,
  rowsOfRaw,
  runRaw,
  testVault,
  vaultTest,
} from '../../test/support/test-vault.ts';
import { bytesToHex } from '../std/bytes.ts';
import { NO_ENTRIES } from './index/index-entries.ts';
import type { VersionRow } from './vault.ts';

/** All pages of a closed file, decrypted, as SQLite sees them. */
async function decryptedPages(t: TestContext, folder: string, file: 'vault.db' | 'keys.db'): Promise<Buffer> {
  const connection = await rawConnection(t, folder, file);
  try {
    const rows = await rowsOfRaw<{ data: Uint8Array }>(connection, 'select data from sqlite_dbpage');
    return Buffer.concat(rows.map((row) => row.data));
  } finally {
    await connection.close();
  }
}

/** The wrapped keys that versions have in the key store. */
async function wrappedKeys(t: TestContext, folder: string): Promise<Buffer[]> {
  const connection = await rawConnection(t, folder, 'keys.db');
  try {
    const text = 'select wrapped from version_key order by key_id';
    const rows = await rowsOfRaw<{ wrapped: Uint8Array }>(connection, text);
    return rows.map((row) => Buffer.from(row.wrapped));
  } finally {
    await connection.close();
  }
}

const all = { type: 'Observation', sort: [], limit: 9 };

async function threeVersions(t: TestContext) {
  const { vault, folder } = await testVault(t);
  const tokens = [{ parameter: 'code', value: 'http://loinc.org|1' }];
  const more = {
    entries: { ...NO_ENTRIES, tokens },
    labels: ['urn:x|ERASE-ME-LABEL'],
    categories: ['urn:x|ERASE-ME-CATEGORY'],
  };
  const { versions } = await vault.write(
    [observation('o1', 1, more), observation('o1', 2, more), observation('o2', 1, more)],
    [],
  );
  await vault.journal([interaction({ versions: [versions[1]?.leaf as string] })]);
  return { vault, folder, tokens, rows: versions as readonly [VersionRow, VersionRow, VersionRow] };
}

vaultTest('an erased version leaves its header, leaf and place, and nothing that opens it', async (t) => {
  const { vault, folder, tokens, rows } = await threeVersions(t);
  const [first, second, other] = rows;
  const head = vault.journalHead();
  await vault.erase([second]);
  const check = async (of: typeof vault) => {
    const row = await of.current('Observation', 'o1');
    assert.ok(row?.erased);
    assert.deepEqual(
      [row.leaf, row.journalIndex, row.labels, row.categories],
      [second.leaf, second.journalIndex, [], []],
    );
    await assert.rejects(() => of.open(row), { code: 'VERSION_ERASED' });
    await assert.rejects(() => of.open(second), { code: 'VERSION_ERASED' }, 'a row read before');
    await assert.rejects(() => of.salt(second), { code: 'VERSION_ERASED' });
    assert.equal(await of.blob(second.blob), undefined);
    assert.equal((await of.entry(0, second.journalIndex))?.entry.kind, 'erased');
    assert.equal(bytesToHex((await of.entry(0, second.journalIndex))?.leaf as Uint8Array), second.leaf);
    assert.deepEqual(
      (await of.find({ ...all, criteria: [{ kind: 'token', tokens }] })).hits.map((one) => one.row.id),
      ['o2'],
    );
    assert.deepEqual(
      (await of.find({ ...all, criteria: [{ kind: 'account', accounts: [ALICE] }] })).hits.map((one) => one.row.id),
      ['o2'],
    );
    assert.ok((await of.open(first)).length > 0 && (await of.open(other)).length > 0);
    assert.deepEqual(of.journalHead(), head);
    assert.equal((await of.entriesOf(ALICE, 10)).rows.length, 4);
  };
  await check(vault);
  const report = await vault.scrub();
  assert.deepEqual([report.faults, report.versions, report.erased, report.keys], [[], 3, 1, 2]);
  await vault.close();
  await check(await reopened(t, folder));
});

test('neither file nor log holds what was erased', async (t) => {
  const { vault, folder, rows } = await threeVersions(t);
  const sealed = await Promise.all(rows.map(async (row) => Buffer.from((await vault.blob(row.blob)) as Uint8Array)));
  await vault.close();
  const keys = await wrappedKeys(t, folder);
  const labels = Buffer.from('ERASE-ME');
  const before = await decryptedPages(t, folder, 'vault.db');
  const keysBefore = await decryptedPages(t, folder, 'keys.db');
  assert.ok(before.includes(labels) && sealed.every((blob) => before.includes(blob)), 'the scan sees what is there');
  assert.ok(keys.length === 3 && keys.every((key) => keysBefore.includes(key)));

  const again = await reopened(t, folder);
  await again.erase(rows);
  for (const file of ['keys.db', 'vault.db']) {
    const logged = statSync(join(folder, `${file}-wal`)).size;
    // The note that the erasure is over is the only thing after the log was truncated: a page or two.
    assert.ok(logged <= 4 * 4200, `${file}-wal has ${logged} bytes`);
  }
  await again.close();
  const vaultPages = await decryptedPages(t, folder, 'vault.db');
  for (const blob of sealed) assert.equal(vaultPages.includes(blob.subarray(0, 24)), false, 'blob');
  assert.equal(vaultPages.includes(labels), false, 'labels');
  const keyPages = await decryptedPages(t, folder, 'keys.db');
  for (const key of keys) assert.equal(keyPages.includes(key.subarray(0, 16)), false, 'wrapped key');
});

vaultTest('an erasure that a crash cut after its first step is finished at the next start', async (t) => {
  const { vault, folder, rows } = await threeVersions(t);
  await vault.erase([rows[0]]);
  await vault.close();
  // As the crash would leave it: marked and noted in vault.db, the key still in keys.db.
  const connection = await rawConnection(t, folder, 'vault.db');
  await runRaw(connection, 'insert into erasing (key_id) values (2)');
  await connection.close();
  const again = await reopened(t, folder);
  assert.equal((await again.scrub()).keys, 1);
  await again.erase([rows[0]]);
  assert.equal(await codeOf(() => again.open(rows[0])), 'VERSION_ERASED');
});

vaultTest('the id of an erased key is not given out again', async (t) => {
  const { vault, folder, rows: written } = await threeVersions(t);
  await vault.erase([written[2]]);
  await vault.close();
  const again = await reopened(t, folder);
  await again.write([observation('o3')], []);
  await again.close();
  const connection = await rawConnection(t, folder, 'vault.db');
  const rows = await rowsOfRaw<{ key_id: number }>(connection, 'select key_id from version order by position');
  const ids = rows.map((row) => row.key_id);
  await connection.close();
  assert.deepEqual(ids, [1, 2, 3, 4]);
});

vaultTest('only a version that is there can be erased', async (t) => {
  const { vault, rows } = await threeVersions(t);
  assert.equal(await codeOf(vault.erase([{ ...rows[0], leaf: '00'.repeat(32) }])), 'VERSION_UNKNOWN');
  assert.equal((await vault.version('Observation', 'o1', 1))?.erased, false);
  assert.ok((await vault.open(rows[0])).length > 0);
});

vaultTest(
  'a current row that was read before is not what is answered after a write, nor after an erasure',
  async (t) => {
    const { vault } = await testVault(t);
    const write = (version: number) => vault.write([observation('o', version)], []);
    await write(1);
    assert.equal((await vault.current('Observation', 'o'))?.version, 1);
    await write(2);
    const row = (await vault.current('Observation', 'o')) as VersionRow;
    assert.equal(row.version, 2);
    await vault.erase([row]);
    assert.equal((await vault.current('Observation', 'o'))?.erased, true);
  },
);
