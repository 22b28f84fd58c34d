import { type CompiledQuery, sql } from 'kysely';
import { conditionOf, isLive, isNamed, type Place } from './criterion-sql.ts';
import type { Place as OrderPlace } from './find-cursor.ts';
import { type Lead, selectionOf, whereOf } from './find-selection.ts';
import type { ResourceTable } from './index-schema.ts';
import type { Resolved } from './resolved-criterion.ts';
import { isAfter, keyColumn, orderOf, type SortNode, sortValue } from './sort-sql.ts';
import { all, amongIntegers, type Dialect, QUERIES, readAs, type Sql } from './sql-dialect.ts';

/** What a page is read by. `after` is the place to go on from. */
export interface Wanted {
  readonly place: Place;
  readonly nodes: readonly Resolved[];
  readonly sort: readonly SortNode[];
  readonly lead: Lead | undefined;
  readonly limit: number;
  readonly after: OrderPlace | undefined;
}

/**
 * A row of a page: the current version's row, what its resource's row has besides, and the sort keys s0, s1, …
 * Texts of SQLite come as bytes, to be decoded with the rest of the vault's rows.
 */
export interface FoundRow
  extends Pick<ResourceTable, 'rid' | 'live' | 'protected' | 'index_key' | 'index_format' | 'digest'> {
  readonly position: number;
  /** MAC of the resource's row; `mac` is the version's. */
  readonly resource_mac: Uint8Array;
  readonly [column: string]: unknown;
}

const VERSION_COLUMNS = [
  ...(['position', 'before', 'version', 'time_ms', 'key_id', 'erased'] as const).map(
    (name) => [name, 'integer'] as const,
  ),
  ...(['type', 'id', 'account', 'action', 'author', 'labels', 'categories'] as const).map(
    (name) => [name, 'text'] as const,
  ),
  ...(['previous', 'leaf', 'blob', 'mac'] as const).map((name) => [name, 'bytes'] as const),
] as const;
const RESOURCE_COLUMNS = [
  ...(['rid', 'live', 'protected', 'index_key', 'index_format'] as const).map((name) => [name, 'integer'] as const),
  ['digest', 'bytes'],
] as const;

/** Written out once: a builder takes as long over these twenty-four columns as SQLite over a small page. */
const ROW_COLUMNS = { sqlite: sql.raw(rowColumns('sqlite')), postgres: sql.raw(rowColumns('postgres')) } as const;

function rowColumns(dialect: Dialect): string {
  const read = (alias: string, name: string, type: 'text' | 'bytes' | 'integer') =>
    readAs(dialect, sql.ref(`${alias}.${name}`), type, name);
  const columns = [
    ...VERSION_COLUMNS.map(([name, type]) => read('v', name, type)),
    ...RESOURCE_COLUMNS.map(([name, type]) => read('r', name, type)),
    readAs(dialect, sql`r.mac`, 'bytes', 'resource_mac'),
  ];
  return sql`${sql.join(columns)}`.compile(QUERIES[dialect]).sql;
}

/** Everything that a hit needs, so that none of it is asked for again; of the page's rows only. */
function pageOf(dialect: Dialect, inner: Sql, sort: readonly SortNode[]): CompiledQuery<FoundRow> {
  const keys = sort.flatMap((node, at) =>
    node.by === 'id' ? [] : [sql`, `, readAs(dialect, sql.ref(`x.${keyColumn(at)}`), 'double', keyColumn(at))],
  );
  return sql<FoundRow>`select ${ROW_COLUMNS[dialect]} ${sql.join(keys, sql``)} from (${inner}) x cross join resource r cross join version v
    where r.rid = x.rid and v.position = r.position order by ${orderOf(sort, 'x')}`.compile(QUERIES[dialect]);
}

/** The page of what the lead finds, or of the whole type in order of number; sorted when there are sort keys. */
export function selectedPage(wanted: Wanted): CompiledQuery<FoundRow> {
  const { place, nodes, sort, lead, limit, after } = wanted;
  const { from, conditions, number } = selectionOf(place, nodes, lead);
  if (sort.length === 0) {
    const beyond = after === undefined ? [] : [sql`${number} > ${after.rid}`];
    const inner = sql`select r.rid as rid from ${from} ${whereOf([...beyond, ...conditions])} order by ${number} limit ${limit}`;
    return pageOf(place.dialect, inner, sort);
  }
  const keys = sort.map((node, at) => sql`${sortValue(place, node)} as ${sql.ref(keyColumn(at))}`);
  const rows = sql`select r.rid as rid, ${sql.join(keys)} from ${from} ${whereOf(conditions)}`;
  return pageOf(place.dialect, orderedPart(rows, sort, limit, after), sort);
}

function orderedPart(
  rows: Sql,
  sort: readonly SortNode[],
  limit: number,
  after: OrderPlace | undefined,
  same = 0,
): Sql {
  const columns = sort.map((_, at) => sql.ref(`k.${keyColumn(at)}`));
  const beyond = after === undefined ? sql`` : whereOf([isAfter(sort, columns, sql`k.rid`, after)]);
  return sql`select k.rid as rid, ${sql.join(columns)} from (${rows}) k ${beyond} order by ${orderOf(sort, 'k', same)} limit ${limit}`;
}

/**
 * The page of those that have a value of the first sort key, read off the index of its values until it is full: a whole
 * type is never sorted. Protected resources, whose values are under other names, are sorted by themselves.
 */
export function walkedPage(wanted: Wanted): CompiledQuery<FoundRow> {
  const { place, nodes, sort, limit } = wanted;
  const [first] = sort;
  if (first?.by !== 'ordinal') throw new TypeError('only values are walked');
  const parts = first.shared.map((name) => walk(wanted, first.descending, name));
  if (first.own.length > 0) {
    const keys = sort.map((node, at) => sql`${sortValue(place, node)} as ${sql.ref(keyColumn(at))}`);
    const conditions = [...isLive(place), sql`r.protected = 1`, ...nodes.map((node) => conditionOf(place, node))];
    const rows = sql`select r.rid as rid, ${sql.join(keys)} from resource r ${whereOf(conditions)}`;
    parts.push(orderedPart(sql`select * from (${rows}) p where p.s0 is not null`, sort, limit, wanted.after));
  }
  if (parts.length === 1) return pageOf(place.dialect, parts[0] as Sql, sort);
  const each = parts.map((part, at) => sql`select * from (${part}) ${sql.ref(`part${at}`)}`);
  const together = sql`select * from (${sql.join(each, sql` union all `)}) u order by ${orderOf(sort, 'u')} limit ${limit}`;
  return pageOf(place.dialect, together, sort);
}

function walk({ place, nodes, sort, limit, after }: Wanted, descending: boolean, name: Uint8Array): Sql {
  const value = descending ? sql`o.high` : sql`o.low`;
  const values = sort.map((node, at) => (at === 0 ? value : sortValue(place, node)));
  const keys = values.map((key, at) => sql`${key} as ${sql.ref(keyColumn(at))}`);
  const order = sort.map((node, at) => {
    const key = sql.ref(keyColumn(at));
    // The walked value is never missing, and said to be so it would not be read off the index by PostgreSQL.
    const direction = node.descending ? sql`desc` : sql`asc`;
    return at === 0 ? sql`${value} ${direction}` : sql`${key} ${direction} nulls last`;
  });
  const from = after?.values[0];
  const bound =
    from === undefined || from === null ? [] : [descending ? sql`${value} <= ${from}` : sql`${value} >= ${from}`];
  const beyond = after === undefined ? [] : [isAfter(sort, values, sql`o.rid`, after)];
  const conditions = [
    sql`o.name = ${name}`,
    ...bound,
    sql`r.rid = o.rid`,
    ...isLive(place),
    ...beyond,
    ...nodes.map((node) => conditionOf(place, node)),
    isFirstOfIts(descending),
  ];
  return sql`select o.rid as rid, ${sql.join(keys)} from ordinal o cross join resource r ${whereOf(conditions)}
    order by ${sql.join([...order, sql`o.rid`])} limit ${limit}`;
}

/** A resource with several values stands where its least (or greatest) one does. */
function isFirstOfIts(descending: boolean): Sql {
  const isBefore = descending
    ? sql`e.high > o.high or (e.high = o.high and e.low > o.low)`
    : sql`e.low < o.low or (e.low = o.low and e.high < o.high)`;
  return sql`not exists (select 1 from ordinal e where e.rid = o.rid and e.name = o.name and (${isBefore}))`;
}

/** The page of those without a value of the first sort key, which come after all that have one. */
export function unvaluedPage(wanted: Wanted): CompiledQuery<FoundRow> {
  const { place, nodes, sort, limit, after } = wanted;
  const [first, ...rest] = sort;
  if (first?.by !== 'ordinal') throw new TypeError('only values are walked');
  const e = place.fresh();
  const isOf = all([sql`${sql.ref(`${e}.rid`)} = r.rid`, isNamed(place.dialect, e, first)]);
  const none = sql`not exists (select 1 from ordinal ${sql.ref(e)} where ${isOf})`;
  const { from, conditions } = selectionOf(place, nodes, undefined);
  const keys = rest.map((node, at) => sql`, ${sortValue(place, node)} as ${sql.ref(keyColumn(at + 1))}`);
  const missing = place.dialect === 'postgres' ? sql`cast(null as double precision)` : sql`null`;
  const rows = sql`select r.rid as rid, ${missing} as s0 ${sql.join(keys, sql``)} from ${from} ${whereOf([...conditions, none])}`;
  return pageOf(place.dialect, orderedPart(rows, sort, limit, after, 1), sort);
}

/** Rows of these resources, in no order. */
export function rowsOf(dialect: Dialect, rids: readonly number[]): CompiledQuery<FoundRow> {
  const inner = sql`select rid from resource where ${amongIntegers(dialect, sql`rid`, rids)} and live = 1`;
  return pageOf(dialect, inner, []);
}
