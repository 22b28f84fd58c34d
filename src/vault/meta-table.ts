import { columns } from './columns.ts';
import type { Change, Connection } from './database/connection.ts';
import { COLUMN_TYPES, type Dialect, slot } from './database/query-builder.ts';
import { vaultQueries } from './vault-schema.ts';

/** What a database says of itself; the vault's and the key store's both have such a table. */
export interface MetaTable {
  get(name: string): Promise<string | undefined>;
  set(name: string, value: string): Change;
}

/** Creates it when it is missing. */
export function metaTableQuery(dialect: Dialect) {
  const { text } = COLUMN_TYPES[dialect];
  return vaultQueries(dialect)
    .schema.createTable('meta')
    .ifNotExists()
    .addColumn('name', text, (c) => c.primaryKey())
    .addColumn('value', text, (c) => c.notNull())
    .compile();
}

export function createMetaTable(connection: Connection): MetaTable {
  const from = vaultQueries(connection.dialect);
  const get = connection.prepare(
    from.selectFrom('meta').select(columns(connection.dialect, 'value')).where('name', '=', slot).compile(),
  );
  const set = connection.prepare(
    from
      .insertInto('meta')
      .values({ name: slot, value: slot })
      .onConflict((conflict) => conflict.column('name').doUpdateSet((row) => ({ value: row.ref('excluded.value') })))
      .compile(),
  );
  return { get: async (name) => (await get.get(name))?.value, set: (name, value) => set.change(name, value) };
}
