import { utf8, utf8ToText } from '../std/bytes.ts';
import type { Vault } from '../vault/vault.ts';
import { LIMITS } from './limits.ts';

/** A place in the custodian's journal. */
export interface Place {
  readonly generation: number;
  readonly index: number;
}

/** An event of a subscription: its number, counted from 1 without gaps, and the journal entry that it is about. */
export interface NumberedEvent extends Place {
  readonly number: number;
}

/** What is known of a subscription beside its resource, in one document: written at once or not at all. */
interface StateDocument {
  /** Version of the resource that was acted on last. */
  seen: number;
  /** The first journal entry that has not been looked at. */
  cursor: [generation: number, index: number];
  /** Events so far. */
  count: number;
  /** The highest number that the receiver took. */
  delivered: number;
  /** The channel has been verified, or needs no verifying: events count. */
  open: boolean;
  /** Places of the events after the last full chunk: generation, index, generation, index, … */
  tail: number[];
  /** Entries that could not be read and may have been events; of how many of them the receiver was told. */
  missed?: number;
  told?: number;
}

const STATE = 'subscription-state';
/** Documents of full chunks, `<id>.<chunk>`: events 1 to 128 are chunk 0. */
const CHUNK = 'subscription-events';
const CHUNK_EVENTS = 128;
/** Full chunks that are kept: enough for the newest `keptEvents`, whatever the tail holds. */
const KEPT_CHUNKS = Math.ceil(LIMITS.keptEvents / CHUNK_EVENTS);

/**
 * The durable part of a subscription: how far the journal was looked at, which entries became events under which
 * numbers, and how far they were delivered. A number is given by the same write that moves the cursor past the entry, so
 * that after a crash no entry has two numbers and no number is left out. Of the events the last hundred or so lie in the
 * state itself; a chunk that is full is written before the state that no longer holds it: a crash between the two leaves a
 * chunk that is written again, with other places if policy changed meanwhile, and nobody was told of the first ones.
 */
export interface EventLog {
  readonly id: string;
  readonly cursor: Place;
  readonly count: number;
  readonly delivered: number;
  readonly seen: number;
  readonly isOpen: boolean;
  /** Number of the oldest event that is kept; count + 1 when there is none. */
  readonly oldest: number;
  /** Entries before the cursor that could not be read, since the subscription was asked for last. */
  readonly missed: number;
  /** The receiver does not know of all of them yet. */
  readonly isMissedUntold: boolean;
  /** Moves the cursor and numbers events, in memory. `save` makes it durable. `missed` more entries could not be read. */
  advance(cursor: Place, events: readonly Place[], missed?: number): void;
  /** The receiver was told that so many could not be read. */
  setTold(missed: number): void;
  /** The subscription is asked for anew: what it missed before is no news of it any more. */
  forgetMissed(): void;
  setDelivered(number: number): void;
  setSeen(version: number): void;
  setOpen(isOpen: boolean): void;
  /** Writes what has changed; a call that finds it written does nothing. Resolves to the count that is durable. */
  save(): Promise<number>;
  /** True while there is something to save. */
  readonly isChanged: boolean;
  /** Kept events of numbers `from` to `until`, both included, in order, at most `limit`. */
  events(from: number, until: number, limit: number): Promise<readonly NumberedEvent[]>;
  /** Removes all of it. */
  remove(): Promise<void>;
}

/** The log of a subscription; one that was never written begins at `start`. */
export async function openEventLog(vault: Vault, id: string, start: Place): Promise<EventLog> {
  const stored = await vault.getDocument(STATE, id);
  const state: StateDocument =
    stored === undefined
      ? { seen: 0, cursor: [start.generation, start.index], count: 0, delivered: 0, open: false, tail: [] }
      : (JSON.parse(utf8ToText(stored)) as StateDocument);
  /** Full chunks that are not written yet, by number. */
  const full = new Map<number, number[]>();
  let isChanged = stored === undefined;
  let saving: Promise<number> = Promise.resolve(state.count);
  let removed = false;

  const oldestChunk = () => Math.max(0, Math.floor(state.count / CHUNK_EVENTS) - KEPT_CHUNKS);
  const oldest = () => Math.min(oldestChunk() * CHUNK_EVENTS, state.count) + 1;

  async function write(): Promise<number> {
    if (!isChanged || removed) return state.count;
    isChanged = false;
    const { count } = state;
    const text = JSON.stringify(state);
    const chunks = [...full];
    try {
      for (const [chunk, places] of chunks) {
        await vault.putDocument(CHUNK, `${id}.${chunk}`, utf8(JSON.stringify(places)));
        if (chunk >= KEPT_CHUNKS) await vault.putDocument(CHUNK, `${id}.${chunk - KEPT_CHUNKS}`, null);
      }
      await vault.putDocument(STATE, id, utf8(text));
    } catch (error) {
      isChanged = true;
      throw error;
    }
    for (const [chunk] of chunks) full.delete(chunk);
    return count;
  }

  async function chunkAt(chunk: number): Promise<readonly number[]> {
    if (chunk === Math.floor(state.count / CHUNK_EVENTS)) return state.tail;
    const unwritten = full.get(chunk);
    if (unwritten !== undefined) return unwritten;
    const bytes = await vault.getDocument(CHUNK, `${id}.${chunk}`);
    return bytes === undefined ? [] : (JSON.parse(utf8ToText(bytes)) as number[]);
  }

  return {
    id,
    get cursor() {
      return { generation: state.cursor[0], index: state.cursor[1] };
    },
    get count() {
      return state.count;
    },
    get delivered() {
      return state.delivered;
    },
    get seen() {
      return state.seen;
    },
    get isOpen() {
      return state.open;
    },
    get oldest() {
      return oldest();
    },
    get isChanged() {
      return isChanged;
    },
    get missed() {
      return state.missed ?? 0;
    },
    get isMissedUntold() {
      return (state.missed ?? 0) > (state.told ?? 0);
    },
    advance({ generation, index }, events, missed = 0) {
      state.cursor = [generation, index];
      if (missed > 0) state.missed = (state.missed ?? 0) + missed;
      for (const event of events) {
        state.tail.push(event.generation, event.index);
        state.count += 1;
        if (state.count % CHUNK_EVENTS === 0) {
          full.set(state.count / CHUNK_EVENTS - 1, state.tail);
          state.tail = [];
        }
      }
      isChanged = true;
    },
    setDelivered(number) {
      if (number <= state.delivered) return;
      state.delivered = number;
      isChanged = true;
    },
    setTold(missed) {
      if (missed <= (state.told ?? 0)) return;
      state.told = missed;
      isChanged = true;
    },
    forgetMissed() {
      if (state.missed === undefined) return;
      delete state.missed;
      delete state.told;
      isChanged = true;
    },
    setSeen(version) {
      state.seen = version;
      isChanged = true;
    },
    setOpen(open) {
      if (state.open === open) return;
      state.open = open;
      isChanged = true;
    },
    save() {
      // One after the other, so that the last state written is the last one.
      saving = saving.catch(() => 0).then(write);
      return saving;
    },
    async events(from, until, limit) {
      const first = Math.max(from, oldest());
      const last = Math.min(until, state.count, first + limit - 1);
      const found: NumberedEvent[] = [];
      for (let number = first; number <= last; ) {
        const chunk = Math.floor((number - 1) / CHUNK_EVENTS);
        const places = await chunkAt(chunk);
        const end = Math.min(last, (chunk + 1) * CHUNK_EVENTS);
        for (; number <= end; number++) {
          const at = ((number - 1) % CHUNK_EVENTS) * 2;
          const [generation, index] = [places[at], places[at + 1]];
          if (generation !== undefined && index !== undefined) found.push({ number, generation, index });
        }
      }
      return found;
    },
    async remove() {
      removed = true;
      await saving.catch(() => 0);
      for (let chunk = Math.max(0, oldestChunk() - 1); chunk * CHUNK_EVENTS < state.count; chunk++) {
        await vault.putDocument(CHUNK, `${id}.${chunk}`, null);
      }
      await vault.putDocument(STATE, id, null);
    },
  };
}
