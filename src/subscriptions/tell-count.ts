import type { Caller } from '../auth/caller.ts';
import type { FhirContext } from '../fhir/context.ts';
import { utf8, utf8ToText } from '../std/bytes.ts';
import type { Vault } from '../vault/vault.ts';
import type { EventLog, NumberedEvent } from './event-log.ts';
import { isOwner } from './owner.ts';
import type { SubscriptionPorts } from './ports.ts';
import { renderEvents } from './render-events.ts';

/** Documents that say up to which number accounts were told that there are events, by the subscription's id. */
const COUNTED = 'subscription-counted';
/** Events that are looked up and journalled together. */
const TOGETHER = 500;

type Counted = Readonly<Record<string, number>>;

/**
 * How many events there were since the subscription began, to be told to the caller of the context. A count tells that
 * something met the filters, as the events themselves do: those that this caller was not shown yet are journalled before
 * this resolves, once. Of the owner's, those that were delivered have been, and so have `shown`, consecutive numbers that
 * were rendered for this answer.
 */
export async function tellCount(
  context: FhirContext,
  ports: Pick<SubscriptionPorts, 'mayFollow' | 'auditEvent'>,
  { log, owner, durableCount }: { readonly log: EventLog; readonly owner: Caller; readonly durableCount: number },
  shown: readonly NumberedEvent[] = [],
): Promise<number> {
  const { vault, caller } = context;
  const taken = isOwner(caller, owner) ? log.delivered : 0;
  if (taken >= durableCount) return durableCount;
  const counted = await countedOf(vault, log);
  const told = Math.max(taken, counted[caller.account] ?? 0);
  const isNext = (shown[0]?.number ?? Number.POSITIVE_INFINITY) <= Math.max(told + 1, log.oldest);
  let last = isNext ? Math.max(told, shown.at(-1)?.number ?? 0) : told;
  while (last < durableCount) {
    const events = await log.events(last + 1, durableCount, TOGETHER);
    if (events.length > 0) await renderEvents(context, ports, events, 'empty');
    last = events.at(-1)?.number ?? durableCount;
  }
  if (last > told)
    await vault.putDocument(COUNTED, log.id, utf8(JSON.stringify({ ...counted, [caller.account]: last })));
  return durableCount;
}

async function countedOf(vault: Vault, { id }: EventLog): Promise<Counted> {
  const bytes = await vault.getDocument(COUNTED, id);
  return bytes === undefined ? {} : (JSON.parse(utf8ToText(bytes)) as Counted);
}

/** To be called when the subscription is gone. */
export async function forgetCounted(vault: Vault, id: string): Promise<void> {
  await vault.putDocument(COUNTED, id, null);
}
