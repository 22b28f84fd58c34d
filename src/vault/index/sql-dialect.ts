import { type RawBuilder, sql } from 'kysely';
import type { Connection } from '../database/connection.ts';
import { createQueryBuilder } from '../database/query-builder.ts';

export type Dialect = Connection['dialect'];

/** A piece of SQL with its values. */
export type Sql = RawBuilder<unknown>;

/** What compiles the SQL of each database. */
export const QUERIES = {
  sqlite: createQueryBuilder<object>('sqlite'),
  postgres: createQueryBuilder<object>('postgres'),
} as const;

export const TRUE: Sql = sql`1 = 1`;
export const FALSE: Sql = sql`1 = 0`;

/** Lists up to this length are written out; longer ones are one value, so that texts of statements stay few. */
const WRITTEN_OUT = 16;
/** Bytes of a token or of a name. */
export const HASH_BYTES = 16;

const AND = sql` and `;
const OR = sql` or `;
const COMMA = sql`, `;

export function all(conditions: readonly Sql[]): Sql {
  const [only] = conditions;
  if (only === undefined) return TRUE;
  return conditions.length === 1 ? only : sql`(${sql.join(conditions, AND)})`;
}

export function anyOf(conditions: readonly Sql[]): Sql {
  const [only] = conditions;
  if (only === undefined) return FALSE;
  return conditions.length === 1 ? only : sql`(${sql.join(conditions, OR)})`;
}

/** Filled up to the next power of two by the last one, since each length is a statement of its own. */
function padded<T>(values: readonly T[]): T[] {
  const length = 2 ** Math.ceil(Math.log2(values.length));
  return Array.from({ length }, (_, i) => values[Math.min(i, values.length - 1)] as T);
}

function writtenOut(column: Sql, values: readonly unknown[]): Sql {
  if (values.length === 0) return FALSE;
  if (values.length === 1) return sql`${column} = ${values[0]}`;
  return sql`${column} in (${sql.join(padded(values), COMMA)})`;
}

/** `column` is one of these hashes, 16 bytes each. */
export function amongHashes(dialect: Dialect, column: Sql, hashes: readonly Uint8Array[]): Sql {
  if (hashes.length <= WRITTEN_OUT) return writtenOut(column, hashes);
  return sql`${column} in (${unpacked(dialect, hashes.length, Buffer.concat(hashes))})`;
}

/** Rows of 16 bytes each of one byte string. In both, the text has `count` before `packed`. */
export function unpacked(dialect: Dialect, count: unknown, packed: unknown): Sql {
  return dialect === 'sqlite'
    ? sql`with recursive n(i) as (select 0 union all select i + 1 from n where i + 1 < ${count})
      select substr(${packed}, i * 16 + 1, 16) from n`
    : sql`select substring(g.packed from i * 16 + 1 for 16)
      from (select cast(${count} as integer) as count, cast(${packed} as bytea) as packed) g, generate_series(0, g.count - 1) i`;
}

/** `column` is one of these integers. */
export function amongIntegers(dialect: Dialect, column: Sql, values: readonly number[]): Sql {
  if (values.length <= WRITTEN_OUT) return writtenOut(column, values);
  return dialect === 'sqlite'
    ? sql`${column} in (select value from json_each(${JSON.stringify(values)}))`
    : sql`${column} = any(cast(${`{${values.join(',')}}`} as bigint[]))`;
}

/** `column` is one of these texts. */
export function amongTexts(dialect: Dialect, column: Sql, values: readonly string[]): Sql {
  if (values.length <= WRITTEN_OUT) return writtenOut(column, values);
  return dialect === 'sqlite'
    ? sql`${column} in (select value from json_each(${JSON.stringify(values)}))`
    : sql`${column} in (select value from json_array_elements_text(cast(${JSON.stringify(values)} as json)))`;
}

/**
 * The column, in a way that SQLite does not look for by an index: a thousand names of protected accounts are compared
 * with the few rows of a resource, not sought one by one.
 */
export function unsought(dialect: Dialect, column: Sql): Sql {
  return dialect === 'sqlite' ? sql`+${column}` : column;
}

/** Of a type as it is read: through a cast in SQLite, where the type of a value is part of a row that may be damaged. */
export function readAs(
  dialect: Dialect,
  column: Sql,
  type: 'text' | 'bytes' | 'integer' | 'double',
  name: string,
): Sql {
  if (dialect === 'postgres') return sql`${column} as ${sql.ref(name)}`;
  const as = { text: sql`blob`, bytes: sql`blob`, integer: sql`integer`, double: sql`real` }[type];
  return sql`cast(${column} as ${as}) as ${sql.ref(name)}`;
}
