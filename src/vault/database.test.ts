import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { columns } from './columns.ts';
import { openDatabase, slot } from './database.ts';
import { codeOf, testFolder } from './test-vault.ts';
import { createVaultTables, vaultQueries } from './vault-schema.ts';

const KEY = 'ab'.repeat(32);
const options = { key: KEY, cacheBytes: 1_000_000 };

function openTokens(path: string, more: { maxBytes?: number } = {}) {
  const connection = openDatabase(path, { ...options, ...more });
  connection.begin();
  createVaultTables(connection);
  connection.commit();
  const select = vaultQueries.selectFrom('token').select(columns('token', 'id')).where('id', '=', slot);
  const add = connection.prepare(vaultQueries.insertInto('token').values({ token: slot, id: slot }).compile());
  return { connection, add, byId: connection.prepare(select.compile()) };
}

test('a commit is synced, freed bytes are zeroed, one process holds the file', (t) => {
  const path = join(testFolder(t), 'a.db');
  const { connection } = openTokens(path);
  assert.equal(connection.pragma('synchronous')[0]?.synchronous, 2, 'FULL');
  assert.equal(connection.pragma('journal_mode')[0]?.journal_mode, 'wal');
  assert.equal(connection.pragma('secure_delete')[0]?.secure_delete, 1);
  assert.equal(connection.pragma('locking_mode')[0]?.locking_mode, 'exclusive');
  connection.close();
});

test('what was found last does not show in what is found next', (t) => {
  const { connection, add, byId } = openTokens(join(testFolder(t), 'a.db'));
  add.run(Uint8Array.of(1), 'a');
  assert.deepEqual(byId.all('none'), []);
  assert.equal(byId.get('a')?.id, 'a');
  assert.equal(byId.get('none'), undefined);
  assert.equal(byId.all('a').length, 1);
  assert.ok(byId.all('a')[0]?.token instanceof Uint8Array);
  assert.throws(() => byId.get(), /takes 1 values/);
  connection.close();
});

test('the log is truncated on demand, and nothing reads without the key', async (t) => {
  const folder = testFolder(t);
  const path = join(folder, 'a.db');
  const { connection, add } = openTokens(path);
  add.run(Uint8Array.of(1), 'SECRET-ID');
  assert.ok(statSync(`${path}-wal`).size > 0);
  connection.truncateLog();
  assert.equal(statSync(`${path}-wal`).size, 0);
  connection.close();
  const bytes = readFileSync(path);
  for (const text of ['SECRET-ID', 'CREATE TABLE', 'SQLite format']) assert.equal(bytes.includes(text), false, text);
  assert.equal(await codeOf(() => openDatabase(path, { ...options, key: 'ac'.repeat(32) })), 'VAULT_KEY_WRONG');
  openDatabase(path, options).close();
});

test('a full file refuses, rolls back and goes on', async (t) => {
  const { connection, add, byId } = openTokens(join(testFolder(t), 'a.db'), { maxBytes: 40 * 4096 });
  connection.begin();
  const fill = () => {
    for (let i = 0; i < 1000; i++) add.run(new Uint8Array(500).fill(i), `o${i}`);
  };
  assert.equal(await codeOf(fill), 'VAULT_FULL');
  connection.rollback();
  assert.equal(connection.inTransaction, false);
  assert.equal(byId.get('o0'), undefined);
  add.run(Uint8Array.of(1), 'small');
  assert.equal(byId.get('small')?.id, 'small');
  connection.close();
});
