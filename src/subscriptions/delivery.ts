import { randomInt } from 'node:crypto';
import { type Channel, DeliveryFailed } from './channel.ts';
import type { EventLog, NumberedEvent } from './event-log.ts';
import { LIMITS, type Timing } from './limits.ts';
import type { NotificationType } from './notification-bundle.ts';

/** What a delivery stands on. */
export interface DeliveryParts {
  readonly channel: Channel;
  readonly log: EventLog;
  /** Events whose numbers are durable: no other is sent. */
  readonly durableCount: () => number;
  readonly maxCount: number;
  readonly heartbeatMs: number | undefined;
  readonly timing: Timing;
  /** The status is `error`: what is taken next makes it `active`. */
  readonly isInError: boolean;
  /** Text of a notification as its owner may see it now; journalled. */
  readonly render: (type: NotificationType, events: readonly NumberedEvent[]) => Promise<string>;
  /** False ends the subscription. */
  readonly isStillAllowed: () => Promise<boolean>;
  readonly setStatus: (status: 'active' | 'error' | 'off', error?: string) => Promise<void>;
  /** Told of what is no failure of the receiver's: the vault's, or a bug. It is tried again. */
  readonly reportFailure: (error: unknown) => void;
}

export interface Delivery {
  /** There may be something to send. */
  wake(): void;
  /** Ends what is under way and resolves when nothing is. */
  stop(): Promise<void>;
}

type Work =
  | { readonly type: 'handshake' | 'heartbeat' }
  | { readonly type: 'event-notification'; readonly from: number };

/**
 * Delivers one subscription's notifications, one at a time and in order: a receiver that is slow or gone holds up its own
 * and nobody else's. What was not taken is sent again until it is, with waits that grow; after some failures the status
 * is `error`, and it goes on trying now and then. A handshake that fails is not tried again: the client asks anew.
 */
export function startDelivery(parts: DeliveryParts): Delivery {
  const { channel, log, timing } = parts;
  const stopping = new AbortController();
  const { signal } = stopping;
  let failures = 0;
  let { isInError } = parts;
  /** Refused at the handshake, or no longer allowed: nothing more is sent. */
  let isParked = false;
  let lastSentMs = performance.now();
  /** `wake` was called since it was last looked for something to do. */
  let isSignalled = false;
  let wait: { readonly isIdle: boolean; end(): void } | undefined;

  function nextWork(): Work | undefined {
    if (isParked || !channel.isReady()) return undefined;
    if (channel.needsHandshake()) return { type: 'handshake' };
    const from = Math.max(log.delivered + 1, log.oldest);
    if (from <= parts.durableCount()) return { type: 'event-notification', from };
    // That events may be missing does not wait for the next one.
    return heartbeatDueMs() <= 0 || log.isMissedUntold ? { type: 'heartbeat' } : undefined;
  }

  function heartbeatDueMs(): number {
    const { heartbeatMs } = parts;
    return heartbeatMs === undefined ? Number.POSITIVE_INFINITY : lastSentMs + heartbeatMs - performance.now();
  }

  function idleMs(): number {
    return isParked || !channel.isReady() ? Number.POSITIVE_INFINITY : heartbeatDueMs();
  }

  /** As many events as fit into one notification, and at least one. */
  async function rendered(work: Work): Promise<{ readonly events: readonly NumberedEvent[]; readonly text: string }> {
    if (work.type !== 'event-notification') return { events: [], text: await parts.render(work.type, []) };
    for (let most = parts.maxCount; ; most = Math.floor(most / 2)) {
      const events = await log.events(work.from, parts.durableCount(), most);
      const text = await parts.render(work.type, events);
      if (text.length <= LIMITS.notificationChars || most === 1) return { events, text };
    }
  }

  async function perform(work: Work): Promise<void> {
    const { missed } = log;
    const { events, text } = await rendered(work);
    await channel.send(text, signal);
    log.setTold(missed);
    lastSentMs = performance.now();
    failures = 0;
    if (work.type === 'handshake') {
      channel.greeted();
      log.setOpen(true);
      await parts.setStatus('active');
    } else if (isInError) await parts.setStatus('active');
    isInError = false;
    const last = events.at(-1);
    if (last !== undefined) log.setDelivered(last.number);
    // Not waited for: after a crash the last ones are sent once more.
    if (log.isChanged) log.save().catch(parts.reportFailure);
  }

  /** What to do about a notification that was not taken; resolves to how long to wait. */
  async function afterFailure(work: Work, code: string): Promise<number> {
    lastSentMs = performance.now();
    // A websocket that is gone is no failure: its client comes back, and what it missed waits.
    if (!channel.isReady()) return 0;
    failures += 1;
    if (work.type === 'handshake') {
      isParked = true;
      log.setOpen(false);
      await parts.setStatus('error', code);
      return 0;
    }
    if (failures >= timing.failuresToError) {
      if (!isInError) await parts.setStatus('error', code);
      isInError = true;
      return timing.slowRetryMs;
    }
    const most = Math.min(timing.firstRetryMs * 2 ** (failures - 1), timing.mostRetryMs);
    return most / 2 + randomInt(Math.ceil(most) + 1) / 2;
  }

  async function attempt(work: Work): Promise<number> {
    try {
      if (!(await parts.isStillAllowed())) {
        isParked = true;
        channel.close();
        await parts.setStatus('off');
        return 0;
      }
      await perform(work);
      return 0;
    } catch (error) {
      if (signal.aborted) return 0;
      if (error instanceof DeliveryFailed) {
        return afterFailure(work, error.code).catch((failed: unknown) => {
          parts.reportFailure(failed);
          return timing.firstRetryMs;
        });
      }
      parts.reportFailure(error);
      return timing.mostRetryMs / 60;
    }
  }

  /** Waits, at most so long; `wake` ends it early where `isIdle`, and `stop` always. */
  function pause(ms: number, isIdle: boolean): Promise<void> {
    if (signal.aborted || (isIdle && isSignalled)) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        wait = undefined;
        resolve();
      };
      const timer = Number.isFinite(ms) ? setTimeout(end, Math.max(1, Math.min(ms, 2 ** 30))) : undefined;
      wait = { isIdle, end };
    });
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      isSignalled = false;
      const work = nextWork();
      if (work === undefined) await pause(idleMs(), true);
      else {
        const waitMs = await attempt(work);
        if (waitMs > 0) await pause(waitMs, false);
      }
    }
  }

  const running = run();
  return {
    wake() {
      isSignalled = true;
      if (wait?.isIdle === true) wait.end();
    },
    async stop() {
      stopping.abort();
      wait?.end();
      channel.close();
      await running;
    },
  };
}
