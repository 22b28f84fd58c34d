import type { Caller } from '../auth/caller.ts';
import type { FhirContext } from '../fhir/context.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type EventLog, openEventLog } from './event-log.ts';
import { ownerOf } from './owner.ts';
import { readSubscription, type SubscriptionStatus, type Terms } from './read-subscription.ts';

/** A subscription as operations see it: live, or off or in error and only looked up. */
export interface KnownSubscription {
  readonly id: string;
  readonly owner: Caller;
  readonly terms: Terms;
  readonly status: SubscriptionStatus;
  readonly error: string | undefined;
  readonly log: EventLog;
  /** Events whose numbers will not be taken back. */
  readonly durableCount: number;
}

/** What is known of an id; undefined when it names no subscription that has an owner. Changes nothing. */
export async function knownSubscription(
  { vault }: FhirContext,
  dispatcher: Dispatcher | undefined,
  id: string,
): Promise<KnownSubscription | undefined> {
  const live = dispatcher?.live(id);
  if (live !== undefined) return live;
  const owner = await ownerOf(vault, id);
  const row = await vault.current('Subscription', id);
  if (owner === undefined || row === undefined || row.deleted || row.erased) return undefined;
  const resource = JSON.parse(utf8ToText(await vault.open(row))) as Readonly<Record<string, unknown>>;
  try {
    const terms = readSubscription(resource);
    const log = await openEventLog(vault, id, { generation: row.generation, index: row.journalIndex + 1 });
    const error = typeof resource.error === 'string' ? resource.error : undefined;
    return { id, owner, terms, status: terms.status, error, log, durableCount: log.count };
  } catch (thrown) {
    if (isReject(thrown)) return undefined;
    throw thrown;
  }
}
