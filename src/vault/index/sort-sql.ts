import { sql } from 'kysely';
import { isNamed, type Place } from './criterion-sql.ts';
import type { Place as OrderPlace } from './find-cursor.ts';
import type { Names } from './resolved-criterion.ts';
import { all, anyOf, type Sql } from './sql-dialect.ts';

/** A sort key in place: an ordinal with its names under all scopes, or the id. Texts are sorted in the process. */
export type SortNode =
  | (Names & { readonly by: 'ordinal'; readonly descending: boolean })
  | { readonly by: 'id'; readonly descending: boolean };

/** What the resource of the place is ordered by; null without a value. */
export function sortValue(place: Place, node: SortNode): Sql {
  if (node.by === 'id') return sql.ref(`${place.alias}.id`);
  const s = place.fresh();
  const isOf = all([sql`${sql.ref(`${s}.rid`)} = ${sql.ref(`${place.alias}.rid`)}`, isNamed(place.dialect, s, node)]);
  // Plus nothing, so that it is not read off the order of all values of that name.
  const value = node.descending ? sql`max(${sql.ref(`${s}.high`)} + 0)` : sql`min(${sql.ref(`${s}.low`)} + 0)`;
  return sql`(select ${value} from ordinal ${sql.ref(s)} where ${isOf})`;
}

/** Name of the column that a sort key has in a statement. */
export const keyColumn = (at: number): string => `s${at}`;

/** Rising or falling, what has no value last, then by number; without the first keys when all have the same. */
export function orderOf(nodes: readonly SortNode[], alias: string, same = 0): Sql {
  const keys = nodes.map(({ descending }, at) => {
    const key = sql.ref(`${alias}.${keyColumn(at)}`);
    return descending ? sql`${key} desc nulls last` : sql`${key} asc nulls last`;
  });
  return sql.join([...keys.slice(same), sql.ref(`${alias}.rid`)]);
}

/** The row comes after a place. `values` are the sort keys of the row, `number` the resource's. */
export function isAfter(nodes: readonly SortNode[], values: readonly Sql[], number: Sql, place: OrderPlace): Sql {
  let after: Sql = sql`${number} > ${place.rid}`;
  for (let at = nodes.length - 1; at >= 0; at--) {
    const [value, seen] = [values[at] as Sql, place.values[at] ?? null];
    if (seen === null) after = all([sql`${value} is null`, after]);
    else {
      const beyond = nodes[at]?.descending === true ? sql`${value} < ${seen}` : sql`${value} > ${seen}`;
      after = anyOf([beyond, sql`${value} is null`, all([sql`${value} = ${seen}`, after])]);
    }
  }
  return after;
}
