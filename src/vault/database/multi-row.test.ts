import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coalesce, type Query } from './multi-row.ts';

const INSERT = 'insert into "a" ("x", "y") values ($1, $2) on conflict ("x") do nothing';
const rows = (count: number, text = INSERT): Query[] =>
  Array.from({ length: count }, (_, i) => ({ text, values: [i, `y${i}`] }));

test('rows of one insert that follow each other become statements of 64, 32, … rows, in their order', () => {
  const joined = coalesce(rows(70));
  assert.deepEqual(
    joined.map(({ values }) => values.length / 2),
    [64, 4, 2],
  );
  assert.deepEqual(
    joined.flatMap(({ values }) => values),
    rows(70).flatMap(({ values }) => values),
  );
  assert.equal(joined[2]?.text, 'insert into "a" ("x", "y") values ($1, $2), ($3, $4) on conflict ("x") do nothing');
  assert.equal(coalesce(rows(6))[0]?.text, joined[1]?.text, 'a text for each number of rows');
});

test('what is no insert of slots alone, or stands between others, stays by itself', () => {
  const others = ['delete from "a" where "x" = $1 and "y" = $2', 'insert into a (x, y) select $1, $2'];
  for (const text of others) assert.deepEqual(coalesce(rows(3, text)), rows(3, text));
  const mixed = [...rows(1), ...rows(1, others[0]), ...rows(1)];
  assert.deepEqual(coalesce(mixed), mixed);
});

test('large rows are not joined beyond a few megabytes', () => {
  const large = Array.from({ length: 8 }, (_, i) => ({ text: INSERT, values: [i, new Uint8Array(1_500_000)] }));
  assert.deepEqual(
    coalesce(large).map(({ values }) => values.length / 2),
    [2, 2, 2, 2],
  );
});
