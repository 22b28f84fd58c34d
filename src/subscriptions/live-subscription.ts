import type { Caller } from '../auth/caller.ts';
import type { FhirContext, FhirServer } from '../fhir/context.ts';
import { utf8ToText } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import type { VersionRow } from '../vault/vault.ts';
import { changeStatus } from './change-status.ts';
import { type Channel, createRestHook } from './channel.ts';
import { type Delivery, startDelivery } from './delivery.ts';
import type { DispatcherParts } from './dispatcher-parts.ts';
import { compileFilters, type EventFilter } from './event-filter.ts';
import { type EventLog, type NumberedEvent, openEventLog } from './event-log.ts';
import type { Timing } from './limits.ts';
import { type NotificationType, notificationText, type ShownEvent, type StatusFacts } from './notification-bundle.ts';
import { ownerNow, ownerOf } from './owner.ts';
import { readSubscription, type SubscriptionStatus, type Terms } from './read-subscription.ts';
import { renderEvents } from './render-events.ts';
import { EVENTS_OPERATION } from './scan-journal.ts';
import { openHeaders, sweepHeaders } from './secret-headers.ts';
import { createSocketChannel, type SocketChannel } from './socket-channel.ts';
import { tellCount } from './tell-count.ts';

/** A subscription that is not off: its terms, its log, and its delivery under way. */
export interface LiveSubscription {
  readonly id: string;
  readonly owner: Caller;
  readonly terms: Terms;
  readonly filter: EventFilter;
  readonly log: EventLog;
  /** Of its resource, as it was last seen or written here. */
  readonly version: number;
  readonly status: SubscriptionStatus;
  /** This server is writing its next version: one that is newer than `version` may be that. */
  readonly isWriting: boolean;
  /** Code of the last failure while the status is `error`. */
  readonly error: string | undefined;
  /** Where a websocket binds; undefined for a rest-hook. */
  readonly socket: SocketChannel | undefined;
  /** Events whose numbers will not be taken back. */
  readonly durableCount: number;
  readonly savedIndex: number;
  /** Makes the log durable and wakes the delivery. */
  save(): Promise<void>;
  /** Turns it off once its end has come. */
  endWhenDue(): Promise<void>;
  /** Turns it off: its owner may no longer have it. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

type Parts = DispatcherParts & { readonly timing: Timing };

/**
 * Takes up what the resource says now. A version that somebody else wrote than this server asks for the subscription anew:
 * the endpoint is greeted again. `gone` when it was deleted, or nobody owns it; undefined when there is nothing to do.
 */
export async function openLive(parts: Parts, id: string): Promise<LiveSubscription | 'gone' | undefined> {
  const { vault, server } = parts;
  const row = await vault.current('Subscription', id);
  const owner = await ownerOf(vault, id);
  if (row === undefined || owner === undefined) return undefined;
  const { generation, journalIndex } = row;
  const log = await openEventLog(vault, id, { generation, index: journalIndex + 1 });
  if (row.deleted || row.erased) {
    await log.remove();
    return 'gone';
  }
  const isNews = row.version !== log.seen;
  let terms: Terms;
  let filter: EventFilter;
  try {
    terms = readSubscription(JSON.parse(utf8ToText(await vault.open(row))) as Readonly<Record<string, unknown>>);
    const { registry, baseUrl, clock } = server();
    const accountOf = (patient: string) => vault.accountOf('Patient', patient);
    filter = await compileFilters(terms, { registry, baseUrl, nowMs: clock(), accountOf });
  } catch (error) {
    // Written before this server asked what it asks now: it says so, and does nothing.
    if (!isReject(error)) throw error;
    await changeStatus(server(), vault, row, 'error', error.code);
    return undefined;
  }
  if (isNews) {
    await sweepHeaders(vault, id, terms.headers);
    if (!log.isOpen) log.advance({ generation, index: journalIndex + 1 }, []);
    if (terms.status === 'off') log.setOpen(false);
    log.forgetMissed();
    log.setSeen(row.version);
    await log.save();
  }
  // A handshake was refused, or its client ended it: until that one writes it again there is nothing to do.
  const isOver = terms.status === 'off' || (terms.status === 'error' && !log.isOpen && !isNews);
  return isOver ? undefined : createLive(parts, { id, owner, terms, filter, log, row, isNews });
}

interface Opened extends Pick<LiveSubscription, 'id' | 'owner' | 'terms' | 'filter' | 'log'> {
  readonly row: VersionRow;
  readonly isNews: boolean;
}

function createLive(parts: Parts, { id, owner, terms, filter, log, row: opened, isNews }: Opened): LiveSubscription {
  const { vault, server, ports, outgoing, timing, reportFailure } = parts;
  let row = opened;
  let { status } = terms;
  let error: string | undefined;
  let writing = 0;
  /** A write that no delivery waits for. */
  let settling: Promise<void> = Promise.resolve();
  let durableCount = log.count;
  let savedIndex = log.cursor.index;
  const socket = terms.channel === 'websocket' ? createSocketChannel(terms.timeoutMs) : undefined;
  const channel: Channel =
    socket ??
    createRestHook({
      ...{ outgoing, endpoint: terms.endpoint, timeoutMs: terms.timeoutMs },
      organisation: vault.custodian,
      headers: () => openHeaders(vault, id, terms),
      isVerified: log.isOpen && !isNews,
    });
  // There is nothing to verify: who binds has a token.
  if (socket !== undefined) log.setOpen(true);

  function contextOf(caller: Caller): FhirContext {
    const asked = { interaction: EVENTS_OPERATION, request: '', query: `Subscription/${id}` };
    return { ...server(), vault, caller, asked };
  }

  async function setStatus(next: 'active' | 'error' | 'off', code?: string): Promise<void> {
    error = code;
    if (next === 'off') log.setOpen(false);
    if (next !== status) {
      writing += 1;
      try {
        const written = await changeStatus(server(), vault, row, next, code);
        if (written !== undefined) {
          row = written;
          log.setSeen(written.version);
        }
      } finally {
        writing -= 1;
      }
      status = next;
    }
    await log.save();
  }

  async function render(type: NotificationType, events: readonly NumberedEvent[]): Promise<string> {
    const shown = await shownOf(events);
    const count = type === 'event-notification' ? (events.at(-1)?.number ?? 0) : await countNow();
    const facts = statusFacts(server(), live, type, count, log.isMissedUntold);
    return notificationText(facts, shown, server().clock());
  }

  /** What is not delivered yet counts too, and is journalled; not for one who is no longer allowed anything. */
  async function countNow(): Promise<number> {
    const caller = log.delivered < durableCount ? await ownerNow(ports, owner) : undefined;
    return caller === undefined ? log.delivered : tellCount(contextOf(caller), ports, live);
  }

  /** As the owner may see them now; numbers alone for one who is no longer allowed anything. */
  async function shownOf(events: readonly NumberedEvent[]): Promise<readonly ShownEvent[]> {
    if (events.length === 0) return [];
    const caller = await ownerNow(ports, owner);
    if (caller === undefined) return events.map(({ number }) => ({ number }));
    return renderEvents(contextOf(caller), ports, events, terms.content);
  }

  const live: LiveSubscription = {
    ...{ id, owner, terms, filter, log, socket },
    get version() {
      return row.version;
    },
    get status() {
      return status;
    },
    get isWriting() {
      return writing > 0;
    },
    get error() {
      return error;
    },
    get durableCount() {
      return durableCount;
    },
    get savedIndex() {
      return savedIndex;
    },
    async save() {
      const { index } = log.cursor;
      durableCount = Math.max(durableCount, await log.save());
      savedIndex = index;
      delivery.wake();
    },
    async endWhenDue() {
      if (terms.endMs === undefined || status === 'off' || server().clock() < terms.endMs) return;
      await live.end();
    },
    async end() {
      await setStatus('off');
      await delivery.stop();
    },
    async stop() {
      await delivery.stop();
      await settling;
      await log.save().catch(reportFailure);
    },
  };
  const delivery: Delivery = startDelivery({
    ...{ channel, log, timing, render, setStatus, reportFailure },
    durableCount: () => durableCount,
    maxCount: terms.maxCount,
    heartbeatMs: terms.heartbeatMs,
    isInError: status === 'error' && log.isOpen,
    isStillAllowed: () => ports.isStillAllowed(owner),
  });
  if (socket !== undefined) {
    socket.onBound(() => delivery.wake());
    if (status !== 'active') settling = setStatus('active').catch(reportFailure);
  }
  return live;
}

/** Code of a status that tells that entries could not be read: what they were about is to be read anew. */
const EVENTS_MISSING = 'SUBSCRIPTION_EVENTS_MISSING';

/** What a notification, or `$status`, says of a subscription. */
export function statusFacts(
  { baseUrl }: FhirServer,
  { id, terms, status, error }: Pick<LiveSubscription, 'id' | 'terms' | 'status' | 'error'>,
  type: NotificationType,
  count: number,
  isMissing: boolean,
): StatusFacts {
  const errors = [...(error === undefined ? [] : [error]), ...(isMissing ? [EVENTS_MISSING] : [])];
  return { baseUrl, id, topic: terms.topic.url, status, type, count, errors };
}
