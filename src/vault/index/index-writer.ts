import { sql } from 'kysely';
import type { Change, Connection, StatementRole } from '../database/connection.ts';
import { slot } from '../database/query-builder.ts';
import type { IndexEntries } from './index-entries.ts';
import type { IndexHash, Scope } from './index-hash.ts';
import {
  type EntryRows,
  entriesToRows,
  indexDigest,
  NO_ROWS,
  packRows,
  rowsWithout,
  unpackRows,
} from './index-rows.ts';
import type { TextSeals } from './sealed-texts.ts';
import { type Dialect, QUERIES, readAs, unpacked } from './sql-dialect.ts';

/** A current version that is to be found by its entries from now on. */
export interface IndexedVersion {
  readonly rid: number;
  readonly type: string;
  /** The key that its entries go under. */
  readonly scope: Scope;
  readonly entries: IndexEntries;
  /** Numbers of the resources of this vault, those that the same commit makes included. */
  readonly ridOf: (type: string, id: string) => number | undefined;
}

/** Changes to be put into the commit's write, and what the resource's row and the next version have to know. */
export interface IndexPlan {
  readonly changes: readonly Change[];
  /** Of the resource's row; empty when nothing is indexed. */
  readonly digest: Uint8Array;
  /** As the table will have them: `before` of the next plan. */
  readonly packed: Uint8Array | undefined;
}

/** Writes the rows of resources. Plans are pure: nothing is read or written before the changes are. */
export interface IndexWriter {
  /** Makes the rows again that a crash lost before they were written. To be called once, when the vault is opened. */
  recover(): Promise<void>;
  /** The packed rows that a resource has; undefined for none. */
  packedOf(resource: { readonly type: string; readonly id: string }): Promise<Uint8Array | undefined>;
  /** Replaces what is there `before` by the entries of a version. */
  plan(version: IndexedVersion, before: Uint8Array | undefined): IndexPlan;
  /** Takes all rows of a resource away: it is deleted, or erased. */
  planRemoval(rid: number, before: Uint8Array | undefined): IndexPlan;
}

const NO_DIGEST = new Uint8Array(0);

export function createIndexWriter(connection: Connection, hash: IndexHash, seals: TextSeals): IndexWriter {
  const statements = prepareStatements(connection);

  function differences(rid: number, before: EntryRows, after: EntryRows): Change[] {
    const gone = rowsWithout(before, after);
    const added = rowsWithout(after, before);
    const changes: Change[] = [];
    if (gone.tokens.length > 0)
      changes.push(statements.removeTokens.change(rid, gone.tokens.length, Buffer.concat(gone.tokens)));
    for (const { name, low, high } of gone.ordinals)
      changes.push(statements.removeOrdinal.change(rid, name, low, high));
    for (const { name, target } of gone.links) changes.push(statements.removeLink.change(name, target, rid));
    if (added.tokens.length > 0) changes.push(statements.addTokens(rid, added.tokens));
    for (const { name, low, high } of added.ordinals) changes.push(statements.addOrdinal.change(rid, name, low, high));
    for (const { name, target } of added.links) changes.push(statements.addLink.change(name, target, rid));
    const waits = connection.derivesLater && added.tokens.length + added.ordinals.length + added.links.length > 0;
    if (waits) changes.push(statements.note.change(rid));
    return changes;
  }

  const rowsOf = (packed: Uint8Array | undefined) => (packed === undefined ? NO_ROWS : unpackRows(packed));

  return {
    async recover() {
      for (const { rid, entries } of await statements.noted.all())
        await connection.write(differences(rid, NO_ROWS, unpackRows(entries)));
    },
    packedOf: async ({ type, id }) => (await statements.packed.get(type, id))?.entries,
    plan({ rid, type, scope, entries, ridOf }, before) {
      const rows = entriesToRows(hash, scope, type, entries, ridOf);
      const packed = packRows(rows);
      const texts = seals.seal(scope, rid, entries.texts);
      const { tokens, ordinals, links } = rows;
      const counts = [tokens.length, ordinals.length, links.length];
      const put = statements.put.change(rid, ...counts, texts, packed);
      const changes = [...differences(rid, rowsOf(before), rows), put];
      return { changes, digest: indexDigest(packed, texts), packed };
    },
    planRemoval(rid, before) {
      if (before === undefined) return { changes: [], digest: NO_DIGEST, packed: undefined };
      const changes = [...differences(rid, unpackRows(before), NO_ROWS), statements.remove.change(rid)];
      return { changes, digest: NO_DIGEST, packed: undefined };
    },
  };
}

function prepareStatements(connection: Connection) {
  const { dialect } = connection;
  const prepare = <Row>(statement: ReturnType<typeof sql<Row>>, role?: StatementRole) =>
    connection.prepare(statement.compile(QUERIES[dialect]), role);
  // A resource's tokens are one value: one step for SQLite, and one row's worth of bytes to send to PostgreSQL.
  const addTokens = prepare(insertTokens(dialect), 'derived');
  prepare(sql`delete from unsettled`, 'settled');
  return {
    packed: prepare<{ entries: Uint8Array }>(
      sql`select ${readAs(dialect, sql`i.entries`, 'bytes', 'entries')} from resource r join indexed i on i.rid = r.rid
        where r.type = ${slot} and r.id = ${slot}`,
    ),
    addTokens: (rid: number, tokens: readonly Uint8Array[]) =>
      addTokens.change(rid, tokens.length, Buffer.concat(tokens)),
    removeTokens: prepare(sql`delete from token where rid = ${slot} and token in (${unpacked(dialect, slot, slot)})`),
    addOrdinal: prepare(
      sql`insert into ordinal (rid, name, low, high) values (${slot}, ${slot}, ${slot}, ${slot}) on conflict do nothing`,
      'derived',
    ),
    removeOrdinal: prepare(
      sql`delete from ordinal where rid = ${slot} and name = ${slot} and low = ${slot} and high = ${slot}`,
    ),
    addLink: prepare(
      sql`insert into link (name, target, rid) values (${slot}, ${slot}, ${slot}) on conflict do nothing`,
      'derived',
    ),
    removeLink: prepare(sql`delete from link where name = ${slot} and target = ${slot} and rid = ${slot}`),
    put: prepare(
      sql`insert into indexed (rid, tokens, ordinals, links, texts, entries)
        values (${slot}, ${slot}, ${slot}, ${slot}, ${slot}, ${slot})
        on conflict (rid) do update set tokens = excluded.tokens, ordinals = excluded.ordinals,
          links = excluded.links, texts = excluded.texts, entries = excluded.entries`,
    ),
    remove: prepare(sql`delete from indexed where rid = ${slot}`),
    note: prepare(sql`insert into unsettled (rid) values (${slot}) on conflict do nothing`),
    noted: prepare<{ rid: number; entries: Uint8Array }>(
      sql`select ${readAs(dialect, sql`i.rid`, 'integer', 'rid')}, ${readAs(dialect, sql`i.entries`, 'bytes', 'entries')}
        from unsettled u join indexed i on i.rid = u.rid`,
    ),
  };
}

/** Values: rid, number of tokens, the tokens one after the other. */
function insertTokens(dialect: Dialect) {
  return dialect === 'sqlite'
    ? sql`insert into token (rid, token)
        with recursive given(rid, count, packed) as (select ${slot}, ${slot}, ${slot}),
          n(i) as (select 0 union all select i + 1 from n, given where i + 1 < given.count)
        select given.rid, substr(given.packed, i * 16 + 1, 16) from given, n where true on conflict do nothing`
    : sql`insert into token (rid, token)
        select given.rid, substring(given.packed from i * 16 + 1 for 16)
        from (select cast(${slot} as bigint) rid, cast(${slot} as integer) count, cast(${slot} as bytea) packed) given,
          generate_series(0, given.count - 1) i on conflict do nothing`;
}
