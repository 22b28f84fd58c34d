import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { findVisible } from './search.ts';
import { searchQuery } from './search-parameters.ts';

/** The one resource that a condition matches, if any, and the entries to journal for having looked. */
export interface ConditionMatch {
  readonly row?: VersionRow;
  readonly interactions: readonly InteractionHeader[];
}

/**
 * Resolves a condition (`identifier=…`), as in If-None-Exist and conditional references, among what the caller may see.
 * Throws CONDITION_AMBIGUOUS for several matches, CONDITION_INVALID when it selects nothing or is no search.
 */
export async function matchCondition(context: FhirContext, type: string, condition: string): Promise<ConditionMatch> {
  const query = searchQuery(context, type, new URLSearchParams(condition), false);
  if (query.ids === undefined && query.alternatives.every((tokens) => tokens.length === 0))
    throw rejectFhir('CONDITION_INVALID');
  const rows: VersionRow[] = [];
  const interactions: InteractionHeader[] = [];
  for (let { after } = query, pages = 0; ; pages++) {
    const found = await findVisible(context, type, { ...query, count: 2, ...(after === undefined ? {} : { after }) });
    rows.push(...found.rows);
    interactions.push(...found.interactions);
    if (rows.length > 1) throw rejectFhir('CONDITION_AMBIGUOUS');
    if (found.next === undefined) break;
    // Matches that the caller may not see are passed over, but not without end.
    if (pages >= MAX_PAGES) throw rejectFhir('SEARCH_TOO_COSTLY');
    after = found.next;
  }
  return rows[0] === undefined ? { interactions } : { row: rows[0], interactions };
}

const MAX_PAGES = 100;

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
