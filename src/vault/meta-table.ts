import { columns } from './columns.ts';
import type { Connection, Statement } from './database.ts';
import { slot } from './database.ts';
import { vaultQueries } from './vault-schema.ts';

/** What a file says of itself; vault.db and keys.db both have such a table. */
export interface MetaTable {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
}

export function createMetaTable(connection: Connection): MetaTable {
  const get: Statement<{ value: string }> = connection.prepare(
    vaultQueries.selectFrom('meta').select(columns('value')).where('name', '=', slot).compile(),
  );
  const set = connection.prepare(
    vaultQueries
      .insertInto('meta')
      .values({ name: slot, value: slot })
      .onConflict((conflict) => conflict.column('name').doUpdateSet((row) => ({ value: row.ref('excluded.value') })))
      .compile(),
  );
  return {
    get: (name) => get.get(name)?.value,
    set: (name, value) => void set.run(name, value),
  };
}
