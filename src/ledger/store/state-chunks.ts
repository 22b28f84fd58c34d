import type { Head } from '../../chain/block.ts';
import { HEAD_KEY } from '../../chain/head-store.ts';
import { type LogLeaf, OUTCOME_LEAF_TAG } from '../../chain/leaf.ts';
import { REPLAY_WINDOW_MS } from '../../chain/transaction.ts';
import type { KvReader } from '../../state/store.ts';
import { utf8, utf8ToText } from '../../std/bytes.ts';
import { canonicalBytes } from '../../std/canonical-json.ts';
import { frameTag, u64 } from '../../std/frame.ts';
import { leafOf } from './log-entries.ts';
import { isStateRowKey, leafHashes, parseHead, rebuild, type StateRow, TIME_KEY, unproven } from './state-rows.ts';
import type { LogEntry, LogRun, StateSource } from './state-store.ts';

/**
 * State and entries as a list of chunks, the same bytes on every node:
 * frame('aceso/state-rows/1', key, value, key, value, …), rows in byte order of their keys, then
 * frame('aceso/log-entries/1', u64(index of the first), leaf, wire, leaf, wire, …), the wire empty for a block's leaf.
 * A chunk ends before the row or entry that would make it larger than CHUNK_BYTES; one alone may be larger.
 */
const ROWS_TAG = 'aceso/state-rows/1';
const ENTRIES_TAG = 'aceso/log-entries/1';
const CHUNK_BYTES = 4 * 1024 * 1024;
/** CometBFT takes no message with a chunk beyond 16 MB (statesync/messages.go, chunkMsgSize). */
export const MAX_CHUNK_BYTES = 15_000_000;

/** How long chunks are cut before others have their turn. */
const SLICE_MS = 5;
/** Entries that are kept together. */
const RUN_ENTRIES = 1024;

/**
 * Cuts chunks, in slices between which others have their turn. `first` is the index of the first entry. Throws RangeError
 * for a row or an entry that no chunk takes.
 */
export async function* cutChunks(
  rows: Iterable<StateRow>,
  first: number,
  entries: AsyncIterable<LogEntry>,
): AsyncGenerator<Uint8Array> {
  // Whoever takes a chunk hashes it at once, which takes about a slice.
  for await (const chunk of cut(rows, first, entries)) {
    await othersTurn();
    yield chunk;
  }
}

async function* cut(
  rows: Iterable<StateRow>,
  first: number,
  entries: AsyncIterable<LogEntry>,
): AsyncGenerator<Uint8Array> {
  const rest = sliced();
  let chunk = chunkOf(ROWS_TAG);
  for (const [key, value] of rows) {
    await rest();
    const parts = [utf8(key), value];
    if (!chunk.hasRoom(parts)) {
      yield chunk.bytes();
      chunk = chunkOf(ROWS_TAG);
    }
    chunk.add(parts);
  }
  yield chunk.bytes();
  let index = first;
  let run: ReturnType<typeof chunkOf> | undefined;
  for await (const { leaf, wire } of entries) {
    await rest();
    const parts = [leaf, wire ?? NO_BYTES];
    if (run?.hasRoom(parts) === false) {
      yield run.bytes();
      run = undefined;
    }
    run ??= chunkOf(ENTRIES_TAG, u64(index));
    run.add(parts);
    index++;
  }
  if (run !== undefined) yield run.bytes();
}

const NO_BYTES = new Uint8Array(0);

/** A frame in the making: `frame` itself takes its parts as arguments, and these are too many. */
function chunkOf(tag: string, ...first: readonly Uint8Array[]) {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const add = (more: readonly Uint8Array[]): void => {
    for (const part of more) {
      parts.push(part);
      sizeBytes += 4 + part.length;
    }
  };
  add([utf8(tag), ...first]);
  const begun = parts.length;
  return {
    add,
    hasRoom: (more: readonly Uint8Array[]) =>
      parts.length === begun || more.reduce((sum, { length }) => sum + 4 + length, sizeBytes) <= CHUNK_BYTES,
    bytes(): Uint8Array {
      if (sizeBytes > MAX_CHUNK_BYTES) throw new RangeError(`a row or an entry of ${sizeBytes} bytes`);
      const out = new Uint8Array(sizeBytes);
      const view = new DataView(out.buffer);
      let at = 0;
      for (const part of parts) {
        view.setUint32(at, part.length);
        out.set(part, at + 4);
        at += 4 + part.length;
      }
      return out;
    },
  };
}

/** To be awaited between small pieces of work. */
function sliced(): () => Promise<void> | undefined {
  let since = performance.now();
  return () => {
    if (performance.now() - since < SLICE_MS) return undefined;
    return othersTurn().then(() => {
      since = performance.now();
    });
  };
}

function othersTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The head that the first chunk begins with. Throws Reject LEDGER_STATE_UNPROVEN when it begins with something else. */
export function headOfChunk(bytes: Uint8Array): Head {
  if (frameTag(bytes) !== ROWS_TAG) throw unproven('head');
  for (const [key, value] of rowsOf(bytes)) {
    if (key !== HEAD_KEY) break;
    return parseHead(value);
  }
  throw unproven('head');
}

export interface ChunkSourceOptions {
  readonly chunks: number;
  /** The bytes of a chunk. What it throws is thrown on. */
  read(index: number): Promise<Uint8Array>;
  /** Throws when what the rows lead to is not what is asked for. Nothing of the entries has been looked at then. */
  judge(head: Head, treeRoot: string): void;
  /** Whether the entries are all there are, or those of the last ten minutes. */
  readonly entries: 'all' | 'window';
  /** Block time is at least this, whatever the newest leaf says. */
  readonly notBeforeMs: number;
}

/**
 * Chunks of somebody else as what a store is filled with. Throws Reject LEDGER_STATE_UNPROVEN for all that does not
 * follow from the app hash of the head; that this is the right one is for `judge` to say. Block time is that of the
 * newest leaf: a later one, of blocks that were empty, is in no hash.
 */
export function chunkSource(options: ChunkSourceOptions): StateSource {
  let at = 0;
  let head: Head | undefined;
  let timeMs = options.notBeforeMs;

  async function* rows(): AsyncGenerator<StateRow> {
    let before = '';
    for (; at < options.chunks; at++) {
      const bytes = await options.read(at);
      if (frameTag(bytes) !== ROWS_TAG) return;
      for (const row of rowsOf(bytes)) {
        if (row[0] <= before) throw unproven('row');
        yield row;
        before = row[0];
      }
    }
  }

  async function* entries(loaded: KvReader): AsyncGenerator<LogRun> {
    const hashAt = leafHashes(loaded);
    let first: number | undefined;
    let next: number | undefined;
    let [oldest, newest]: LogLeaf[] = [];
    for (; at < options.chunks; at++) {
      for (const run of runsOf(await options.read(at))) {
        if (run.first !== (next ?? run.first)) throw unproven('entry');
        for (const [offset, entry] of run.entries.entries()) {
          const hash = hashAt(run.first + offset);
          newest = hash === undefined ? undefined : leafOf(hash, entry);
          if (newest === undefined) throw unproven('entry');
          oldest ??= newest;
        }
        yield run;
        first ??= run.first;
        next = run.first + run.entries.length;
      }
    }
    if ((next ?? 0) !== (head as Head).logSize) throw unproven('entries');
    if (newest === undefined || oldest === undefined) return;
    const isWindow = options.entries === 'window' && oldest.timeMs < newest.timeMs - REPLAY_WINDOW_MS;
    if (first !== 0 && !isWindow) throw unproven('entries');
    timeMs = Math.max(timeMs, newest.timeMs);
  }

  return {
    rows: rows(),
    async prove(loaded, write) {
      const proven = await rebuild(loaded, write);
      options.judge(proven.head, proven.treeRoot);
      head = proven.head;
    },
    entries,
    finish: () => ({ height: (head as Head).height, writes: new Map([[TIME_KEY, canonicalBytes(timeMs)]]) }),
  };
}

/** Rows one after the other: a hostile chunk may hold millions of nothing, which are never there at once. */
function* rowsOf(bytes: Uint8Array): Generator<StateRow> {
  let key: string | undefined;
  for (const part of partsOf(bytes)) {
    if (key === undefined) {
      key = asciiOf(part);
      if (key === undefined || !isStateRowKey(key)) throw unproven('row');
    } else {
      yield [key, part];
      key = undefined;
    }
  }
  if (key !== undefined) throw unproven('row');
}

function* runsOf(bytes: Uint8Array): Generator<LogRun> {
  if (frameTag(bytes) !== ENTRIES_TAG) throw unproven('entry');
  const parts = partsOf(bytes);
  let first = indexOf(parts.next().value);
  let entries: LogEntry[] = [];
  for (let leaf = parts.next(); leaf.done !== true; leaf = parts.next()) {
    const wire = parts.next();
    if (wire.done === true) throw unproven('entry');
    entries.push(entryOf(leaf.value, wire.value));
    if (entries.length < RUN_ENTRIES) continue;
    yield { first, entries };
    first += entries.length;
    entries = [];
  }
  if (entries.length > 0) yield { first, entries };
}

function entryOf(leaf: Uint8Array, wire: Uint8Array): LogEntry {
  // A wire may have no bytes: a block is free to hold such a thing, whose outcome says that it is no transaction.
  if (frameTag(leaf) === OUTCOME_LEAF_TAG) return { leaf, wire };
  if (wire.length > 0) throw unproven('entry');
  return { leaf };
}

function indexOf(part: Uint8Array | undefined): number {
  if (part?.length !== 8) throw unproven('entry');
  const index = new DataView(part.buffer, part.byteOffset).getBigUint64(0);
  if (index > BigInt(Number.MAX_SAFE_INTEGER)) throw unproven('entry');
  return Number(index);
}

/** What follows the tag of a frame, part by part. */
function* partsOf(bytes: Uint8Array): Generator<Uint8Array, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 <= bytes.length ? at + 4 + view.getUint32(at) : Number.POSITIVE_INFINITY;
    if (end > bytes.length) throw unproven('chunk');
    if (at > 0) yield bytes.subarray(at + 4, end);
    at = end;
  }
}

function asciiOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8ToText(bytes);
  } catch {
    return undefined;
  }
}
