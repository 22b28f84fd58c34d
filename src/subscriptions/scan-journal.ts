import type { FhirContext } from '../fhir/context.ts';
import type { ParsedResource } from '../fhir/patient-account.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { JournalEntry, VersionRow } from '../vault/vault.ts';
import type { EventFilter } from './event-filter.ts';
import type { Place } from './event-log.ts';
import { isToldOf } from './owner.ts';
import type { SubscriptionPorts } from './ports.ts';
import { isDamage } from './read-journal.ts';

/** Name under which deliveries are journalled: they give what the operation of that name would. */
export const EVENTS_OPERATION = '$events';
/** Names under which it is journalled that somebody was told of events, or how many there are. */
const COUNTING: readonly string[] = [EVENTS_OPERATION, '$status'];

/** What entries came to for one subscription. */
interface Scanned {
  readonly events: readonly Place[];
  /** Versions that might have been events, and cannot be looked into any more. */
  readonly missed: number;
}

const NOTHING: Scanned = { events: [], missed: 0 };

/**
 * Entries that are events for the owner, who is asked about at this moment: what policy denies now never was an event, has
 * no number, and shows in no count. `contextOf` gives the context of the owner as things are now; it is called where some
 * entry is of the topic. Undefined when the owner may have no subscriptions any more. Nothing is journalled: nobody asked,
 * and nothing leaves.
 */
export async function eventsAmong(
  contextOf: () => Promise<FhirContext | undefined>,
  ports: Pick<SubscriptionPorts, 'mayFollow'>,
  filter: EventFilter,
  entries: readonly JournalEntry[],
): Promise<Scanned | undefined> {
  if (filter.kind === 'interaction') return interactionsAmong(contextOf, ports, filter, entries);
  const rows = entries.flatMap((entry) =>
    entry.kind === 'version' && entry.row.type === filter.type && !entry.row.erased ? [entry.row] : [],
  );
  if (rows.length === 0) return NOTHING;
  const context = await contextOf();
  if (context === undefined) return undefined;
  const { visible, damaged } = await visibleAmong(
    context,
    rows.filter(({ account }) => isToldOf(context.caller, account)),
  );
  const met: VersionRow[] = [];
  let missed = damaged;
  for (const row of rows) {
    if (!visible.has(row)) continue;
    const isEvent = filter.matches === undefined || (await isMet(context, filter.matches, row));
    if (isEvent === 'damaged') missed += 1;
    else if (isEvent) met.push(row);
  }
  return { events: met.map(({ generation, journalIndex }) => ({ generation, index: journalIndex })), missed };
}

interface Visible {
  readonly visible: ReadonlySet<VersionRow>;
  readonly damaged: number;
}

/** One decision for each account, as for a read of what is named. */
async function visibleAmong(context: FhirContext, rows: readonly VersionRow[]): Promise<Visible> {
  const byAccount = Map.groupBy(rows, ({ account }) => account);
  const seen = await Promise.all([...byAccount].map(([account, versions]) => decidedOf(context, account, versions)));
  return {
    visible: new Set(seen.flatMap(({ visible }) => [...visible])),
    damaged: seen.reduce((sum, { damaged }) => sum + damaged, 0),
  };
}

/** A scope may look into a version, and one that cannot be opened must not hide the others: then each is asked about alone. */
async function decidedOf(context: FhirContext, account: string, versions: readonly VersionRow[]): Promise<Visible> {
  const { access, caller } = context;
  try {
    const { decision, visible } = await access.read(caller, account, versions, 'r');
    const permitted = decision === 'permit' ? versions.filter((_, at) => visible[at] === true) : [];
    return { visible: new Set(permitted), damaged: 0 };
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown;
    if (versions.length === 1) return { visible: new Set(), damaged: 1 };
    const each = await Promise.all(versions.map((row) => decidedOf(context, account, [row])));
    return {
      visible: new Set(each.flatMap(({ visible }) => [...visible])),
      damaged: each.reduce((sum, { damaged }) => sum + damaged, 0),
    };
  }
}

/** What was deleted is judged by what it was before. What was erased is no event. */
async function isMet(
  { vault }: FhirContext,
  matches: (resource: ParsedResource, timeMs: number) => boolean,
  row: VersionRow,
): Promise<boolean | 'damaged'> {
  try {
    const judged = row.deleted ? await vault.version(row.type, row.id, row.version - 1) : row;
    if (judged === undefined || judged.erased) return false;
    return matches(JSON.parse(utf8ToText(await vault.open(judged))) as ParsedResource, judged.timeMs);
  } catch (error) {
    if (isDamage(error)) return 'damaged';
    if (isReject(error) && error.code === 'VERSION_ERASED') return false;
    throw error;
  }
}

async function interactionsAmong(
  contextOf: () => Promise<FhirContext | undefined>,
  ports: Pick<SubscriptionPorts, 'mayFollow'>,
  filter: Extract<EventFilter, { kind: 'interaction' }>,
  entries: readonly JournalEntry[],
): Promise<Scanned | undefined> {
  const fitting = entries.flatMap((entry) =>
    entry.kind === 'interaction' && !isOfAccounting(entry) && filter.matches(entry.header) ? [entry] : [],
  );
  if (fitting.length === 0) return NOTHING;
  const context = await contextOf();
  if (context === undefined) return undefined;
  const events: Place[] = [];
  for (const { generation, index, header } of fitting) {
    if (await ports.mayFollow(context.caller, header.account)) events.push({ generation, index });
  }
  return { events, missed: 0 };
}

/** To tell somebody of an access, or to look it up in the audit, is journalled too: it must not be the next one to tell of. */
function isOfAccounting({ header }: Extract<JournalEntry, { kind: 'interaction' }>): boolean {
  if (!('interaction' in header) || header.versions.length > 0) return false;
  return COUNTING.includes(header.interaction) || header.query.startsWith('AuditEvent');
}
