import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import type { Connection } from './connection.ts';

export type Dialect = Connection['dialect'];

/** Stands for a value in a query that is compiled once: the values follow in the order of the text. */
export const slot = 0 as never;

/** A limit of one row, as part of the text: a plain 1 would become one more value to give. */
export const ONE = sql.lit(1);

/**
 * A query builder that only compiles. Kysely writes the SQL and knows its types, but once only: each query is compiled
 * and prepared at start, since building it takes about as long (0.01 ms) as running it.
 */
export function createQueryBuilder<Tables>(dialect: Dialect): Kysely<Tables> {
  const createDriver = () => new DummyDriver();
  if (dialect === 'postgres') {
    return new Kysely<Tables>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createDriver,
        createIntrospector: (db) => new PostgresIntrospector(db),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    });
  }
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver,
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}

/** A builder for each database, made once. */
export function queryBuilders<Tables>(): (dialect: Dialect) => Kysely<Tables> {
  const made = { sqlite: createQueryBuilder<Tables>('sqlite'), postgres: createQueryBuilder<Tables>('postgres') };
  return (dialect) => made[dialect];
}

/** Types of columns, as each database names them. Texts compare by their bytes, in both. */
export const COLUMN_TYPES = {
  sqlite: { text: sql`text`, integer: sql`integer`, bytes: sql`blob`, itsKey: sql`without rowid` },
  postgres: { text: sql`text collate "C"`, integer: sql`bigint`, bytes: sql`bytea`, itsKey: sql`` },
} as const;
