import { sql } from 'kysely';
import type { Connection } from '../database/connection.ts';
import { conditionOf, isLive, type Place } from './criterion-sql.ts';
import { type Driver, driverOf, type InnerDrivers } from './driver-sql.ts';
import type { Resolved } from './resolved-criterion.ts';
import { all, QUERIES, type Sql } from './sql-dialect.ts';

/** A set of fewer resources than this is gathered and sorted; of a larger one the index is walked until the page is full. */
const SMALL = 1000;
const MAX_REMEMBERED = 2000;
const MAX_USES = 5000;

/** The criterion that leads, with the others as conditions on what it finds. */
export interface Lead {
  readonly node: Resolved;
  readonly driver: Driver;
  /** Finds fewer than 1,000. */
  readonly small: boolean;
}

/** Finds out which criterion leads: the one that finds the fewest resources, counted up to 1,000. */
export interface LeadChooser {
  /** `sorted`: what it finds is to be sorted, so a long list in order of number is of no use. */
  choose(place: Place, nodes: readonly Resolved[], sorted: boolean): Promise<Lead | undefined>;
}

export function createLeadChooser(connection: Connection, smallSet = SMALL): LeadChooser {
  const { dialect } = connection;
  // Sizes are estimates, good for a while: which index leads changes the time a query takes, never what it finds.
  let sizes = new Map<string, number>();
  let uses = 0;

  async function measure(nodes: readonly { node: Resolved; driver: Driver }[]): Promise<number[]> {
    uses += 1;
    if (uses > MAX_USES || sizes.size > MAX_REMEMBERED) {
      sizes = new Map();
      uses = 0;
    }
    const names = nodes.map(({ node }) => nameOf(node));
    const unknown = nodes.flatMap(({ driver }, i) => (sizes.has(names[i] ?? '') ? [] : [{ driver, i }]));
    const found = nodes.map((_, i) => sizes.get(names[i] ?? '') ?? 0);
    if (unknown.length === 0) return found;
    const counts = unknown.map(
      ({ driver }, at) =>
        sql`(select count(*) from (select 1 as one from (${driver.rids}) c limit ${sql.lit(smallSet)}) c) as ${sql.ref(`n${at}`)}`,
    );
    const query = sql<Record<string, number | string>>`select ${sql.join(counts)}`.compile(QUERIES[dialect]);
    const [row] = await connection.all(query);
    for (const [at, { i }] of unknown.entries()) {
      const size = Number(row?.[`n${at}`]);
      found[i] = size;
      const name = names[i];
      if (name !== undefined) sizes.set(name, size);
    }
    return found;
  }

  async function innerDrivers(place: Place, nodes: readonly Resolved[], found: Map<Resolved, Lead | undefined>) {
    for (const node of nodes) {
      if (node.kind === 'any') await innerDrivers(place, node.of, found);
      if (node.kind !== 'chain' && node.kind !== 'reverse') continue;
      const lead = await choose({ ...place, type: node.type }, node.of, true);
      found.set(node, lead?.small === true ? lead : undefined);
    }
    return found;
  }

  async function choose(place: Place, nodes: readonly Resolved[], sorted: boolean): Promise<Lead | undefined> {
    const inner: InnerDrivers = await innerDrivers(place, nodes, new Map());
    const leads = nodes.flatMap((node) => {
      const driver = driverOf(place, node, inner);
      return driver === undefined ? [] : [{ node, driver }];
    });
    const [first] = leads;
    if (first === undefined) return undefined;
    if (leads.length === 1 && first.driver.ordered && !sorted) return { ...first, small: false };
    const found = await measure(leads);
    const least = Math.min(...found);
    const small = least < smallSet;
    const best = small ? leads[found.indexOf(least)] : leads.find(({ driver }) => driver.ordered && !sorted);
    return best && { ...best, small };
  }

  return { choose };
}

/** By what the size of a set is remembered; undefined for one that is seldom asked for twice. */
function nameOf(node: Resolved): string | undefined {
  if (node.kind === 'token' && node.own.length === 0 && node.shared.length <= 4) return `t${hex(node.shared)}`;
  if (node.kind !== 'link' || node.own.length > 0 || node.shared.length > 4) return undefined;
  return (node.targets?.length ?? 0) > 4 ? undefined : `l${hex(node.shared)}${node.targets?.join() ?? '*'}`;
}

const hex = (hashes: readonly Uint8Array[]): string => hashes.map((hash) => Buffer.from(hash).toString('hex')).join();

/** `from` and `where` of the resources that meet all criteria, called `r`; their number is `number`. */
export interface Selection {
  readonly from: Sql;
  readonly conditions: readonly Sql[];
  readonly number: Sql;
}

/** In SQLite a cross join is done in the order in which it is written. */
export function selectionOf(place: Place, nodes: readonly Resolved[], lead: Lead | undefined): Selection {
  const rest = nodes.filter((node) => node !== lead?.node).map((node) => conditionOf(place, node));
  if (lead === undefined) return { from: sql`resource r`, conditions: [...isLive(place), ...rest], number: sql`r.rid` };
  const { rids, ordered } = lead.driver;
  const found = ordered ? rids : sql`select distinct rid from (${rids}) c`;
  return {
    from: sql`(${found}) d cross join resource r`,
    conditions: [sql`r.rid = d.rid`, ...isLive(place), ...rest],
    number: sql`d.rid`,
  };
}

export function whereOf(conditions: readonly Sql[]): Sql {
  return sql`where ${all(conditions)}`;
}
