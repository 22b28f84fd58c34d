import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { sharedPostgres, withoutPostgres } from '../../../test/support/test-postgres.ts';
import { codeOf } from '../../../test/support/test-vault.ts';
import type { Connection } from './connection.ts';
import { openPostgres } from './postgres.ts';
import { createQueryBuilder } from './query-builder.ts';

const queries = createQueryBuilder<Record<string, never>>('postgres');
const raw = <Row>(text: string) => sql.raw<Row>(text).compile(queries);
const skip = withoutPostgres;
const PLACE = { schema: 'vault_a', overwritten: ['row'] };

async function openRows(url: string) {
  const connection = await openPostgres({ url, ...PLACE });
  await connection.execute([
    raw(
      'create table if not exists row (id bigint primary key, name text collate "C", data bytea, half double precision)',
    ),
  ]);
  const put = connection.prepare(
    sql`insert into row (id, name, data, half) values (${0}, ${0}, ${0}, ${0})`.compile(queries),
  );
  const all = connection.prepare<Row>(sql`select * from row where id >= ${0} order by name`.compile(queries) as never);
  return { connection, put, all };
}
type Row = { id: number; name: string | null; data: Uint8Array | null; half: number };

async function opened(t: { after(run: () => Promise<void>): void }) {
  const url = await (await sharedPostgres()).createDatabase();
  const made = await openRows(url);
  t.after(() => made.connection.close());
  return { url, ...made };
}

test('values come back as they were, texts in the order of their bytes', { skip }, async (t) => {
  const { connection, put, all } = await opened(t);
  const bytes = Uint8Array.of(0, 1, 0x5c, 0x27, 0xff);
  const half = Number.POSITIVE_INFINITY;
  await connection.write([
    put.change(2 ** 53 - 1, 'b', bytes, 0.1),
    put.change(1, 'a', null, half),
    put.change(2, 'É\'"$1', new Uint8Array(0), -half),
    put.change(3, 'B', bytes, 1e-300),
  ]);
  const rows = await all.all(0);
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['B', 'a', 'b', 'É\'"$1'],
  );
  const [, a, b] = rows;
  assert.deepEqual([a?.data, a?.half, b?.id, b?.half], [null, half, 2 ** 53 - 1, 0.1]);
  assert.deepEqual(Uint8Array.from(b?.data as Uint8Array), bytes);
  assert.equal(await all.get(2 ** 53), undefined);
  const byName = connection.prepare(sql`select id from row where name = ${0}`.compile(queries));
  assert.equal(await byName.get('a\0'), undefined);
  await assert.rejects(() => all.all(), /takes 1 values/);
});

test('a write that fails leaves nothing of itself, and the next one goes on', { skip }, async (t) => {
  const { connection, put, all } = await opened(t);
  const many = Array.from({ length: 100 }, (_, i) => put.change(i, `n${i}`, null, i));
  assert.equal(await codeOf(connection.write([...many, put.change(5, 'twice', null, 0)])), 'VAULT_DAMAGED');
  assert.deepEqual(await all.all(0), []);
  await connection.write(many);
  assert.equal((await all.all(0)).length, 100);
});

test('no read sees part of a write', { skip }, async (t) => {
  const { connection, put, all } = await opened(t);
  let isOver = false;
  const writes = (async () => {
    for (let n = 0; n < 30; n++) {
      const rows = Array.from({ length: 50 }, (_, i) => put.change(n * 50 + i, `n${i}`, new Uint8Array(2000), 0));
      await connection.write(rows);
    }
    isOver = true;
  })();
  const seen = new Set<number>();
  while (!isOver) for (const rows of await Promise.all([all.all(0), all.all(0)])) seen.add(rows.length % 50);
  await writes;
  assert.deepEqual([...seen], [0]);
});

test('a second process is refused until the first is gone; another schema is another vault', { skip }, async (t) => {
  const { url, connection } = await opened(t);
  assert.equal(await codeOf(openPostgres({ url, ...PLACE })), 'VAULT_IN_USE');
  await (await openPostgres({ url, ...PLACE, schema: 'vault_b' })).close();
  await connection.close();
  await (await openPostgres({ url, ...PLACE })).close();
});

test('a lost session is told, and refuses everything from then on', { skip }, async (t) => {
  const { url, connection, put, all } = await opened(t);
  await (await sharedPostgres()).endSessions(url);
  assert.equal((await connection.lost).code, 'VAULT_STORAGE_FAILED');
  assert.equal(await codeOf(connection.write([put.change(1, 'a', null, 0)])), 'VAULT_STORAGE_FAILED');
  assert.equal(await codeOf(all.all(0)), 'VAULT_STORAGE_FAILED');
});

test('an address that answers nothing, and a database that is not there', { skip }, async () => {
  const server = await sharedPostgres();
  const missing = (await server.createDatabase()).replace(/d\d+\?/, 'none?');
  for (const url of [missing, 'postgres://aceso@127.0.0.1:1/none'])
    assert.equal(await codeOf(openPostgres({ url, ...PLACE })), 'VAULT_DATABASE_UNREACHABLE', url);
});

test('no error says what a statement held', { skip }, async (t) => {
  const { connection, put } = await opened(t);
  const wrong = [put.change(1, 'SECRET', null, 0), put.change(1, 'SECRET', null, 0)];
  const bad = (connection: Connection) => connection.all(raw("select 'SECRET'::bigint"));
  for (const run of [() => connection.write(wrong), () => bad(connection)])
    await assert.rejects(run, (error) => !JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('SECRET'));
});

test('texts of ever new shapes leave few prepared statements behind', { skip }, async (t) => {
  const { connection } = await opened(t);
  for (let i = 0; i < 1500; i++)
    await Promise.all([0, 1, 2].map(() => connection.all(raw<{ n: number }>(`select ${i} as n`))));
  const sizes = await Promise.all(
    Array.from({ length: 8 }, () =>
      connection.all(raw<{ n: number }>('select count(*) as n from pg_prepared_statements')),
    ),
  );
  for (const [row] of sizes) assert.ok((row?.n ?? 0) <= 513, `${row?.n} statements`);
});
