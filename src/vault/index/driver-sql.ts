import { sql } from 'kysely';
import { conditionOf, isLive, isNamed, linkedBy, ordinalTests, type Place } from './criterion-sql.ts';
import type { OrdinalTest } from './index-query.ts';
import type { Names, Resolved } from './resolved-criterion.ts';
import { all, amongHashes, amongIntegers, amongTexts, FALSE, type Sql } from './sql-dialect.ts';

/** Numbers of resources that meet a criterion, some of them more than once, read off an index. */
export interface Driver {
  readonly rids: Sql;
  /** In rising order and each once, so that a page of it costs no more than its rows. */
  readonly ordered: boolean;
}

/** Drivers of the criteria of the resources that chains lead to: chosen for each by how many it finds. */
export type InnerDrivers = ReadonlyMap<Resolved, { readonly node: Resolved; readonly driver: Driver } | undefined>;

/** Undefined for a criterion that finds nothing by itself, such as a negation. */
export function driverOf(place: Place, node: Resolved, inner: InnerDrivers): Driver | undefined {
  const { dialect, type } = place;
  switch (node.kind) {
    case 'token': {
      const tokens = [...node.shared, ...node.own];
      const isAny = amongHashes(dialect, sql`token`, tokens);
      return { rids: sql`select rid from token where ${isAny}`, ordered: tokens.length === 1 };
    }
    case 'ordinal':
      return union(node.ranges.map((range) => ({ rids: ordinalRids(place, range), ordered: false })));
    case 'link':
      return linkDriver(place, node);
    case 'linked-by':
      return { rids: linkedBy(place, node), ordered: false };
    case 'rids':
      return {
        rids: sql`select rid from resource where ${amongIntegers(dialect, sql`rid`, node.rids)}`,
        ordered: false,
      };
    case 'id': {
      const isAny = amongTexts(dialect, sql`id`, node.ids);
      return { rids: sql`select rid from resource where type = ${type} and ${isAny}`, ordered: false };
    }
    case 'account': {
      const isAny = amongTexts(dialect, sql`account`, node.accounts);
      const rids = sql`select rid from resource where ${isAny} and type = ${type}`;
      return { rids, ordered: node.accounts.length === 1 };
    }
    case 'chain':
    case 'reverse':
      return linkedDriver(place, node, inner);
    case 'not':
      return undefined;
    case 'any':
      return union(node.of.map((one) => driverOf(place, one, inner)));
  }
}

function union(drivers: readonly (Driver | undefined)[]): Driver | undefined {
  if (drivers.length === 1) return drivers[0];
  if (drivers.length === 0) return { rids: sql`select rid from resource where ${FALSE}`, ordered: false };
  const each = drivers.map((driver) => driver?.rids);
  if (each.includes(undefined)) return undefined;
  return { rids: sql.join(each, sql` union all `), ordered: false };
}

function ordinalRids({ dialect }: Place, range: Names & { readonly tests: readonly OrdinalTest[] }): Sql {
  // The low end is never above the high one: what bounds the one bounds the index of the other.
  const implied = range.tests.flatMap((test): OrdinalTest[] => {
    const isUpper = test.is.startsWith('<');
    if (test.end === 'high' && isUpper) return [{ ...test, end: 'low' }];
    return test.end === 'low' && !isUpper ? [{ ...test, end: 'high' }] : [];
  });
  const isNamed = amongHashes(dialect, sql`o.name`, [...range.shared, ...range.own]);
  const tests = ordinalTests('o', [...range.tests, ...implied], true);
  return sql`select o.rid from ordinal o where ${all([isNamed, ...tests])}`;
}

/** Above this many pairs of a name and a target, the protected resources are looked through instead. */
const MAX_PAIRS = 4096;

function linkDriver(place: Place, { shared, own, targets }: Extract<Resolved, { kind: 'link' }>): Driver {
  const { dialect } = place;
  const isTarget = targets === undefined ? [] : [amongIntegers(dialect, sql`l.target`, targets)];
  const rids = (names: readonly Uint8Array[]) =>
    sql`select l.rid from link l where ${all([amongHashes(dialect, sql`l.name`, names), ...isTarget])}`;
  if (own.length * (targets?.length ?? 1) <= MAX_PAIRS) {
    const names = [...shared, ...own];
    return { rids: rids(names), ordered: names.length === 1 && targets?.length === 1 };
  }
  return { rids: sql`${rids(shared)} union all ${protectedLinks(place, own, isTarget)}`, ordered: false };
}

/** Links of the protected resources of the place's type. */
function protectedLinks({ dialect, type }: Place, own: readonly Uint8Array[], conditions: readonly Sql[]): Sql {
  const isOne = [sql`p.type = ${type}`, sql`p.protected = 1`, sql`l.rid = p.rid`];
  const isOwn = isNamed(dialect, 'l', { shared: [], own });
  return sql`select l.rid from resource p cross join link l where ${all([...isOne, isOwn, ...conditions])}`;
}

/** From the resources at the other end, which have a driver of their own, to those here. */
function linkedDriver(
  place: Place,
  node: Extract<Resolved, { kind: 'chain' | 'reverse' }>,
  inner: InnerDrivers,
): Driver | undefined {
  const chosen = inner.get(node);
  if (chosen === undefined) return undefined;
  const { dialect } = place;
  const q = place.fresh();
  const there: Place = { ...place, type: node.type, alias: q };
  const rest = node.of.filter((one) => one !== chosen.node).map((one) => conditionOf(there, one));
  const isThere = [sql`${sql.ref(`${q}.rid`)} = d.rid`, ...isLive(there), ...rest];
  const found = sql`select distinct ${sql.ref(`${q}.rid`)} as rid from (${chosen.driver.rids}) d
    cross join resource ${sql.ref(q)} where ${all(isThere)}`;
  if (node.kind === 'reverse') {
    const isOfIt = [sql`l.rid = q.rid`, isNamed(dialect, 'l', node)];
    return {
      rids: sql`select l.target as rid from (${found}) q cross join link l where ${all(isOfIt)}`,
      ordered: false,
    };
  }
  const isShared = [sql`l.target = q.rid`, amongHashes(dialect, sql`l.name`, node.shared)];
  const shared = sql`select l.rid from (${found}) q cross join link l where ${all(isShared)}`;
  if (node.own.length === 0) return { rids: shared, ordered: false };
  return {
    rids: sql`${shared} union all ${protectedLinks(place, node.own, [sql`l.target in (${found})`])}`,
    ordered: false,
  };
}
