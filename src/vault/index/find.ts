import { reject } from '../codes.ts';
import type { Connection } from '../database/connection.ts';
import type { VersionRow } from '../version-row.ts';
import { createCriterionResolver, type Effort } from './criterion-resolver.ts';
import { outermost } from './criterion-sql.ts';
import { createFindCursors, MAX_SORT_UNITS, type Place as OrderPlace, type SortValue } from './find-cursor.ts';
import { createLeadChooser } from './find-selection.ts';
import { type FoundRow, rowsOf, selectedPage, unvaluedPage, type Wanted, walkedPage } from './find-statements.ts';
import type { IndexHash } from './index-hash.ts';
import type { FoundPage, IndexQuery, SortKey } from './index-query.ts';
import { createScopeFinder, type IndexKeys, type ScopeFinder } from './index-scopes.ts';
import type { Resolved } from './resolved-criterion.ts';
import { createRidFinder, type RidFinder } from './rid-finder.ts';
import type { KeptText, TextSeals } from './sealed-texts.ts';
import { keyColumn, type SortNode } from './sort-sql.ts';
import { type Candidate, createTextCandidates } from './text-candidates.ts';

/** Most hits of one page, and keys of an order. */
export const MAX_HITS = 1000;
const MAX_SORT_KEYS = 8;
const MAX_ATTEMPTS = 3;

export interface FindParts {
  readonly connection: Connection;
  readonly keys: IndexKeys;
  readonly hash: IndexHash;
  readonly seals: TextSeals;
  /** 32 bytes that cursors are sealed under. */
  readonly cursorKey: Uint8Array;
  /** Sets of fewer resources are gathered and sorted; larger ones are walked. 1,000 when not given. */
  readonly smallSet?: number;
  /** Most resources whose texts one query opens; 20,000 when not given. */
  readonly maxCandidates?: number;
  /**
   * The current version that a row of the page is. Checks the MACs of its version's and its resource's row: a hit by
   * token is not compared with the entries under the digest, since a token that moved makes a wrong hit of the same type,
   * which who asks decides on again by opening it, never another resource's content; `scrubIndex` finds it. Throws
   * Reject VAULT_DAMAGED.
   */
  readonly check: (row: FoundRow) => VersionRow;
}

export interface Finder {
  /** See `Vault.find`. */
  find(query: IndexQuery): Promise<FoundPage>;
  readonly scopes: ScopeFinder;
  readonly rids: RidFinder;
}

/** A row of the page with its place in the order. */
interface Placed {
  readonly row: FoundRow;
  readonly place: OrderPlace;
}

export function createFinder(parts: FindParts): Finder {
  const { connection, keys, hash, seals } = parts;
  const { dialect } = connection;
  const scopes = createScopeFinder(connection, keys);
  const rids = createRidFinder(connection);
  const leads = createLeadChooser(connection, parts.smallSet);
  const candidates = createTextCandidates(connection, keys, seals, leads, parts.maxCandidates);
  const resolver = createCriterionResolver({ dialect, scopes, hash, rids, candidates });
  const cursors = createFindCursors(parts.cursorKey);

  /** Once more when a key came meanwhile: what was moved under it would have been missed. */
  async function find(query: IndexQuery): Promise<FoundPage> {
    for (let attempt = 1; ; attempt++) {
      const before = scopes.stamp();
      const page = await findOnce(query);
      if (scopes.stamp() === before || attempt === MAX_ATTEMPTS) return page;
    }
  }

  async function findOnce(query: IndexQuery): Promise<FoundPage> {
    const { type, criteria, sort, limit } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_HITS) throw new RangeError(`limit of ${limit} hits`);
    if (sort.length > MAX_SORT_KEYS) throw reject('TOO_COSTLY', { maxSortKeys: MAX_SORT_KEYS });
    const after = query.after === undefined ? undefined : cursors.open(query, query.after);
    const effort: Effort = { criteria: 0, hashes: 0 };
    const nodes = await resolver.resolve(type, criteria, effort);
    const order: (SortNode | undefined)[] = [];
    for (const key of sort) order.push(await sortNode(query, key, effort));
    const rows = order.includes(undefined)
      ? await sortedByText(query, nodes, order, after)
      : await sortedByIndex(query, nodes, order as SortNode[], after);
    const hits = rows.slice(0, limit).map(({ row, place }) => {
      const version = parts.check(row);
      if (version.type !== type) throw reject('VAULT_DAMAGED', { table: 'resource' });
      return { row: version, cursor: () => cursors.seal(query, place) };
    });
    return { hits, more: rows.length > limit };
  }

  /** Undefined for a text. */
  async function sortNode(query: IndexQuery, key: SortKey, effort: Effort): Promise<SortNode | undefined> {
    const { by, parameter, descending } = key;
    if (by === 'text') return undefined;
    if (by === 'id') return { by, descending };
    return { by, descending, ...(await resolver.ordinalNames(query.type, parameter, query.criteria, effort)) };
  }

  async function sortedByIndex(
    { type, limit }: IndexQuery,
    nodes: readonly Resolved[],
    sort: readonly SortNode[],
    after: OrderPlace | undefined,
  ): Promise<Placed[]> {
    const lead = await leads.choose(outermost(dialect, type), nodes, sort.length > 0);
    const wanted: Wanted = { place: outermost(dialect, type), nodes, sort, lead, limit: limit + 1, after };
    const run = async (statement: (wanted: Wanted) => ReturnType<typeof selectedPage>, of: Wanted) =>
      (await connection.all(statement(of))).map((row) => placed(row, sort));
    if (sort[0]?.by !== 'ordinal' || lead?.small === true) return run(selectedPage, wanted);
    const isPastValues = after !== undefined && after.values[0] === null;
    const valued = isPastValues ? [] : await run(walkedPage, wanted);
    const missing = wanted.limit - valued.length;
    if (missing === 0) return valued;
    return [...valued, ...(await run(unvaluedPage, { ...wanted, limit: missing }))];
  }

  /** All that meet the criteria are opened and sorted here: at most 20,000, else TOO_COSTLY. */
  async function sortedByText(
    { type, limit, sort }: IndexQuery,
    nodes: readonly Resolved[],
    order: readonly (SortNode | undefined)[],
    after: OrderPlace | undefined,
  ): Promise<Placed[]> {
    const found = await candidates.of(outermost(dialect, type), nodes, order);
    const places = found.map((candidate) => textPlace(candidate, sort));
    const compare = comparison(sort);
    const page = places
      .filter((place) => after === undefined || compare(place, after) > 0)
      .sort(compare)
      .slice(0, limit + 1);
    if (page.length === 0) return [];
    const rows = await connection.all(
      rowsOf(
        dialect,
        page.map(({ rid }) => rid),
      ),
    );
    const byRid = new Map(rows.map((row) => [row.rid, row]));
    // One that was deleted since it was opened is left out.
    return page.flatMap((place) => {
      const row = byRid.get(place.rid);
      return row === undefined ? [] : [{ row, place }];
    });
  }

  return { find, scopes, rids };
}

function placed(row: FoundRow, sort: readonly SortNode[]): Placed {
  const values = sort.map((node, at) =>
    node.by === 'id' ? (row.id as string) : (row[keyColumn(at)] as number | null),
  );
  return { row, place: { rid: row.rid, values } };
}

function textPlace({ rid, texts, values }: Candidate, sort: readonly SortKey[]): OrderPlace {
  return { rid, values: sort.map((key, at) => (key.by === 'text' ? textValue(texts, key) : (values[at] ?? null))) };
}

function textValue(texts: readonly KeptText[], { parameter, descending }: SortKey): string | null {
  let best: string | null = null;
  for (const [name, folded] of texts) {
    if (name !== parameter) continue;
    const value = folded.slice(0, MAX_SORT_UNITS);
    if (best === null || (descending ? value > best : value < best)) best = value;
  }
  return best;
}

function comparison(sort: readonly SortKey[]): (a: OrderPlace, b: OrderPlace) => number {
  return (a, b) => {
    for (const [at, { descending }] of sort.entries()) {
      const order = compareValues(a.values[at] ?? null, b.values[at] ?? null, descending);
      if (order !== 0) return order;
    }
    return a.rid - b.rid;
  };
}

/** What has no value comes last both ways. */
function compareValues(a: SortValue, b: SortValue, descending: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b === descending ? 1 : -1;
}
