import { isReject } from '../../std/reject.ts';
import type { Criterion } from '../../vault/index/index-query.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext } from '../context.ts';
import { compartmentParameters } from '../operations/compartments.ts';
import type { VisibleSearch } from '../search/visible-search.ts';
import type { ExportRequest, Position } from './bulk-job.ts';
import { type ExportScope, isInScope, ownTypes } from './export-scope.ts';
import { filterCriteria, parseFilter, type TypeFilter } from './type-filters.ts';

/** A page of the walk. */
export interface WalkPage {
  /** Versions that are visible. */
  readonly rows: readonly VersionRow[];
  /** Versions that were looked at. */
  readonly looked: number;
  /** Where the next page begins. */
  readonly next: Position;
  /** Where the walk goes on behind one of the rows. */
  behind(row: VersionRow): Position;
}

export type Resources = Extract<Position, { step: 'resources' }>;

export interface WalkOptions {
  readonly context: FhirContext;
  /** Id that cursors are bound to. */
  readonly job: string;
  readonly request: ExportRequest;
  readonly scope: ExportScope;
  /** Rows that are looked for at a time, at most 1,000. */
  readonly pageRows: number;
}

/** The walk of one export through the current versions of its types. */
export interface ExportWalk {
  /** What is visible to `search` of the next `count` versions (at most `pageRows`); it is told what it decided on. */
  page(search: VisibleSearch, from: Resources, count: number): Promise<WalkPage>;
}

/**
 * Walks type by type, each in the order in which its resources were first written. That order never changes, so a
 * resource is met once, whatever is written meanwhile and however often the walk is interrupted: the cursor of the last
 * one says where to go on. A resource that changes meanwhile is exported as it is when the walk meets it, never as it was:
 * an older version may lack the label that keeps the newer one back. What changes after that comes with the next export,
 * whose `_since` is this one's transactionTime.
 */
export function createExportWalk({ context, job, request, scope, pageRows }: WalkOptions): ExportWalk {
  const { vault, registry, baseUrl, clock } = context;
  const { types, sinceMs, level } = request;
  const filters = new Map(
    Object.entries(request.filters).map(([type, queries]): [string, readonly TypeFilter[]] => [
      type,
      queries.map((query) => parseFilter({ registry, baseUrl, nowMs: clock() }, type, query)),
    ]),
  );
  const unnarrowed = new Set<string>();

  function criteriaOf(
    type: string,
    slice: number,
  ): { readonly criteria: readonly Criterion[]; readonly isExact: boolean } {
    const accounts = scope.slices(type)[slice];
    const criteria: Criterion[] = accounts === undefined ? [] : [{ kind: 'account', accounts }];
    if (level === 'Patient' && accounts === undefined && ownTypes(context).has(type)) {
      const names = compartmentParameters('Patient', type).flatMap(
        (parameter) => registry.ofType(type)?.get(parameter)?.indexed.names ?? [],
      );
      criteria.push({ kind: 'any', of: names.map((parameter): Criterion => ({ kind: 'has', of: 'link', parameter })) });
    }
    const own = filters.get(type);
    if (unnarrowed.has(type)) return { criteria, isExact: own === undefined };
    const narrowed = filterCriteria(own ?? []);
    if (sinceMs !== undefined) criteria.push(...sinceCriteria(context, type, sinceMs));
    return { criteria: [...criteria, ...narrowed.criteria], isExact: narrowed.isExact };
  }

  /** A page of the walk. What an index under patients' own keys would be asked too often for is looked for without it. */
  async function pageOf(type: string, { slice, after }: Resources, limit: number) {
    for (;;) {
      const { criteria, isExact } = criteriaOf(type, slice);
      try {
        const page = await vault.find({
          ...{ type, criteria, limit, sort: [], boundTo: `export ${job} ${type} ${slice}` },
          ...(after === undefined ? {} : { after }),
        });
        return { page, isExact };
      } catch (thrown) {
        if (!isReject(thrown) || thrown.code !== 'TOO_COSTLY' || unnarrowed.has(type)) throw thrown;
        unnarrowed.add(type);
      }
    }
  }

  async function visibleOf(search: VisibleSearch, type: string, rows: readonly VersionRow[], isExact: boolean) {
    const own = filters.get(type);
    if (own === undefined || isExact || rows.length === 0) return search.visibility.of(rows);
    const ids = rows.map(({ id }) => id);
    const accounts = [...new Set(rows.map(({ account }) => account))];
    const among = [{ kind: 'id', ids } as const, { kind: 'account', accounts } as const];
    const passed = new Set<string>();
    for (const { clauses } of own) {
      const { matches } = await search.find({
        ...{ type, sort: [], count: rows.length },
        clauses: [...clauses, ...among.map((criterion) => ({ kind: 'value', criterion }) as const)],
      });
      for (const { row } of matches) passed.add(row.leaf);
    }
    return rows.filter(({ leaf }) => passed.has(leaf));
  }

  return {
    async page(search, from, count) {
      const type = types[from.type];
      if (type === undefined) {
        const next: Position = sinceMs === undefined ? { step: 'files' } : { step: 'deleted' };
        return { rows: [], looked: 0, next, behind: () => next };
      }
      const { page, isExact } = await pageOf(type, from, Math.min(count, pageRows));
      const wanted: VersionRow[] = [];
      for (const { row } of page.hits) {
        if (sinceMs !== undefined && row.timeMs <= sinceMs) continue;
        if (scope.has(row.account) || (await isInScope(context, scope, row))) wanted.push(row);
      }
      const last = page.hits.at(-1);
      return {
        rows: await visibleOf(search, type, wanted, isExact),
        looked: page.hits.length,
        next:
          page.more && last !== undefined ? { ...from, after: last.cursor() } : behind(from, scope.slices(type).length),
        behind(row) {
          const hit = page.hits.find((one) => one.row === row);
          if (hit === undefined) throw new TypeError('not a row of this page');
          return { ...from, after: hit.cursor() };
        },
      };
    },
  };
}

/** The next slice of accounts, or the next type. */
function behind({ type, slice }: Resources, slices: number): Resources {
  if (slice + 1 < slices) return { step: 'resources', type, slice: slice + 1 };
  return { step: 'resources', type: type + 1, slice: 0 };
}

/** `_lastUpdated` beyond the time, by the index. */
function sinceCriteria({ registry, baseUrl, clock }: FhirContext, type: string, sinceMs: number): readonly Criterion[] {
  const query = `_lastUpdated=gt${new Date(sinceMs).toISOString()}`;
  return [...filterCriteria([parseFilter({ registry, baseUrl, nowMs: clock() }, type, query)]).criteria];
}
