import { setImmediate } from 'node:timers/promises';
import { sql } from 'kysely';
import { reject } from '../codes.ts';
import type { Connection } from '../database/connection.ts';
import type { Place } from './criterion-sql.ts';
import { type LeadChooser, selectionOf, whereOf } from './find-selection.ts';
import { type IndexKeys, textOf } from './index-scopes.ts';
import type { Resolved } from './resolved-criterion.ts';
import type { KeptText, TextSeals } from './sealed-texts.ts';
import { keyColumn, type SortNode, sortValue } from './sort-sql.ts';
import { QUERIES, readAs } from './sql-dialect.ts';

/** Most resources whose texts one query opens. */
const MAX_CANDIDATES = 20_000;
const BETWEEN_OTHER_WORK = 200;

/** A resource that meets criteria, with its texts opened, and its values of sort keys that are no text. */
export interface Candidate {
  readonly rid: number;
  readonly texts: readonly KeptText[];
  readonly values: readonly (number | string | null)[];
}

/** Opens texts of the resources that meet criteria: what the index alone does not decide. */
export interface TextCandidates {
  /**
   * All that meet the criteria, in no order. `sort`: undefined for keys that are texts. Rejects TOO_COSTLY for more than
   * 20,000 of them.
   */
  of(place: Place, nodes: readonly Resolved[], sort?: readonly (SortNode | undefined)[]): Promise<readonly Candidate[]>;
}

interface Row {
  readonly rid: number;
  readonly protected: number;
  readonly account: string | Uint8Array;
  readonly texts: Uint8Array | null;
  readonly [key: string]: unknown;
}

export function createTextCandidates(
  connection: Connection,
  keys: IndexKeys,
  seals: TextSeals,
  leads: LeadChooser,
  maxCandidates = MAX_CANDIDATES,
): TextCandidates {
  const { dialect } = connection;

  async function opened(row: Row): Promise<readonly KeptText[]> {
    if (row.texts === null) return [];
    if (row.protected !== 1) return seals.open(keys.custodian(), row.rid, row.texts);
    const own = await keys.account(textOf(row.account));
    return seals.open(own === undefined ? [] : [own], row.rid, row.texts);
  }

  return {
    async of(place, nodes, sort = []) {
      const lead = await leads.choose(place, nodes, true);
      const { from, conditions } = selectionOf(place, nodes, lead);
      const values = sort.flatMap((node, at) => {
        if (node === undefined) return [];
        return [readAs(dialect, sortValue(place, node), node.by === 'id' ? 'text' : 'double', keyColumn(at))];
      });
      const columns = [
        readAs(dialect, sql`r.rid`, 'integer', 'rid'),
        readAs(dialect, sql`r.protected`, 'integer', 'protected'),
        readAs(dialect, sql`r.account`, 'text', 'account'),
        readAs(dialect, sql`i.texts`, 'bytes', 'texts'),
        ...values,
      ];
      const query = sql<Row>`select ${sql.join(columns)} from ${from} left join indexed i on i.rid = r.rid
        ${whereOf(conditions)} limit ${maxCandidates + 1}`;
      const rows = await connection.all(query.compile(QUERIES[dialect]));
      if (rows.length > maxCandidates) throw reject('TOO_COSTLY', { maxCandidates });
      const candidates: Candidate[] = [];
      for (const row of rows) {
        if (candidates.length % BETWEEN_OTHER_WORK === BETWEEN_OTHER_WORK - 1) await setImmediate();
        const found = sort.map((node, at) => {
          const value = node === undefined ? null : row[keyColumn(at)];
          return value instanceof Uint8Array ? textOf(value) : (value as number | string | null);
        });
        candidates.push({ rid: row.rid, texts: await opened(row), values: found });
      }
      return candidates;
    },
  };
}
