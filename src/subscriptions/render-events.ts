import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { FhirContext } from '../fhir/context.ts';
import { interactionHeader } from '../fhir/interaction.ts';
import { joinInteractions } from '../fhir/read-decision.ts';
import { createVisibility } from '../fhir/search/visibility.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { JournalEntry, VersionRow } from '../vault/vault.ts';
import type { NumberedEvent } from './event-log.ts';
import type { ShownEvent } from './notification-bundle.ts';
import { isToldOf } from './owner.ts';
import type { SubscriptionPorts } from './ports.ts';
import { isDamage } from './read-journal.ts';
import type { Content } from './read-subscription.ts';

/** Rule of an interaction's event: the patient's own accounting, or a privacy officer's. */
const OWN_ACCOUNTING = 'default:accounting';

/**
 * Events as the caller of the context may see them now: what may no longer be seen, or read, keeps its number and nothing
 * else.
 * What is shown is journalled before this resolves, also where only ids or numbers are shown: that something of a patient
 * happened is told by them too.
 */
export async function renderEvents(
  context: FhirContext,
  ports: Pick<SubscriptionPorts, 'mayFollow' | 'auditEvent'>,
  events: readonly NumberedEvent[],
  content: Content,
): Promise<readonly ShownEvent[]> {
  const { vault } = context;
  const visibility = createVisibility(context, 'r');
  const entries = await Promise.all(
    events.map(({ generation, index }) => undamaged(vault.journalEntry(generation, index))),
  );
  const rows = entries.flatMap((entry) =>
    entry?.kind === 'version' && !entry.row.erased && isToldOf(context.caller, entry.row.account) ? [entry.row] : [],
  );
  const visible = new Set(await visibleOf(rows));
  visibility.show([...visible]);
  const followed: InteractionHeader[] = [];

  /** A scope may look into a version: one that cannot be opened is asked about alone. */
  async function visibleOf(asked: readonly VersionRow[]): Promise<readonly VersionRow[]> {
    const together = await undamaged(visibility.of(asked));
    if (together !== undefined) return together;
    const each = await Promise.all(asked.map((row) => undamaged(visibility.of([row]))));
    return each.flatMap((one) => one ?? []);
  }

  async function show({ number }: NumberedEvent, entry: JournalEntry | undefined): Promise<ShownEvent> {
    if (entry === undefined) return { number };
    if (entry.kind === 'version') {
      const { row } = entry;
      if (!visible.has(row)) return { number };
      const { type, id, action, timeMs } = row;
      if (content === 'empty') return { number, timeMs };
      const shown = { number, timeMs, focus: `${type}/${id}`, action };
      if (content === 'id-only') return shown;
      if (row.deleted) return shown;
      const text = await openText(context, row);
      return text === undefined ? { number } : { ...shown, text };
    }
    const { account, timeMs } = entry.header;
    const isFollowed = await ports.mayFollow(context.caller, account);
    followed.push(interactionHeader(context, account, !isFollowed, [OWN_ACCOUNTING], []));
    if (!isFollowed) return { number };
    if (content === 'empty') return { number, timeMs };
    const { address, text } = await ports.auditEvent(context, entry);
    const shown = { number, timeMs, focus: address, action: 'get' as const };
    return content === 'full-resource' ? { ...shown, text } : shown;
  }

  const shown = await Promise.all(events.map((event, at) => show(event, entries[at])));
  const interactions = joinInteractions([...visibility.interactions(), ...followed]);
  if (interactions.length > 0) await vault.journal(interactions);
  return content === 'id-only' ? shown.map(withoutContent) : shown;
}

/** Ids alone: no entry of the Bundle for a deletion either. */
function withoutContent({ action: _action, ...event }: ShownEvent): ShownEvent {
  return event;
}

async function openText({ vault }: FhirContext, row: VersionRow): Promise<string | undefined> {
  try {
    return utf8ToText(await vault.open(row));
  } catch (error) {
    if (isDamage(error) || (isReject(error) && error.code === 'VERSION_ERASED')) return undefined;
    throw error;
  }
}

/** Undefined for what cannot be read any more: it must not hold up what can. */
async function undamaged<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  }
}
