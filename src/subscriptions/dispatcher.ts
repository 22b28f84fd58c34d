import type { Caller } from '../auth/caller.ts';
import type { FhirContext } from '../fhir/context.ts';
import type { JournalEntry } from '../vault/vault.ts';
import type { DispatcherParts } from './dispatcher-parts.ts';
import { openEventLog, type Place } from './event-log.ts';
import { TIMING } from './limits.ts';
import { type LiveSubscription, openLive } from './live-subscription.ts';
import { allOwners, forgetOwner, ownerNow } from './owner.ts';
import { readStretch } from './read-journal.ts';
import { eventsAmong } from './scan-journal.ts';
import { sweepHeaders } from './secret-headers.ts';
import { forgetCounted } from './tell-count.ts';

/** Follows one custodian's journal for all subscriptions to it. */
export interface Dispatcher {
  /** Something may be written to this subscription: looked at until it is, or for a minute. */
  touch(id: string): void;
  live(id: string): LiveSubscription | undefined;
  all(): readonly LiveSubscription[];
  /** Ends deliveries and writes down how far they are. */
  stop(): Promise<void>;
}

/** Entries that one look takes from the journal. */
const ENTRIES = 256;
/** How many entries a subscription may be behind on the disk without events: so much is looked at again after a crash. */
const UNSAVED_ENTRIES = 2000;
/** Damaged entries that are remembered as reported. */
const MAX_REPORTED = 10_000;
/** How long a write that was announced may take; what was kept for one that never came is removed then. */
const TOUCHED_MS = 60_000;

/**
 * One loop for each vault: takes up subscriptions that were written, reads the entries that none of them has seen, numbers
 * those that are events for each, makes that durable, and wakes their deliveries. What happens in an entry's place
 * depends on nothing in memory, so a crash at any point loses nothing: what was not durable is looked at again.
 */
export function startDispatcher(parts: DispatcherParts): Dispatcher {
  const { vault, server, ports, timing = TIMING, reportFailure, reportDamage } = parts;
  const lives = new Map<string, LiveSubscription>();
  /** Until when these are looked at, on the monotonic clock. */
  const touched = new Map<string, number>();
  /** Versions of those that are not live, as they were looked at. */
  const settled = new Map<string, number>();
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let isStarted = false;
  let lastFailure = '';

  /** Entries that were reported: each once, however many subscriptions come by it. */
  const reported = new Set<string>();

  /** The context of an owner as things are now: what was lost since the subscription was asked for counts no more. */
  async function contextOf(owner: Caller): Promise<FhirContext | undefined> {
    const caller = await ownerNow(ports, owner);
    return caller === undefined ? undefined : { ...server(), vault, caller };
  }

  async function start(): Promise<void> {
    for (const { id } of await allOwners(vault)) touch(id);
    isStarted = true;
  }

  function touch(id: string): void {
    touched.set(id, performance.now() + TOUCHED_MS);
  }

  async function refresh(): Promise<void> {
    const now = performance.now();
    for (const [id, untilMs] of touched) {
      const live = lives.get(id);
      if (live?.isWriting === true) continue;
      const row = await vault.current('Subscription', id);
      const isErased = row?.erased === true && live !== undefined;
      if (row !== undefined && (isErased || row.version !== (live?.version ?? settled.get(id))))
        await replace(id, row.version);
      if (now < untilMs) continue;
      touched.delete(id);
      settled.delete(id);
      // Announced and never written: the write was refused after its owner was kept.
      if (row === undefined) await forget(id);
    }
  }

  async function replace(id: string, version: number): Promise<void> {
    await lives.get(id)?.stop();
    lives.delete(id);
    settled.set(id, version);
    const opened = await openLive({ ...parts, timing }, id);
    if (opened === 'gone') await forget(id);
    else if (opened !== undefined) lives.set(id, opened);
  }

  async function forget(id: string): Promise<void> {
    await (await openEventLog(vault, id, { generation: 0, index: 0 })).remove();
    await sweepHeaders(vault, id);
    await forgetCounted(vault, id);
    await forgetOwner(vault, id);
  }

  /** The first entry that some subscription has not seen. */
  function firstUnseen(open: readonly LiveSubscription[]): Place | undefined {
    const cursors = open.map(({ log }) => log.cursor);
    return cursors.sort((a, b) => a.generation - b.generation || a.index - b.index)[0];
  }

  /** Shows one stretch of the journal to those that have not seen it. False at the journal's end. */
  async function scan(open: readonly LiveSubscription[]): Promise<boolean> {
    const place = firstUnseen(open);
    if (place === undefined) return false;
    const { entries, damaged, next } = await readStretch(vault, place, ENTRIES);
    if (next.generation === place.generation && next.index === place.index) return false;
    for (const index of damaged) report({ generation: place.generation, index });
    for (const entry of entries) lookAgain(entry);
    const isOver = next.generation > place.generation;
    await Promise.all(
      open.map(async (live) => {
        const { cursor } = live.log;
        if (cursor.generation !== place.generation || (!isOver && cursor.index >= next.index)) return;
        const unseen = entries.filter(({ index }) => index >= cursor.index);
        const scanned = await eventsAmong(() => contextOf(live.owner), ports, live.filter, unseen);
        if (scanned === undefined) return live.end();
        const missed = scanned.missed + damaged.filter((index) => index >= cursor.index).length;
        live.log.advance(next, scanned.events, missed);
        // Whoever it was about, it is told at once, and durably: nothing else would show that something is missing.
        if (missed > 0) await live.save();
        return undefined;
      }),
    );
    return true;
  }

  /** A subscription may have been written, or erased with all that is its patient's. */
  function lookAgain(entry: JournalEntry): void {
    if (entry.kind === 'version') {
      if (entry.row.type === 'Subscription') touch(entry.row.id);
    } else if (entry.header.kind === 'erasure') {
      for (const { id, owner } of lives.values())
        if (entry.header.account === (owner.kind === 'patient' ? owner.account : vault.custodian)) touch(id);
    }
  }

  function report(place: Place): void {
    const name = `${place.generation}.${place.index}`;
    if (reported.has(name)) return;
    if (reported.size >= MAX_REPORTED) reported.clear();
    reported.add(name);
    reportDamage(place);
  }

  /** Numbers become durable before anybody is told of them; all of one pass in one commit or two. */
  async function save(open: readonly LiveSubscription[]): Promise<void> {
    await Promise.all(
      open.map(async (live) => {
        const isBehind = live.log.cursor.index - live.savedIndex > UNSAVED_ENTRIES;
        if (live.durableCount < live.log.count || isBehind) await live.save();
      }),
    );
  }

  async function pass(): Promise<void> {
    if (vault.status() !== 'serving') return;
    if (!isStarted) await start();
    await refresh();
    for (const live of lives.values()) await live.endWhenDue();
    for (;;) {
      const open = [...lives.values()].filter(({ log }) => log.isOpen);
      if (isStopped || open.length === 0 || !(await scan(open))) return;
      await save(open);
    }
  }

  async function run(): Promise<void> {
    try {
      await pass();
      lastFailure = '';
    } catch (error) {
      // Said once for each kind of failure: the loop comes back many times a second.
      const name = error instanceof Error ? error.message : 'unknown';
      if (name !== lastFailure && !isStopped) reportFailure(error);
      lastFailure = name;
    }
    if (isStopped) return;
    const isIdle = lives.size + touched.size === 0 || lastFailure !== '';
    timer = setTimeout(next, isIdle ? timing.idleMs : timing.pollMs);
    timer.unref();
  }

  let running: Promise<void> = Promise.resolve();
  function next(): void {
    running = run();
  }
  next();

  return {
    touch,
    live: (id) => lives.get(id),
    all: () => [...lives.values()],
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
      await Promise.all([...lives.values()].map((live) => live.stop()));
    },
  };
}
