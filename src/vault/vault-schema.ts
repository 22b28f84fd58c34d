import { type Kysely, sql } from 'kysely';
import { type Connection, createQueryBuilder } from './database.ts';

/**
 * Tables of vault.db. Hashes, MACs and sealed bytes are BLOB; ids and codes are text; booleans are 0 or 1.
 * `position` is a journal position (position.ts).
 */
export interface VaultTables {
  /** What this file is: `format`, `vault` (random id, the same in keys.db), `custodian`. */
  meta: { name: string; value: string };
  /** One row for each generation of the journal, with its size. The last one is open. */
  generation: { generation: number; size: number; mac: Uint8Array };
  /** Journal entries. A version's `nonce` and `body` are null: its row in `version` has the header. */
  entry: { position: number; account: string; leaf: Uint8Array; nonce: Uint8Array | null; body: string | null };
  /** Full tiles of the journal's log (state/log.ts). */
  tile: { name: string; bytes: Uint8Array; mac: Uint8Array };
  permit: { permit: string; position: number };
  anchor: { generation: number; size: number; root: Uint8Array; tx: string; mac: Uint8Array };
  version: VersionTable;
  /** The current version of each resource; `tokens` are the ones in `token`, 16 bytes each. */
  resource: {
    type: string;
    id: string;
    account: string;
    version: number;
    position: number;
    tokens: Uint8Array;
    mac: Uint8Array;
  };
  blob: { address: Uint8Array; bytes: Uint8Array };
  token: { token: Uint8Array; id: string };
  document: { kind: string; id: string; sealed: Uint8Array };
  /** Keys of versions that are marked as erased and may still be in the key store: an erasure that a crash cut. */
  erasing: { key_id: number };
}

/**
 * `before` is the position of the resource's version before, -1 for a first one: history is a chain from the newest. An
 * index by (type, id, version) would dirty one more random page for each write, and could lose the newest unseen.
 */
export interface VersionTable {
  position: number;
  before: number;
  type: string;
  id: string;
  version: number;
  account: string;
  action: string;
  time_ms: number;
  author: string;
  previous: Uint8Array;
  leaf: Uint8Array;
  blob: Uint8Array;
  key_id: number;
  labels: string;
  categories: string;
  erased: number;
  mac: Uint8Array;
}

export const vaultQueries: Kysely<VaultTables> = createQueryBuilder<VaultTables>();

// The two places where SQLite and PostgreSQL differ: an integer that is a row id here, and tables that are their key.
export const INTEGER = sql`integer`;
export const BYTES = sql`blob`;
const IS_ITS_KEY = sql`without rowid`;

/** Creates what is missing. Run inside a transaction. */
export function createVaultTables(connection: Connection): void {
  const table = (name: keyof VaultTables & string) => vaultQueries.schema.createTable(name).ifNotExists();
  const tables = [
    table('meta')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull()),
    table('generation')
      .addColumn('generation', INTEGER, (c) => c.primaryKey())
      .addColumn('size', INTEGER, (c) => c.notNull())
      .addColumn('mac', BYTES, (c) => c.notNull()),
    table('entry')
      .addColumn('position', INTEGER, (c) => c.primaryKey())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('leaf', BYTES, (c) => c.notNull())
      .addColumn('nonce', BYTES)
      .addColumn('body', 'text'),
    table('tile')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('bytes', BYTES, (c) => c.notNull())
      .addColumn('mac', BYTES, (c) => c.notNull()),
    table('permit')
      .addColumn('permit', 'text', (c) => c.primaryKey())
      .addColumn('position', INTEGER, (c) => c.notNull())
      .modifyEnd(IS_ITS_KEY),
    table('anchor')
      .addColumn('generation', INTEGER, (c) => c.notNull())
      .addColumn('size', INTEGER, (c) => c.notNull())
      .addColumn('root', BYTES, (c) => c.notNull())
      .addColumn('tx', 'text', (c) => c.notNull())
      .addColumn('mac', BYTES, (c) => c.notNull())
      .addPrimaryKeyConstraint('anchor_key', ['generation', 'size'])
      .modifyEnd(IS_ITS_KEY),
    table('version')
      .addColumn('position', INTEGER, (c) => c.primaryKey())
      .addColumn('before', INTEGER, (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('version', INTEGER, (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('action', 'text', (c) => c.notNull())
      .addColumn('time_ms', INTEGER, (c) => c.notNull())
      .addColumn('author', 'text', (c) => c.notNull())
      .addColumn('previous', BYTES, (c) => c.notNull())
      .addColumn('leaf', BYTES, (c) => c.notNull())
      .addColumn('blob', BYTES, (c) => c.notNull())
      .addColumn('key_id', INTEGER, (c) => c.notNull())
      .addColumn('labels', 'text', (c) => c.notNull())
      .addColumn('categories', 'text', (c) => c.notNull())
      .addColumn('erased', INTEGER, (c) => c.notNull())
      .addColumn('mac', BYTES, (c) => c.notNull()),
    table('resource')
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('account', 'text', (c) => c.notNull())
      .addColumn('version', INTEGER, (c) => c.notNull())
      .addColumn('position', INTEGER, (c) => c.notNull())
      .addColumn('tokens', BYTES, (c) => c.notNull())
      .addColumn('mac', BYTES, (c) => c.notNull())
      .addPrimaryKeyConstraint('resource_key', ['type', 'id'])
      .modifyEnd(IS_ITS_KEY),
    table('blob')
      .addColumn('address', BYTES, (c) => c.primaryKey())
      .addColumn('bytes', BYTES, (c) => c.notNull()),
    table('token')
      .addColumn('token', BYTES, (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('token_key', ['token', 'id'])
      .modifyEnd(IS_ITS_KEY),
    table('document')
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('id', 'text', (c) => c.notNull())
      .addColumn('sealed', BYTES, (c) => c.notNull())
      .addPrimaryKeyConstraint('document_key', ['kind', 'id']),
    table('erasing').addColumn('key_id', INTEGER, (c) => c.primaryKey()),
  ];
  const index = (name: string) => vaultQueries.schema.createIndex(name).ifNotExists();
  const indexes = [index('entry_account').on('entry').columns(['account', 'position'])];
  for (const one of [...tables, ...indexes]) connection.execute(one.compile());
}
