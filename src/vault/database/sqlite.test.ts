import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, testFolder } from '../../../test/support/test-vault.ts';
import { columns } from '../columns.ts';
import { vaultQueries, vaultTableQueries } from '../vault-schema.ts';
import { slot } from './query-builder.ts';
import { openSqlite } from './sqlite.ts';

const KEY = 'ab'.repeat(32);
const options = { key: KEY, cacheBytes: 1_000_000 };

async function openTiles(path: string, more: { maxBytes?: number } = {}) {
  const connection = await openSqlite(path, { ...options, ...more });
  await connection.execute(vaultTableQueries('sqlite'));
  const queries = vaultQueries('sqlite');
  const select = queries
    .selectFrom('tile')
    .select(columns('sqlite', 'name', 'bytes'))
    .where('name', '=', slot);
  const add = connection.prepare(queries.insertInto('tile').values({ name: slot, bytes: slot, mac: slot }).compile());
  const put = (name: string, bytes: Uint8Array) => add.change(name, bytes, bytes);
  return { connection, put, byName: connection.prepare(select.compile()) };
}

test('freed bytes are zeroed, one process holds the file', async (t) => {
  const { connection } = await openTiles(join(testFolder(t), 'a.db'));
  assert.equal((await connection.pragma('journal_mode'))[0]?.journal_mode, 'wal');
  assert.equal((await connection.pragma('secure_delete'))[0]?.secure_delete, 1);
  assert.equal((await connection.pragma('locking_mode'))[0]?.locking_mode, 'exclusive');
  await connection.close();
});

test('what was found last does not show in what is found next', async (t) => {
  const { connection, put, byName } = await openTiles(join(testFolder(t), 'a.db'));
  await connection.write([put('a', Uint8Array.of(1))]);
  assert.deepEqual(await byName.all('none'), []);
  assert.equal((await byName.get('a'))?.name, 'a');
  assert.equal(await byName.get('none'), undefined);
  assert.equal((await byName.all('a')).length, 1);
  assert.ok((await byName.all('a'))[0]?.bytes instanceof Uint8Array);
  await assert.rejects(() => byName.get(), /takes 1 values/);
  await connection.close();
});

test('the log goes into the file on demand, and nothing reads without the key', async (t) => {
  const folder = testFolder(t);
  const path = join(folder, 'a.db');
  const { connection, put } = await openTiles(path);
  await connection.write([put('SECRET-ID', Uint8Array.of(1))]);
  assert.ok(statSync(`${path}-wal`).size > 0);
  await connection.overwrite();
  assert.equal(statSync(`${path}-wal`).size, 0);
  await connection.close();
  const bytes = readFileSync(path);
  for (const text of ['SECRET-ID', 'CREATE TABLE', 'SQLite format']) assert.equal(bytes.includes(text), false, text);
  assert.equal(await codeOf(openSqlite(path, { ...options, key: 'ac'.repeat(32) })), 'VAULT_KEY_WRONG');
  await (await openSqlite(path, options)).close();
});

test('a full file refuses, rolls back and goes on', async (t) => {
  const { connection, put, byName } = await openTiles(join(testFolder(t), 'a.db'), { maxBytes: 60 * 4096 });
  const many = Array.from({ length: 1000 }, (_, i) => put(`o${i}`, new Uint8Array(500).fill(i)));
  assert.equal(await codeOf(connection.write(many)), 'VAULT_FULL');
  assert.equal(await byName.get('o0'), undefined);
  await connection.write([put('small', Uint8Array.of(1))]);
  assert.equal((await byName.get('small'))?.name, 'small');
  await connection.close();
});
