import { sql } from 'kysely';
import type { OrdinalTest } from './index-query.ts';
import type { Names, Resolved } from './resolved-criterion.ts';
import {
  all,
  amongHashes,
  amongIntegers,
  amongTexts,
  anyOf,
  type Dialect,
  FALSE,
  type Sql,
  unsought,
} from './sql-dialect.ts';

/** Where a condition stands: the resource's alias, and aliases not yet taken. */
export interface Place {
  readonly dialect: Dialect;
  readonly type: string;
  readonly alias: string;
  /** A new alias. */
  fresh(): string;
}

/** The place of the outermost resource, called `r`. */
export function outermost(dialect: Dialect, type: string): Place {
  let taken = 0;
  return {
    ...{ dialect, type, alias: 'r' },
    fresh() {
      taken += 1;
      return `t${taken}`;
    },
  };
}

type Linked = Extract<Resolved, { kind: 'chain' | 'reverse' }>;

const column = (alias: string, name: string): Sql => sql.ref(`${alias}.${name}`);

/** True for the resource of the place when it meets the criterion. Decides by keys of the resource: a few steps each. */
export function conditionOf(place: Place, node: Resolved): Sql {
  const { dialect, alias } = place;
  const rid = column(alias, 'rid');
  switch (node.kind) {
    case 'token':
      return tokenCondition(place, node);
    case 'ordinal':
      return anyOf(node.ranges.map((range) => ordinalCondition(place, range)));
    case 'link': {
      const l = place.fresh();
      const targets = node.targets === undefined ? [] : [amongIntegers(dialect, column(l, 'target'), node.targets)];
      const conditions = [sql`${column(l, 'rid')} = ${rid}`, isNamed(dialect, l, node), ...targets];
      return sql`exists (select 1 from link ${sql.ref(l)} where ${all(conditions)})`;
    }
    case 'linked-by':
      return sql`${rid} in (${linkedBy(place, node)})`;
    case 'rids':
      return amongIntegers(dialect, rid, node.rids);
    case 'id':
      return amongTexts(dialect, column(alias, 'id'), node.ids);
    case 'account':
      return amongTexts(dialect, column(alias, 'account'), node.accounts);
    case 'chain':
      return chainCondition(place, node);
    case 'reverse':
      return reverseCondition(place, node);
    case 'not':
      return sql`not ${sql`(${conditionOf(place, node.of)})`}`;
    case 'any':
      return anyOf(node.of.map((one) => conditionOf(place, one)));
  }
}

/** Tokens of protected resources are sought once for all, and only a protected resource is looked for among them. */
function tokenCondition(place: Place, { shared, own }: Names): Sql {
  const { dialect, alias } = place;
  const t = place.fresh();
  const sameResource = sql`${column(t, 'rid')} = ${column(alias, 'rid')}`;
  const conditions: Sql[] = [];
  if (shared.length > 0) {
    const isAny = amongHashes(dialect, column(t, 'token'), shared);
    conditions.push(sql`exists (select 1 from token ${sql.ref(t)} where ${isAny} and ${sameResource})`);
  }
  if (own.length > 0) {
    const o = place.fresh();
    const isAny = amongHashes(dialect, column(o, 'token'), own);
    const found = sql`select ${column(o, 'rid')} from token ${sql.ref(o)} where ${isAny}`;
    conditions.push(sql`(${column(alias, 'protected')} = 1 and ${column(alias, 'rid')} in (${found}))`);
  }
  return anyOf(conditions);
}

function ordinalCondition(place: Place, range: Names & { readonly tests: readonly OrdinalTest[] }): Sql {
  const o = place.fresh();
  const sameResource = sql`${column(o, 'rid')} = ${column(place.alias, 'rid')}`;
  const conditions = [sameResource, isNamed(place.dialect, o, range), ...ordinalTests(o, range.tests, false)];
  return sql`exists (select 1 from ordinal ${sql.ref(o)} where ${all(conditions)})`;
}

const COMPARISONS = { '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=` } as const;

/** `sought`: by the order of all values of that name; otherwise of the rows of one resource, which are few. */
export function ordinalTests(alias: string, tests: readonly OrdinalTest[], sought: boolean): Sql[] {
  return tests.map(({ end, is, value }) => {
    const side = column(alias, end === 'low' ? 'low' : 'high');
    return sql`${sought ? side : sql`${side} + 0`} ${COMPARISONS[is]} ${value}`;
  });
}

/**
 * The row has one of the names. Names under accounts' keys may be a thousand, for the few rows of one resource: then each
 * row is looked at. No other resource's row has the name, since it is an HMAC under the account's key.
 */
export function isNamed(dialect: Dialect, alias: string, { shared, own }: Names): Sql {
  const name = column(alias, 'name');
  if (own.length === 0) return amongHashes(dialect, name, shared);
  return amongHashes(dialect, unsought(dialect, name), [...shared, ...own]);
}

/** A link from here to a live resource that meets all criteria. */
function chainCondition(place: Place, node: Linked): Sql {
  const [l, q] = [place.fresh(), place.fresh()];
  const conditions = [
    sql`${column(l, 'rid')} = ${column(place.alias, 'rid')}`,
    isNamed(place.dialect, l, node),
    sql`${column(q, 'rid')} = ${column(l, 'target')}`,
    ...meets({ ...place, type: node.type, alias: q }, node.of),
  ];
  return sql`exists (select 1 from link ${sql.ref(l)} cross join resource ${sql.ref(q)} where ${all(conditions)})`;
}

/** A link to here from a live resource that meets all criteria; protected ones are gathered once for all. */
function reverseCondition(place: Place, node: Linked): Sql {
  const { dialect } = place;
  const [l, q] = [place.fresh(), place.fresh()];
  const conditions = [
    sql`${column(l, 'target')} = ${column(place.alias, 'rid')}`,
    amongHashes(dialect, column(l, 'name'), node.shared),
    sql`${column(q, 'rid')} = ${column(l, 'rid')}`,
    ...meets({ ...place, type: node.type, alias: q }, node.of),
  ];
  const shared = sql`exists (select 1 from link ${sql.ref(l)} cross join resource ${sql.ref(q)} where ${all(conditions)})`;
  if (node.own.length === 0) return shared;
  const [m, p] = [place.fresh(), place.fresh()];
  const own = [
    sql`${column(p, 'protected')} = 1`,
    ...meets({ ...place, type: node.type, alias: p }, node.of),
    sql`${column(m, 'rid')} = ${column(p, 'rid')}`,
    isNamed(dialect, m, { shared: [], own: node.own }),
  ];
  const targets = sql`select ${column(m, 'target')} from resource ${sql.ref(p)} cross join link ${sql.ref(m)} where ${all(own)}`;
  return sql`(${shared} or ${column(place.alias, 'rid')} in (${targets}))`;
}

function meets(place: Place, criteria: readonly Resolved[]): Sql[] {
  return [...isLive(place), ...criteria.map((one) => conditionOf(place, one))];
}

/** The resource of the place is of its type and live. */
export function isLive({ alias, type }: Place): Sql[] {
  return [sql`${column(alias, 'type')} = ${type}`, sql`${column(alias, 'live')} = 1`];
}

export function linkedBy(place: Place, node: Extract<Resolved, { kind: 'linked-by' }>): Sql {
  const { dialect } = place;
  if (node.sources.length === 0) return sql`select rid from resource where ${FALSE}`;
  const [l, s] = [place.fresh(), place.fresh()];
  const conditions = [
    amongIntegers(dialect, column(s, 'rid'), node.sources),
    amongIntegers(dialect, unsought(dialect, column(s, 'position')), node.positions),
    sql`${column(l, 'rid')} = ${column(s, 'rid')}`,
    amongHashes(dialect, unsought(dialect, column(l, 'name')), node.names),
  ];
  return sql`select ${column(l, 'target')} as rid from resource ${sql.ref(s)} cross join link ${sql.ref(l)} where ${all(conditions)}`;
}
