import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { codeOf, testFolder } from '../../../test/support/test-vault.ts';
import { openRemoteFile } from './sqlite-thread.ts';

const options = { key: 'ab'.repeat(32), cacheBytes: 1_000_000 };

async function openNotes(path: string) {
  const file = await openRemoteFile(path, options);
  await file.execute(['create table note (id integer primary key, text blob, size integer)']);
  return { file, add: file.prepare('insert into note values (?, ?, ?)'), all: file.prepare('select * from note') };
}

test('requests are answered in their order, each to who asked', async (t) => {
  const folder = testFolder(t);
  const [one, other] = [await openNotes(join(folder, 'a.db')), await openNotes(join(folder, 'b.db'))];
  const asked: Promise<unknown>[] = [];
  for (let i = 1; i <= 50; i++) {
    asked.push(
      one.file.apply([{ statement: one.add, values: [i, Buffer.from([i]), null] }]).then(({ durable }) => durable),
    );
    asked.push(one.file.all(one.all, []).then(({ rows }) => assert.equal(rows.length, i)));
    asked.push(other.file.all(other.all, []).then(({ rows }) => assert.equal(rows.length, 0)));
  }
  await Promise.all(asked);
  const { names, rows } = await one.file.get(one.all, []);
  assert.deepEqual([names, rows], [['id', 'text', 'size'], [[1, Buffer.from([1]), null]]]);
  await one.file.close();
  assert.equal((await other.file.all(other.all, [])).rows.length, 0);
  await other.file.close();
  await assert.rejects(one.file.all(one.all, []), /the database is closed/);
});

test('a refusal comes back with its code and data, a bug with what it says', async (t) => {
  const path = join(testFolder(t), 'a.db');
  const { file, add } = await openNotes(path);
  const same = { statement: add, values: [1, null, 0] };
  assert.equal(await codeOf(file.write([same, same])), 'VAULT_DAMAGED');
  assert.equal((await file.pragma('journal_mode'))[0]?.journal_mode, 'wal');
  await assert.rejects(file.all(99, []), /no such statement/);
  file.forget(add);
  await assert.rejects(file.write([same]), /no such statement/);
  // What cannot be sent is refused here, and what is sent beside it arrives whole.
  const [odd, even] = await Promise.allSettled([
    file.write([{ statement: add, values: [undefined as never, null, 0] }]),
    file.pragma('journal_mode'),
  ]);
  assert.deepEqual([odd.status, even.status], ['rejected', 'fulfilled']);
  await file.close();
  assert.equal(await codeOf(openRemoteFile(path, { ...options, key: 'cd'.repeat(32) })), 'VAULT_KEY_WRONG');
});

test('an open file keeps no process alive, and what is under way does', (t) => {
  const folder = testFolder(t);
  const script = join(folder, 'script.mts');
  const path = JSON.stringify(join(folder, 'a.db'));
  writeFileSync(
    script,
    `import { openRemoteFile } from '${import.meta.dirname}/sqlite-thread.ts';
     const file = await openRemoteFile(${path}, { key: 'ab', cacheBytes: 1e6 });
     void file.execute(['create table t (a integer)']).then(() => console.log('written'));`,
  );
  assert.equal(execFileSync(process.execPath, [script], { timeout: 20_000 }).toString(), 'written\n');
});

test('after a write that is refused all that follow are refused, in the files that wait for it too, until it is resumed', async (t) => {
  const folder = testFolder(t);
  const [keys, notes] = [await openNotes(join(folder, 'keys.db')), await openNotes(join(folder, 'notes.db'))];
  const note = (of: typeof keys, id: number) => [{ statement: of.add, values: [id, null, id] }];
  const count = async (of: typeof keys) => (await of.file.all(of.all, [])).rows.length;
  const results = await Promise.all([
    codeOf(keys.file.apply(note(keys, 1))),
    codeOf(notes.file.apply(note(notes, 1), keys.file)),
    codeOf(keys.file.apply(note(keys, 1))),
    codeOf(notes.file.apply(note(notes, 2), keys.file)),
    codeOf(keys.file.apply(note(keys, 3))),
    codeOf(notes.file.apply(note(notes, 3))),
  ]);
  assert.deepEqual(results, ['', '', ...Array(4).fill('VAULT_DAMAGED')]);
  assert.deepEqual([await count(keys), await count(notes)], [1, 1]);
  keys.file.resume();
  notes.file.resume();
  // One that cannot even be sent: what was counting on it is refused too.
  await assert.rejects(notes.file.apply([{ statement: notes.add, values: [2, undefined as never, 0] }]), TypeError);
  await assert.rejects(notes.file.apply(note(notes, 2)), /no value of SQL/);
  notes.file.resume();
  const again = await Promise.all([keys.file.apply(note(keys, 2)), notes.file.apply(note(notes, 2), keys.file)]);
  await Promise.all(again.map(({ durable }) => durable));
  assert.deepEqual([await count(keys), await count(notes)], [2, 2]);
  await keys.file.close();
  await notes.file.close();
});
