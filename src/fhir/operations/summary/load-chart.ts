import type { VersionRow } from '../../../vault/vault.ts';
import { rejectFhir } from '../../codes.ts';
import type { SearchClause } from '../../search/search-clause.ts';
import type { VisibleData } from '../visible-data.ts';
import { type ChartRecord, chartRecord } from './chart-record.ts';

/** Versions found at a time. */
const AT_ONCE = 500;
/** Resources of one type that an operation opens; beyond it is refused rather than answered in part. */
const MAX_OF_TYPE = 10_000;

/** A record with the version it is. */
export interface ChartRow extends ChartRecord {
  readonly row: VersionRow;
}

/**
 * All resources of a type that meet the clauses and that the caller may see. Nothing is shown yet. Throws
 * SEARCH_TOO_COSTLY beyond ten thousand.
 */
export async function loadAll(
  data: VisibleData,
  type: string,
  clauses: readonly SearchClause[],
): Promise<readonly ChartRow[]> {
  const records: ChartRow[] = [];
  let after: string | undefined;
  for (let more = true; more; ) {
    const found = await data.find({ type, clauses, count: AT_ONCE, ...(after === undefined ? {} : { after }) });
    for (const { row } of found.matches) records.push(await loadRow(data, row));
    if (records.length > MAX_OF_TYPE) throw rejectFhir('SEARCH_TOO_COSTLY', { limit: MAX_OF_TYPE });
    after = found.matches.at(-1)?.cursor();
    more = found.more && after !== undefined;
  }
  return records;
}

export async function loadRow(data: VisibleData, row: VersionRow): Promise<ChartRow> {
  return { ...chartRecord(await data.text(row)), row };
}

/** All that belongs to one account. */
export function ofAccount(account: string): readonly SearchClause[] {
  return [{ kind: 'value', criterion: { kind: 'account', accounts: [account] } }];
}
