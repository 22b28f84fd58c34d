import { COLUMN_TYPES, type Dialect, queryBuilders } from './database/query-builder.ts';
import { type IndexTables, indexTableQueries } from './index/index-schema.ts';

/**
 * Tables of a vault, beside those of the index (index/index-schema.ts). Hashes, MACs and sealed bytes are BLOB; ids and codes are text; booleans are 0 or 1.
 * `position` is a journal position (position.ts).
 */
export interface VaultTables extends IndexTables {
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
  blob: { address: Uint8Array; bytes: Uint8Array };
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

export const vaultQueries = queryBuilders<VaultTables>();

/** Statements that create what is missing. */
export function vaultTableQueries(dialect: Dialect) {
  const { text, integer, bytes, itsKey } = COLUMN_TYPES[dialect];
  const queries = vaultQueries(dialect);
  const table = (name: keyof VaultTables & string) => queries.schema.createTable(name).ifNotExists();
  const tables = [
    table('generation')
      .addColumn('generation', integer, (c) => c.primaryKey())
      .addColumn('size', integer, (c) => c.notNull())
      .addColumn('mac', bytes, (c) => c.notNull()),
    table('entry')
      .addColumn('position', integer, (c) => c.primaryKey())
      .addColumn('account', text, (c) => c.notNull())
      .addColumn('leaf', bytes, (c) => c.notNull())
      .addColumn('nonce', bytes)
      .addColumn('body', text),
    table('tile')
      .addColumn('name', text, (c) => c.primaryKey())
      .addColumn('bytes', bytes, (c) => c.notNull())
      .addColumn('mac', bytes, (c) => c.notNull()),
    table('permit')
      .addColumn('permit', text, (c) => c.primaryKey())
      .addColumn('position', integer, (c) => c.notNull())
      .modifyEnd(itsKey),
    table('anchor')
      .addColumn('generation', integer, (c) => c.notNull())
      .addColumn('size', integer, (c) => c.notNull())
      .addColumn('root', bytes, (c) => c.notNull())
      .addColumn('tx', text, (c) => c.notNull())
      .addColumn('mac', bytes, (c) => c.notNull())
      .addPrimaryKeyConstraint('anchor_key', ['generation', 'size'])
      .modifyEnd(itsKey),
    table('version')
      .addColumn('position', integer, (c) => c.primaryKey())
      .addColumn('before', integer, (c) => c.notNull())
      .addColumn('type', text, (c) => c.notNull())
      .addColumn('id', text, (c) => c.notNull())
      .addColumn('version', integer, (c) => c.notNull())
      .addColumn('account', text, (c) => c.notNull())
      .addColumn('action', text, (c) => c.notNull())
      .addColumn('time_ms', integer, (c) => c.notNull())
      .addColumn('author', text, (c) => c.notNull())
      .addColumn('previous', bytes, (c) => c.notNull())
      .addColumn('leaf', bytes, (c) => c.notNull())
      .addColumn('blob', bytes, (c) => c.notNull())
      .addColumn('key_id', integer, (c) => c.notNull())
      .addColumn('labels', text, (c) => c.notNull())
      .addColumn('categories', text, (c) => c.notNull())
      .addColumn('erased', integer, (c) => c.notNull())
      .addColumn('mac', bytes, (c) => c.notNull()),
    table('blob')
      .addColumn('address', bytes, (c) => c.primaryKey())
      .addColumn('bytes', bytes, (c) => c.notNull()),
    table('document')
      .addColumn('kind', text, (c) => c.notNull())
      .addColumn('id', text, (c) => c.notNull())
      .addColumn('sealed', bytes, (c) => c.notNull())
      .addPrimaryKeyConstraint('document_key', ['kind', 'id']),
    table('erasing').addColumn('key_id', integer, (c) => c.primaryKey()),
  ];
  const index = (name: string) => queries.schema.createIndex(name).ifNotExists();
  const indexes = [
    index('entry_account').on('entry').columns(['account', 'position']),
    index('version_type').on('version').columns(['type', 'position']),
  ];
  return [...[...tables, ...indexes].map((one) => one.compile()), ...indexTableQueries(dialect)];
}
