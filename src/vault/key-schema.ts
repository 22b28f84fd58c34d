import type { Kysely } from 'kysely';
import { type Connection, createQueryBuilder } from './database.ts';
import { BYTES, INTEGER } from './vault-schema.ts';

/** Tables of keys.db, the key store. Nothing here is in clear: each key is wrapped (AES-KW, RFC 3394). */
export interface KeyTables {
  meta: { name: string; value: string };
  /** An account's secret, wrapped under a key of the root key for that account: tags, index and salts derive from it. */
  account: { account: string; secret: Uint8Array };
  /** Symmetric key of an epoch, wrapped likewise; the highest epoch is the current one. */
  epoch: { account: string; epoch: number; wrapped: Uint8Array };
  /** Key and salt of one version, 64 bytes, wrapped under the key of the epoch. */
  version_key: { key_id: number; epoch: number; wrapped: Uint8Array };
  /** Ranges of version keys that no version names and that may be swept once the journal proves current. */
  unswept: { from_id: number; to_id: number };
}

export const keyQueries: Kysely<KeyTables> = createQueryBuilder<KeyTables>();

/** Creates what is missing. Run inside a transaction. */
export function createKeyTables(connection: Connection): void {
  const table = (name: keyof KeyTables & string) => keyQueries.schema.createTable(name).ifNotExists();
  const tables = [
    table('meta')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull()),
    table('account')
      .addColumn('account', 'text', (c) => c.primaryKey())
      .addColumn('secret', BYTES, (c) => c.notNull()),
    table('epoch')
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('epoch', INTEGER, (c) => c.notNull())
      .addColumn('wrapped', BYTES, (c) => c.notNull())
      .addPrimaryKeyConstraint('epoch_key', ['account', 'epoch']),
    table('version_key')
      .addColumn('key_id', INTEGER, (c) => c.primaryKey())
      .addColumn('epoch', INTEGER, (c) => c.notNull())
      .addColumn('wrapped', BYTES, (c) => c.notNull()),
    table('unswept')
      .addColumn('from_id', INTEGER, (c) => c.primaryKey())
      .addColumn('to_id', INTEGER, (c) => c.notNull()),
  ];
  for (const one of tables) connection.execute(one.compile());
}
