import assert from 'node:assert/strict';
import fs, { readlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, testFolder } from '../../../test/support/test-vault.ts';
import { openSqliteFile } from './sqlite-file.ts';

test('a commit resolves once its log is synced, and after a sync that failed there is none', async (t) => {
  const path = join(testFolder(t), 'a.db');
  const file = openSqliteFile(path, { key: 'ab'.repeat(32), cacheBytes: 1_000_000 });
  await file.write(() => file.prepare('create table t (name text)').run([]));
  const add = file.prepare('insert into t values (?)');
  const names = file.prepare('select cast(name as blob) as name from t');
  const syncs: ((error: Error | null) => void)[] = [];
  t.mock.method(fs, 'fdatasync', (handle: number, done: (error: Error | null) => void) => {
    assert.equal(readlinkSync(`/proc/self/fd/${handle}`), `${path}-wal`);
    syncs.push(done);
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  let isDone = false;
  const writing = file
    .write(() => add.run(['a']))
    .then(() => {
      isDone = true;
    });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isDone, false);
  assert.deepEqual(names.all([]), [[Buffer.from('a')]]);
  syncs[0]?.(null);
  await writing;
  const failing = [codeOf(file.write(() => add.run(['b'])))];
  await new Promise((resolve) => setTimeout(resolve, 5));
  // Those that come while the disk is at it share the next sync: the disk tells of a failure once.
  failing.push(codeOf(file.write(() => add.run(['c']))), codeOf(file.write(() => add.run(['d']))));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(syncs.length, 2);
  syncs[1]?.(new Error('EIO'));
  assert.deepEqual(await Promise.all(failing), Array(3).fill('VAULT_STORAGE_FAILED'));
  assert.equal(await codeOf(file.write(() => add.run(['e']))), 'VAULT_STORAGE_FAILED');
  assert.equal(syncs.length, 2);
  await file.close();
});

test('a statement tells its columns, and what is refused in a transaction is taken back', async (t) => {
  const file = openSqliteFile(join(testFolder(t), 'a.db'), { key: 'ab'.repeat(32), cacheBytes: 1_000_000 });
  await file.write(() => file.prepare('create table t (name text primary key, size integer)').run([]));
  const add = file.prepare('insert into t values (?, ?)');
  await file.write(() => add.run(['a', 1]));
  const twice = () =>
    file.write(() => {
      add.run(['b', 2]);
      add.run(['a', 3]);
    });
  assert.throws(twice, { code: 'VAULT_DAMAGED' });
  const all = file.prepare('select cast(name as blob) as name, size from t');
  assert.deepEqual(all.columns(), ['name', 'size']);
  assert.deepEqual(all.all([]), [[Buffer.from('a'), 1]]);
  assert.equal(file.prepare('select size from t where name = ?').get(['b']), undefined);
  await file.close();
});
