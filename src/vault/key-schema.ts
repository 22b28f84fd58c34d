import { COLUMN_TYPES, type Dialect, queryBuilders } from './database/query-builder.ts';

/** Tables of keys.db, the key store. Nothing here is in clear: each key is wrapped (AES-KW, RFC 3394). */
export interface KeyTables {
  meta: { name: string; value: string };
  /** An account's secret, wrapped under a key of the root key for that account: tags, index and salts derive from it. */
  account: { account: string; secret: Uint8Array };
  /** Symmetric key of an epoch, wrapped likewise; the highest epoch is the current one. */
  epoch: { account: string; epoch: number; wrapped: Uint8Array };
  /** Key and salt of one version, 64 bytes, wrapped under the key of the epoch. */
  version_key: { key_id: number; epoch: number; wrapped: Uint8Array };
  /** Generations of the custodian's index key after the first, each wrapped under a key of the root key for it. */
  index_key: { generation: number; wrapped: Uint8Array };
  /** Ranges of version keys that no version names and that may be swept once the journal proves current. */
  unswept: { from_id: number; to_id: number };
}

export const keyQueries = queryBuilders<KeyTables>();

/** Statements that create what is missing. */
export function keyTableQueries(dialect: Dialect) {
  const { text, integer, bytes } = COLUMN_TYPES[dialect];
  const table = (name: keyof KeyTables & string) => keyQueries(dialect).schema.createTable(name).ifNotExists();
  const tables = [
    table('account')
      .addColumn('account', text, (c) => c.primaryKey())
      .addColumn('secret', bytes, (c) => c.notNull()),
    table('epoch')
      .addColumn('account', text, (c) => c.notNull())
      .addColumn('epoch', integer, (c) => c.notNull())
      .addColumn('wrapped', bytes, (c) => c.notNull())
      .addPrimaryKeyConstraint('epoch_key', ['account', 'epoch']),
    table('version_key')
      .addColumn('key_id', integer, (c) => c.primaryKey())
      .addColumn('epoch', integer, (c) => c.notNull())
      .addColumn('wrapped', bytes, (c) => c.notNull()),
    table('index_key')
      .addColumn('generation', integer, (c) => c.primaryKey())
      .addColumn('wrapped', bytes, (c) => c.notNull()),
    table('unswept')
      .addColumn('from_id', integer, (c) => c.primaryKey())
      .addColumn('to_id', integer, (c) => c.notNull()),
  ];
  return tables.map((one) => one.compile());
}
