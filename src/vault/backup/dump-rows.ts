import { type RawBuilder, sql } from 'kysely';
import { concatBytes } from '../../std/bytes.ts';
import { u32 } from '../../std/frame.ts';
import type { SqlValue } from '../database/connection.ts';
import { QUERIES, readAs } from '../index/sql-dialect.ts';
import { encodeValues } from './row-codec.ts';
import { type ColumnKind, type RowSource, type TableShape, tablesOf } from './table-catalogue.ts';

/** First byte of a record: what it is. */
export const TABLE_RECORD = 1;
export const ROW_RECORD = 2;
export const END_RECORD = 3;

/** Last of all, since a database that says what it is counts as whole. */
const META = 'meta';
const ROWS_PER_QUERY = 1000;
/** Resources are up to megabytes each. */
const BLOBS_PER_QUERY = 32;

type Row = Readonly<Record<string, unknown>>;

/**
 * All rows of a database as records: a table's name and columns, then its rows; at the end how many rows there were.
 * Each record is its length (u32), what it is, and values. The same for SQLite and PostgreSQL.
 */
export async function* dumpRows(source: RowSource, onRows?: (count: number) => void): AsyncGenerator<Uint8Array> {
  const tables = [...(await tablesOf(source))].sort((a, b) => Number(a.table === META) - Number(b.table === META));
  let count = 0;
  for (const shape of tables) {
    yield record(TABLE_RECORD, [shape.table, ...shape.columns.map(({ name }) => name)]);
    for await (const rows of pagesOf(source, shape)) {
      const records = rows.map((row) =>
        record(
          ROW_RECORD,
          shape.columns.map(({ kind }, at) => sqlValueOf(row[aliasOf(at)], kind)),
        ),
      );
      for (const one of records) yield one;
      count += rows.length;
      onRows?.(count);
    }
  }
  yield record(END_RECORD, [count]);
}

/** A name that no table has: what is known of a column by its name alone (columns.ts) does not hold for all tables. */
const aliasOf = (at: number): string => `c${at}`;

function record(kind: number, values: readonly SqlValue[]): Uint8Array {
  const body = encodeValues(values);
  return concatBytes(u32(body.length + 1), Uint8Array.of(kind), body);
}

/** Rows in order of the primary key, which both databases have an index of. */
async function* pagesOf(source: RowSource, { table, columns, key }: TableShape): AsyncGenerator<readonly Row[]> {
  const { dialect } = source;
  const limit = table === 'blob' ? BLOBS_PER_QUERY : ROWS_PER_QUERY;
  const listed = sql.join(
    columns.map(({ name, kind }, at) => readAs(dialect, sql.ref(`${table}.${name}`), kind, aliasOf(at))),
  );
  const order = sql.join(key.map((name) => sql.ref(`${table}.${name}`)));
  let after: RawBuilder<unknown> = sql``;
  for (;;) {
    const query = sql<Row>`select ${listed} from ${sql.table(table)} ${after} order by ${order} limit ${sql.lit(limit)}`;
    const rows = await source.all<Row>(query.compile(QUERIES[dialect]) as never);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    const values = key.map((name) => {
      const at = columns.findIndex((column) => column.name === name);
      return sqlValueOf(last[aliasOf(at)], (columns[at] as (typeof columns)[number]).kind);
    });
    after = sql`where (${order}) > (${sql.join(values.map((value) => sql.val(value)))})`;
  }
}

/** SQLite gives texts as bytes, and a column that it does not know the type of as it is. */
function sqlValueOf(value: unknown, kind: ColumnKind): SqlValue {
  if (value === null || value === undefined) return null;
  if (kind === 'text') return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('utf8');
  if (kind === 'bytes') return value as Uint8Array;
  return Number(value);
}
