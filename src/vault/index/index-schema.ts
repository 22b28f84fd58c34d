import { type RawBuilder, sql } from 'kysely';
import { COLUMN_TYPES } from '../database/query-builder.ts';
import { type Dialect, QUERIES } from './sql-dialect.ts';

/** Tables of the search index. `rid` is a resource's number in this vault: given once, in the order of first writing. */
export interface IndexTables {
  /** Equality: what a resource is found by, 16 bytes of HMAC each. */
  token: { token: Uint8Array; rid: number };
  /** Dates (milliseconds) and numbers as closed intervals, under an HMAC of their name. */
  ordinal: { rid: number; name: Uint8Array; low: number; high: number };
  /** References between resources of this vault. */
  link: { name: Uint8Array; target: number; rid: number };
  /**
   * All that the three tables hold of a resource, packed (index-rows.ts): what an update or an erasure has to take away,
   * and what `scrub` compares. `texts` are its sealed strings.
   */
  indexed: {
    rid: number;
    tokens: number;
    ordinals: number;
    links: number;
    texts: Uint8Array | null;
    entries: Uint8Array;
  };
  /** Resources whose tokens, ordinals and links may still wait in memory; after a crash they are made from `indexed`. */
  unsettled: { rid: number };
  resource: ResourceTable;
}

/** The current version of each resource. */
export interface ResourceTable {
  rid: number;
  type: string;
  id: string;
  account: string;
  version: number;
  position: number;
  /** 1 while the current version is neither deleted nor erased. */
  live: number;
  /** 1 while it is live and indexed under its account's own key. */
  protected: number;
  /** Generation of the custodian's index key at the time, and what made the entries; 0 when there are none yet. */
  index_key: number;
  index_format: number;
  /** Of the row in `indexed`; empty without one. */
  digest: Uint8Array;
  mac: Uint8Array;
}

/**
 * Statements that make what is missing. Removal goes by `indexed`, not by an index of tokens by `rid`: as fast to write,
 * a fifth smaller on disk, and an update writes only what differs. Intervals have an index by each end, since "after" asks
 * for the high and "before" for the low end, and the orders go by both; the second costs 5 µs an interval.
 */
export function indexTables(dialect: Dialect): readonly RawBuilder<unknown>[] {
  const types = TYPES[dialect];
  const { text, bytes, integer, double, itsKey: its } = types;
  return [
    sql`create table if not exists resource (rid ${types.key}, type ${text} not null, id ${text} not null,
      account ${text} not null, version ${integer} not null, position ${integer} not null, live ${integer} not null,
      protected ${integer} not null, index_key ${integer} not null, index_format ${integer} not null,
      digest ${bytes} not null, mac ${bytes} not null)`,
    sql`create unique index if not exists resource_id on resource (type, id)`,
    sql`create index if not exists resource_type on resource (type, rid)`,
    sql`create index if not exists resource_account on resource (account, type, rid)`,
    sql`create index if not exists resource_protected on resource (type, account, rid) where protected = 1`,
    sql`create table if not exists token (token ${bytes} not null, rid ${integer} not null, primary key (token, rid)) ${its}`,
    sql`create table if not exists ordinal (rid ${integer} not null, name ${bytes} not null, low ${double} not null,
      high ${double} not null, primary key (rid, name, low, high)) ${its}`,
    sql`create index if not exists ordinal_low on ordinal (name, low, rid)`,
    sql`create index if not exists ordinal_high on ordinal (name, high desc, rid)`,
    sql`create table if not exists link (name ${bytes} not null, target ${integer} not null, rid ${integer} not null,
      primary key (name, target, rid)) ${its}`,
    sql`create index if not exists link_rid on link (rid, name, target)`,
    sql`create table if not exists indexed (rid ${types.key}, tokens ${integer} not null, ordinals ${integer} not null,
      links ${integer} not null, texts ${bytes}, entries ${bytes} not null)`,
    sql`create table if not exists unsettled (rid ${types.key})`,
  ];
}

/** The same, compiled. */
export function indexTableQueries(dialect: Dialect) {
  return indexTables(dialect).map((statement) => statement.compile(QUERIES[dialect]));
}

/** Keys that are a row's number, and intervals; the other types are the vault's. */
const TYPES = {
  sqlite: { ...COLUMN_TYPES.sqlite, key: sql`integer primary key`, double: sql`real` },
  postgres: { ...COLUMN_TYPES.postgres, key: sql`bigint primary key`, double: sql`double precision` },
} as const;
