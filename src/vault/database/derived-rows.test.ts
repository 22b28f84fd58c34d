import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { testFolder } from '../../../test/support/test-vault.ts';
import { createDerivedRows } from './derived-rows.ts';
import { openSqliteFile } from './sqlite-file.ts';

async function openRows(path: string) {
  const file = openSqliteFile(path, { key: 'ab'.repeat(32), cacheBytes: 1_000_000 });
  for (const text of ['document (id integer)', 'word (name text, id integer)', 'noted (id integer)'])
    await file.write(() => file.prepare(`create table if not exists ${text}`).run([]));
  const derived = createDerivedRows(file);
  const add = derived.prepare('insert into document values (?)', undefined);
  const addWord = derived.prepare('insert into word values (?, ?)', 'derived');
  const note = derived.prepare('insert into noted values (?)', undefined);
  derived.prepare('delete from noted', 'settled');
  /** What is in a table, without the rows that wait. */
  const inFile = (table: string) => file.prepare(`select * from ${table}`).all([]).length;
  const write = (id: number) =>
    derived.write([
      { statement: add, values: [id] },
      { statement: addWord, values: ['a', id] },
      { statement: note, values: [id] },
    ]);
  return { file, derived, inFile, write };
}

test('derived rows wait until somebody asks for their table, and no longer', async (t) => {
  const { file, derived, inFile, write } = await openRows(join(testFolder(t), 'a.db'));
  await write(1);
  assert.deepEqual([inFile('document'), inFile('word'), inFile('noted')], [1, 0, 1]);
  derived.before(derived.prepare('select * from document', undefined));
  assert.equal(inFile('word'), 0);
  derived.before(derived.prepare('select id from document where id in (select id from "word")', undefined));
  assert.deepEqual([inFile('word'), inFile('noted')], [1, 0]);
  await write(2);
  await new Promise((resolve) => setTimeout(resolve, 250));
  assert.deepEqual([inFile('word'), inFile('noted')], [2, 0], 'they wait a tenth of a second when nobody asks');
  for (let id = 3; id < 1000; id++) await write(id);
  assert.ok(inFile('word') > 600, 'and until they are many');
  derived.close();
  assert.deepEqual([inFile('word'), inFile('noted')], [999, 0]);
  await file.close();
});

test('a write that takes rows of their table away comes after them; one that is refused leaves none behind', async (t) => {
  const { file, derived, inFile, write } = await openRows(join(testFolder(t), 'a.db'));
  await write(1);
  const remove = derived.prepare('delete from word where id = ?', undefined);
  await derived.write([{ statement: remove, values: [1] }]);
  assert.deepEqual([inFile('word'), inFile('noted')], [0, 0]);
  const add = derived.prepare('insert into document values (?)', undefined);
  const word = derived.prepare('insert into word values (?, ?)', 'derived');
  const wrong = derived.prepare('insert into noted values (1, 2)', undefined);
  const refused = () =>
    derived.write([
      { statement: add, values: [7] },
      { statement: word, values: ['b', 7] },
      { statement: wrong, values: [] },
    ]);
  assert.throws(refused, { code: 'VAULT_DAMAGED' });
  derived.settle();
  assert.deepEqual([inFile('document'), inFile('word')], [1, 0]);
  await file.close();
});
