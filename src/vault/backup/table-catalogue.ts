import { sql } from 'kysely';
import type { Connection } from '../database/connection.ts';
import type { Dialect } from '../database/query-builder.ts';
import { QUERIES, readAs } from '../index/sql-dialect.ts';

/** What rows can be read from: an open database, or one as it was at a moment. */
export interface RowSource {
  readonly dialect: Dialect;
  readonly all: Connection['all'];
}

export type ColumnKind = 'text' | 'bytes' | 'integer' | 'double';

export interface TableShape {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly kind: ColumnKind }[];
  /** Columns that rows are told apart by, in their order. */
  readonly key: readonly string[];
}

const KINDS: ReadonlyMap<string, ColumnKind> = new Map([
  ...(['text'] as const).map((type) => [type, 'text'] as const),
  ...(['blob', 'bytea'] as const).map((type) => [type, 'bytes'] as const),
  ...(['integer', 'bigint'] as const).map((type) => [type, 'integer'] as const),
  ...(['real', 'double precision'] as const).map((type) => [type, 'double'] as const),
]);

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  /** Place in the primary key from 1 on; 0 for other columns. */
  readonly position: number;
}

/** The tables of a database as it says itself, in order of their names; `schema` is a PostgreSQL one. */
export async function tablesOf(source: RowSource): Promise<readonly TableShape[]> {
  const { dialect } = source;
  const names = dialect === 'sqlite' ? SQLITE_TABLES : POSTGRES_TABLES;
  const shapes: TableShape[] = [];
  for (const { name: table } of await source.all<{ name: string }>(names.compile(QUERIES[dialect]) as never)) {
    const query = dialect === 'sqlite' ? sqliteColumns(table) : postgresColumns(table);
    const rows = await source.all<ColumnRow>(query.compile(QUERIES[dialect]) as never);
    const columns = rows.map(({ name, type }) => {
      const kind = KINDS.get(type.toLowerCase());
      if (kind === undefined) throw new Error(`a column of ${table} has a type that no backup knows`);
      return { name, kind };
    });
    const keyed = rows.filter(({ position }) => position > 0).sort((a, b) => a.position - b.position);
    if (keyed.length === 0) throw new Error(`${table} has no primary key`);
    shapes.push({ table, columns, key: keyed.map(({ name }) => name) });
  }
  return shapes;
}

const text = (name: string) => readAs('sqlite', sql.ref(name), 'text', name);
const SQLITE_TABLES = sql<{ name: string }>`select ${text('name')} from sqlite_schema
  where type = 'table' and sqlite_schema.name not like 'sqlite\\_%' escape '\\' and sqlite_schema.name not like 'libsql\\_%' escape '\\'
  order by sqlite_schema.name`;
const sqliteColumns = (table: string) =>
  sql<ColumnRow>`select ${text('name')}, ${text('type')}, cast(pk as integer) as position from pragma_table_info(${table})`;

/** Of the schema that the session works in. */
const POSTGRES_TABLES = sql<{ name: string }>`select cast(relname as text) as name from pg_class
  where relnamespace = cast(current_schema() as regnamespace) and relkind = 'r' order by relname`;
const postgresColumns = (table: string) =>
  sql<ColumnRow>`select cast(a.attname as text) as name, format_type(a.atttypid, null) as type,
    coalesce(array_position(cast(i.indkey as int2[]), a.attnum) + 1, 0) as position
  from pg_class c join pg_attribute a on a.attrelid = c.oid left join pg_index i on i.indrelid = c.oid and i.indisprimary
  where c.relnamespace = cast(current_schema() as regnamespace) and c.relname = ${table} and a.attnum > 0
    and not a.attisdropped order by a.attnum`;
