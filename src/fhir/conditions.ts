import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { parseSearch } from './search/parse-search.ts';
import { createVisibleSearch } from './search/visible-search.ts';

/** The one resource that a condition matches, if any, and the entries to journal for having looked. */
export interface ConditionMatch {
  readonly row?: VersionRow;
  readonly interactions: readonly InteractionHeader[];
}

/**
 * Resolves a condition (`identifier=…`), as in If-None-Exist and conditional references, among what the caller may see.
 * Throws CONDITION_AMBIGUOUS for several matches, CONDITION_INVALID when it selects nothing, and what a search throws.
 */
export async function matchCondition(context: FhirContext, type: string, condition: string): Promise<ConditionMatch> {
  const { registry, baseUrl, clock } = context;
  const query = new URLSearchParams(condition);
  const { clauses } = parseSearch(registry, type, query, { baseUrl, nowMs: clock(), lenient: false });
  if (clauses.length === 0) throw rejectFhir('CONDITION_INVALID');
  const search = createVisibleSearch(context);
  const { matches, more } = await search.find({ type, clauses, sort: [], count: 1 });
  if (more) throw rejectFhir('CONDITION_AMBIGUOUS');
  const row = matches[0]?.row;
  if (row === undefined) return { interactions: search.interactions() };
  search.visibility.show([row]);
  return { row, interactions: search.interactions() };
}

const queues = new WeakMap<object, Promise<unknown>>();

/**
 * Runs `work` after all that was given before for the same vault. Conditional creates go through here, so that of two
 * with the same condition the second sees what the first wrote. One process serves a vault, so this is enough.
 */
export function oneAtATime<T>(vault: object, work: () => Promise<T>): Promise<T> {
  const before = queues.get(vault) ?? Promise.resolve();
  const mine = before.then(work, work);
  queues.set(
    vault,
    mine.catch(() => undefined),
  );
  return mine;
}
