import type { FhirContext } from '../fhir/context.ts';
import type { ParsedResource } from '../fhir/patient-account.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { JournalEntry, VersionRow } from '../vault/vault.ts';
import type { EventFilter } from './event-filter.ts';
import type { Place } from './event-log.ts';
import type { SubscriptionPorts } from './ports.ts';

/** Name under which deliveries are journalled: they give what the operation of that name would. */
export const EVENTS_OPERATION = '$events';

/**
 * Entries that are events for the owner (the context's caller), who is asked about at this moment: what policy denies
 * now never was an event, has no number, and shows in no count. Nothing is journalled: nobody asked, and nothing leaves.
 */
export async function eventsAmong(
  context: FhirContext,
  ports: Pick<SubscriptionPorts, 'mayFollow'>,
  filter: EventFilter,
  entries: readonly JournalEntry[],
): Promise<readonly Place[]> {
  if (filter.kind === 'interaction') return interactionsAmong(context, ports, filter, entries);
  const rows = entries.flatMap((entry) =>
    entry.kind === 'version' && entry.row.type === filter.type && !entry.row.erased ? [entry.row] : [],
  );
  if (rows.length === 0) return [];
  const visible = await visibleAmong(context, rows);
  const met: VersionRow[] = [];
  for (const row of rows) {
    if (visible.has(row) && (filter.matches === undefined || (await isMet(context, filter.matches, row))))
      met.push(row);
  }
  return met.map(({ generation, journalIndex }) => ({ generation, index: journalIndex }));
}

/** One decision for each account, as for a read of what is named. */
async function visibleAmong(
  { access, caller }: FhirContext,
  rows: readonly VersionRow[],
): Promise<ReadonlySet<VersionRow>> {
  const byAccount = Map.groupBy(rows, ({ account }) => account);
  const seen = await Promise.all(
    [...byAccount].map(async ([account, versions]) => {
      const { decision, visible } = await access.read(caller, account, versions, 'r');
      return decision === 'permit' ? versions.filter((_, at) => visible[at] === true) : [];
    }),
  );
  return new Set(seen.flat());
}

/** What was deleted is judged by what it was before. What cannot be opened is no event. */
async function isMet(
  { vault }: FhirContext,
  matches: (resource: ParsedResource, timeMs: number) => boolean,
  row: VersionRow,
): Promise<boolean> {
  const judged = row.deleted ? await vault.version(row.type, row.id, row.version - 1) : row;
  if (judged === undefined || judged.erased) return false;
  try {
    return matches(JSON.parse(utf8ToText(await vault.open(judged))) as ParsedResource, judged.timeMs);
  } catch (error) {
    if (isReject(error) && (error.code === 'VERSION_ERASED' || error.code === 'BLOB_DAMAGED')) return false;
    throw error;
  }
}

async function interactionsAmong(
  { caller }: FhirContext,
  ports: Pick<SubscriptionPorts, 'mayFollow'>,
  filter: Extract<EventFilter, { kind: 'interaction' }>,
  entries: readonly JournalEntry[],
): Promise<readonly Place[]> {
  const events: Place[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'interaction' || isOfAccounting(entry) || !filter.matches(entry.header)) continue;
    const { generation, index } = entry;
    if (await ports.mayFollow(caller, entry.header.account)) events.push({ generation, index });
  }
  return events;
}

/** To tell somebody of an access, or to look it up in the audit, is journalled too: it must not be the next one to tell of. */
function isOfAccounting({ header }: Extract<JournalEntry, { kind: 'interaction' }>): boolean {
  if (!('interaction' in header) || header.versions.length > 0) return false;
  return header.interaction === EVENTS_OPERATION || header.query.startsWith('AuditEvent');
}
