import { isReject } from '../../std/reject.ts';
import type { Criterion } from '../../vault/index/index-query.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { ChainClause, ReverseClause, SearchClause, ValueClause } from './search-clause.ts';
import type { InnerSearch } from './visible-query.ts';

/** Decides on a version what the index did not. */
export type RowTest = (row: VersionRow) => Promise<boolean>;

/** A search's clauses with chains resolved: `criteria` select everything that matches, `tests` decide the rest. */
export interface ResolvedClauses {
  readonly criteria: readonly Criterion[];
  readonly tests: readonly RowTest[];
  /** True when nothing can match. */
  readonly none: boolean;
}

/**
 * Most inner matches that a chain is resolved to before the outer search. With more, the outer search goes first, and
 * each of its hits is asked whether an inner match that may be seen stands behind it.
 */
const MAX_INNER = 100;
/** The same of `_has`: what refers to a resource is mostly many, and listing it for nothing costs more. */
const MAX_REVERSE = 20;

/** Resolves each clause; inner searches run under the same policy and limits as the outer one. */
export async function resolveClauses(search: InnerSearch, clauses: readonly SearchClause[]): Promise<ResolvedClauses> {
  const criteria: Criterion[] = [];
  const tests: RowTest[] = [];
  let none = false;
  for (const clause of clauses) {
    if (clause.kind === 'value') addValue(search, clause, criteria, tests);
    else {
      const inner = await listed(() =>
        clause.kind === 'chain' ? chainTargets(search, clause) : reverseSources(search, clause),
      );
      if (inner === undefined || inner === 'too costly') {
        if (inner === undefined) criteria.push(clauseToCriterion(clause));
        tests.push(clause.kind === 'chain' ? chainTest(search, clause) : reverseTest(search, clause));
      } else if (inner.length === 0) none = true;
      else {
        search.reveal(inner);
        criteria.push(
          clause.kind === 'chain'
            ? { kind: 'link', parameter: clause.parameter, targets: inner }
            : { kind: 'linked-by', parameters: [clause.parameter], sources: inner },
        );
      }
    }
  }
  return { criteria, tests, none };
}

/**
 * Where the protected index of too many patients would have to be tried for the list, each hit of the outer search is asked
 * by itself instead: behind one patient there is one index to try.
 */
async function listed<T>(list: () => Promise<T>): Promise<T | 'too costly'> {
  try {
    return await list();
  } catch (error) {
    if (isReject(error) && error.code === 'TOO_COSTLY') return 'too costly';
    throw error;
  }
}

function addValue(
  search: InnerSearch,
  { criterion, matches }: ValueClause,
  criteria: Criterion[],
  tests: RowTest[],
): void {
  if (criterion !== undefined) criteria.push(criterion);
  if (matches !== undefined) tests.push(async (row) => matches(await search.parsed(row)));
}

/** All versions that a chain may lead to, or undefined when they are more than is worth listing. */
async function chainTargets(search: InnerSearch, { targets }: ChainClause): Promise<VersionRow[] | undefined> {
  const all: VersionRow[] = [];
  for (const { type, clauses } of targets) {
    const found = await allOf(search, type, clauses, MAX_INNER - all.length);
    if (found === undefined) return undefined;
    all.push(...found);
  }
  return all;
}

function reverseSources(search: InnerSearch, { type, clauses }: ReverseClause): Promise<VersionRow[] | undefined> {
  return allOf(search, type, clauses, MAX_REVERSE);
}

async function allOf(
  search: InnerSearch,
  type: string,
  clauses: readonly SearchClause[],
  most: number,
): Promise<VersionRow[] | undefined> {
  const { matches, more } = await search.find({ type, clauses, sort: [], count: most });
  return more ? undefined : matches.map(({ row }) => row);
}

/** True when the version refers, by the chain's parameter, to something visible that meets its clauses. */
function chainTest(search: InnerSearch, { parameter, targets }: ChainClause): RowTest {
  return async (row) => {
    for (const { type, clauses } of targets) {
      const from: Criterion = { kind: 'linked-by', parameters: [parameter], sources: [row] };
      if (await someOf(search, type, [{ kind: 'value', criterion: from }, ...clauses])) return true;
    }
    return false;
  };
}

/** True when something visible that meets the clauses refers to the version by the parameter. */
function reverseTest(search: InnerSearch, { type, parameter, clauses }: ReverseClause): RowTest {
  return (row) => {
    const to: Criterion = { kind: 'link', parameter, targets: [{ type: row.type, id: row.id }] };
    return someOf(search, type, [{ kind: 'value', criterion: to }, ...clauses]);
  };
}

async function someOf(search: InnerSearch, type: string, clauses: readonly SearchClause[]): Promise<boolean> {
  const { matches } = await search.find({ type, clauses, sort: [], count: 1, isExistence: true });
  search.reveal(matches.map(({ row }) => row));
  return matches.length > 0;
}

/** What a clause selects at most, by the index alone and without policy. */
function clauseToCriterion(clause: SearchClause): Criterion {
  if (clause.kind === 'value') return clause.criterion ?? EVERYTHING;
  if (clause.kind === 'reverse') {
    const { type, parameter, clauses } = clause;
    return { kind: 'reverse', type, parameter, criteria: clauses.map(clauseToCriterion) };
  }
  const { parameter, targets } = clause;
  return {
    kind: 'any',
    of: targets.map(({ type, clauses }) => ({
      ...{ kind: 'chain', parameter, type },
      criteria: clauses.map(clauseToCriterion),
    })),
  };
}

/** Holds of every version: no alternative is ruled out. */
const EVERYTHING: Criterion = { kind: 'not', of: { kind: 'any', of: [] } };
