import { sql } from 'kysely';
import { equalBytes } from '../../std/bytes.ts';
import type { Connection } from '../database/connection.ts';
import { indexDigest, type LinkRow, NO_ROWS, type OrdinalRow, unpackRows } from './index-rows.ts';
import { QUERIES, readAs, unpacked } from './sql-dialect.ts';

/** What a resource's row says of its entries. */
export interface IndexedResource {
  readonly rid: number;
  readonly digest: Uint8Array;
}

/** Compares the rows of an index with what the rows of resources, which have MACs, say of them. */
export interface IndexScrub {
  /** Table whose rows of the resource are not those that were written; undefined when all are. */
  faultOf(resource: IndexedResource): Promise<string | undefined>;
  /** Tables that hold more or fewer rows than all resources together. */
  strayTables(): Promise<readonly string[]>;
}

export function createIndexScrub(connection: Connection): IndexScrub {
  const { dialect } = connection;
  const run = <Row>(statement: ReturnType<typeof sql<Row>>) => connection.all(statement.compile(QUERIES[dialect]));
  const read = (name: string, type: 'bytes' | 'integer' | 'double') => readAs(dialect, sql.ref(name), type, name);
  // Under another name: a vault's column `name` is a text.
  const hash = readAs(dialect, sql`name`, 'bytes', 'hash');

  return {
    async faultOf({ rid, digest }) {
      const [indexed] = await run(
        sql<{ tokens: number; ordinals: number; links: number; texts: Uint8Array | null; entries: Uint8Array }>`
          select ${sql.join([read('tokens', 'integer'), read('ordinals', 'integer'), read('links', 'integer')])},
          ${read('texts', 'bytes')}, ${read('entries', 'bytes')} from indexed where rid = ${rid}`,
      );
      const isWritten =
        indexed === undefined ? digest.length === 0 : equalBytes(digest, indexDigest(indexed.entries, indexed.texts));
      if (!isWritten) return 'indexed';
      const rows = indexed === undefined ? NO_ROWS : unpackRows(indexed.entries);
      const { tokens, ordinals, links } = rows;
      const counts = [indexed?.tokens ?? 0, indexed?.ordinals ?? 0, indexed?.links ?? 0];
      if (counts.join() !== [tokens.length, ordinals.length, links.length].join()) return 'indexed';
      if (tokens.length > 0) {
        const isOne = sql`token in (${unpacked(dialect, tokens.length, Buffer.concat(tokens))})`;
        const [found] = await run(
          sql<{ count: number }>`select count(*) as count from token where rid = ${rid} and ${isOne}`,
        );
        if (Number(found?.count) !== tokens.length) return 'token';
      }
      const heldOrdinals = await run(
        sql<Hashed<OrdinalRow>>`select ${sql.join([hash, read('low', 'double'), read('high', 'double')])}
          from ordinal where rid = ${rid}`,
      );
      if (wordsOf(heldOrdinals.map(named)) !== wordsOf(ordinals)) return 'ordinal';
      const heldLinks = await run(
        sql<Hashed<LinkRow>>`select ${sql.join([hash, read('target', 'integer')])} from link where rid = ${rid}`,
      );
      return wordsOf(heldLinks.map(named)) === wordsOf(links) ? undefined : 'link';
    },
    async strayTables() {
      // One statement, so that a commit is in all of it or in none.
      const stray = (table: string, column: string) =>
        sql`(select count(*) from ${sql.ref(table)}) - (select coalesce(sum(${sql.ref(column)}), 0) from indexed) as ${sql.ref(table)}`;
      const unowned = sql`(select count(*) from indexed where rid not in (select rid from resource)) as indexed`;
      const parts = [stray('token', 'tokens'), stray('ordinal', 'ordinals'), stray('link', 'links'), unowned];
      const [row] = await run(sql<Record<string, number | string>>`select ${sql.join(parts)}`);
      return Object.entries(row ?? {}).flatMap(([table, count]) => (Number(count) === 0 ? [] : [table]));
    },
  };
}

type Hashed<Row> = Omit<Row, 'name'> & { readonly hash: Uint8Array };

const named = <Row>({ hash, ...row }: Hashed<Row>) => ({ ...row, name: hash });

/** Rows in words, in an order of their own. */
function wordsOf(rows: readonly (OrdinalRow | LinkRow)[]): string {
  const words = rows.map((row) => {
    const values = 'target' in row ? [row.target] : [row.low, row.high];
    return [Buffer.from(row.name).toString('hex'), ...values].join(' ');
  });
  return words.sort().join('\n');
}
