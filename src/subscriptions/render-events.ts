import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { FhirContext } from '../fhir/context.ts';
import { interactionHeader } from '../fhir/interaction.ts';
import { joinInteractions } from '../fhir/read-decision.ts';
import { createVisibility } from '../fhir/search/visibility.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { JournalEntry } from '../vault/vault.ts';
import type { NumberedEvent } from './event-log.ts';
import type { ShownEvent } from './notification-bundle.ts';
import type { SubscriptionPorts } from './ports.ts';
import type { Content } from './read-subscription.ts';

/** Rule of an interaction's event: the patient's own accounting, or a privacy officer's. */
const OWN_ACCOUNTING = 'default:accounting';

/**
 * Events as the caller of the context may see them now: what may no longer be seen keeps its number and nothing else.
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
  const entries = await Promise.all(events.map(({ generation, index }) => vault.journalEntry(generation, index)));
  const rows = entries.flatMap((entry) => (entry?.kind === 'version' && !entry.row.erased ? [entry.row] : []));
  const visible = new Set(await visibility.of(rows));
  visibility.show([...visible]);
  const followed: InteractionHeader[] = [];

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
    if (!(await ports.mayFollow(context.caller, account))) return { number };
    followed.push(interactionHeader(context, account, false, [OWN_ACCOUNTING], []));
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

async function openText(
  { vault }: FhirContext,
  row: Extract<JournalEntry, { kind: 'version' }>['row'],
): Promise<string | undefined> {
  try {
    return utf8ToText(await vault.open(row));
  } catch (error) {
    if (isReject(error) && error.code === 'VERSION_ERASED') return undefined;
    throw error;
  }
}
