import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
import { parseLeaf } from '../../chain/leaf.ts';
import type { KvReader, KvWrites } from '../../state/store.ts';
import { hexToBytes } from '../../std/bytes.ts';
import { frame, u64, unframe } from '../../std/frame.ts';
import { createMemtable, layeredReader, type Memtable } from './memtable.ts';

/** What a block adds beside its writes: its leaves, and where the leaf of each transaction stands. */
export interface BlockIndex {
  readonly firstLeafIndex: number;
  readonly leaves: readonly Uint8Array[];
  /** Transaction id, hexadecimal → index of its leaf in the log. */
  readonly transactions: ReadonlyMap<string, number>;
}

/** State as it was at one height, whatever is committed later. */
export interface Snapshot extends KvReader {
  readonly height: number;
  /** Gives the snapshot back; its reads throw from then on. Done by itself when nothing refers to it any more. */
  release(): void;
}

/**
 * State of the ledger in LMDB, behind the blocks: what blocks wrote stands in memory (memtables) until it is flushed
 * as one LMDB transaction. A crash loses what was not flushed, and the blocks after `flushedHeight` are executed again.
 * LMDB copies pages on write and switches roots last: after a crash it holds one whole flush or the one before.
 */
export interface StateStore {
  /** Height whose state LMDB holds durably; undefined when it holds nothing. */
  flushedHeight(): number | undefined;
  /** Takes a block's writes. They show in snapshots taken from now on. */
  apply(height: number, writes: KvWrites, index: BlockIndex): void;
  snapshot(): Snapshot;
  /** Index of the leaf of a transaction; undefined when it is not known. */
  leafIndexOf(id: string): number | undefined;
  leaf(index: number): Uint8Array | undefined;
  /** Leaves from `index` to the end of the run that they are kept in: what is read at once. Empty where it is lacking. */
  leaves(index: number): readonly Uint8Array[];
  /** Wire bytes of the transaction whose outcome is leaf `index`, where they were put beside; undefined elsewhere. */
  wire(index: number): Uint8Array | undefined;
  /** Height from which blocks are kept in the log of blocks; undefined where they are from genesis on. */
  baseHeight(): number | undefined;
  /**
   * Puts leaves and wires of earlier heights beside, durably when it resolves. `first` is the index of the first; none
   * of them is there yet.
   */
  putEntries(first: number, entries: readonly LogEntry[]): Promise<void>;
  /**
   * Replaces everything by what a source holds: a snapshot, another ledger's last state, or block 0. Durable as a whole
   * when it resolves; a crash before that leaves a store that counts as empty. Rejects with what the source throws: the
   * disk then counts as empty too. Until it resolves, and after it rejected, readers see what was there before.
   */
  load(source: StateSource): Promise<void>;
  /** Writes all that was applied to LMDB. Resolves false when the disk did not take it; it is tried again next time. */
  flush(): Promise<boolean>;
  /** Bytes in memory that are not flushed, about. */
  unflushedBytes(): number;
  close(): Promise<void>;
}

/** A leaf of the log and, for an outcome, the transaction that it is of. */
export interface LogEntry {
  readonly leaf: Uint8Array;
  readonly wire?: Uint8Array;
}

/** Entries that follow one another in the log; at most a few thousand, since they are kept together. */
export interface LogRun {
  readonly first: number;
  readonly entries: readonly LogEntry[];
}

/** Writes rows; a reader of what is loaded sees them once it has resolved. */
export type WriteRows = (writes: KvWrites) => Promise<void>;

/**
 * What a store is filled with at once. The four are asked in this order, so that nothing of a stranger's entries is read
 * before the rows are proven. `loaded` shows what was written so far.
 */
export interface StateSource {
  readonly rows: AsyncIterable<readonly [key: string, value: Uint8Array]>;
  /** Judges the rows that were loaded, and writes what follows from them. */
  prove(loaded: KvReader, write: WriteRows): Promise<void>;
  /** Runs of leaves, with their wires where blocks will not have them. */
  entries(loaded: KvReader): AsyncIterable<LogRun>;
  /** The height that this is the state of, and what is to be written last. Without a height it counts as empty. */
  finish(loaded: KvReader): { readonly height: number | undefined; readonly writes: KvWrites };
}

interface Layer {
  readonly table: Memtable;
  readonly bundles: { first: number; leaves: readonly Uint8Array[] }[];
  readonly transactions: Map<string, number>;
  height: number;
}

/** A state of LMDB that readers hold on to. */
interface Generation {
  readonly height: number;
  readonly transaction: Transaction;
  readonly reader: KvReader;
  holders: number;
}

const LEAVES_TAG = 'aceso/leaves/1';
const HEIGHT_KEY = 'height';
const BASE_KEY = 'base';
/** Rows in one LMDB transaction while a store is filled, and the bytes that end it before that. */
const LOAD_ROWS = 10_000;
const LOAD_BYTES = 8 * 1024 * 1024;
/** Values kept in memory beside LMDB, whose lookups cost more than a map's; the largest that are worth it. */
const CACHE_ENTRIES = 64 * 1024;
const CACHED_VALUE_BYTES = 4096;
/** Readers that may hold different generations at once. Generations change a few times a second at most. */
const MAX_READERS = 1024;

export interface StateStoreOptions {
  readonly path: string;
  readonly onFlushFailed?: (error: unknown) => void;
}

/** Opens the store. Throws what LMDB throws when its file is damaged. */
export function openStateStore({ path, onFlushFailed = () => {} }: StateStoreOptions): StateStore {
  const root: RootDatabase = open({ path, maxDbs: 5, maxReaders: MAX_READERS, encoding: 'binary' });
  const state: Database<Uint8Array, string> = root.openDB({ name: 'state', encoding: 'binary' });
  const transactions: Database<Uint8Array, Uint8Array> = root.openDB({
    name: 'transactions',
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  const leaves: Database<Uint8Array, number> = root.openDB({ name: 'leaves', encoding: 'binary' });
  const wires: Database<Uint8Array, number> = root.openDB({ name: 'wires', encoding: 'binary' });
  const meta: Database<Uint8Array, string> = root.openDB({ name: 'meta', encoding: 'binary' });

  let active = createLayer();
  /** What a flush is writing; stays when the flush failed. */
  let frozen: Layer | undefined;
  let flushing: Promise<boolean> | undefined;
  let closed = false;
  /** What LMDB holds in the newest generation, as far as it was read; null: nothing. Older generations read past it. */
  const cache = new Map<string, Uint8Array | null>();
  /** What readers see, while a store is filled too. */
  let generation = openGeneration();
  let appliedHeight = generation.height;
  const forgotten = new FinalizationRegistry<Generation>(drop);

  function openGeneration(): Generation {
    state.resetReadTxn();
    const transaction = state.useReadTransaction();
    const options = { transaction };
    const height = meta.get(HEIGHT_KEY, options);
    const reader: KvReader = {
      get(key) {
        const isNewest = generation.reader === reader;
        const known = isNewest ? cache.get(key) : undefined;
        if (known !== undefined) return known ?? undefined;
        const value = state.get(key, options);
        const own = value === undefined ? null : plain(value);
        if (isNewest) remember(key, own);
        return own ?? undefined;
      },
      *range(from, to) {
        if (from >= to) return;
        for (const { key, value } of state.getRange({ start: from, end: to, transaction }))
          yield [key, plain(value)] as const;
      },
    };
    return { height: height === undefined ? -1 : readU64(height), transaction, reader, holders: 1 };
  }

  function remember(key: string, value: Uint8Array | null): void {
    if (value !== null && value.length > CACHED_VALUE_BYTES) return;
    if (cache.size >= CACHE_ENTRIES) cache.clear();
    cache.set(key, value);
  }

  function drop(held: Generation): void {
    held.holders--;
    // Closing the environment ends what is left of its transactions.
    if (held.holders === 0 && !closed) held.transaction.done();
  }

  function layers(): readonly Layer[] {
    return frozen === undefined ? [active] : [active, frozen];
  }

  async function writeFrozen(layer: Layer): Promise<boolean> {
    try {
      await root.batch(() => {
        putRows(layer.table.newest());
        for (const [id, index] of layer.transactions) transactions.put(hexToBytes(id) as Uint8Array, u64(index));
        for (const bundle of layer.bundles) leaves.put(bundle.first, frame(LEAVES_TAG, ...bundle.leaves));
        meta.put(HEIGHT_KEY, u64(layer.height));
      });
      await root.flushed;
    } catch (error) {
      onFlushFailed(error);
      return false;
    }
    frozen = undefined;
    const old = generation;
    generation = openGeneration();
    // The cache goes over to the new generation with what this flush has changed.
    for (const [key, value] of layer.table.newest()) {
      cache.delete(key);
      remember(key, value);
    }
    drop(old);
    return true;
  }

  function putRows(rows: Iterable<readonly [string, Uint8Array | null]>): void {
    for (const [key, value] of rows) {
      if (value === null) void state.remove(key);
      else void state.put(key, value);
    }
  }

  function writeEntries({ first, entries }: LogRun): void {
    leaves.put(first, frame(LEAVES_TAG, ...entries.map(({ leaf }) => leaf)));
    const noted = new Map<string, number>();
    for (const [at, { leaf: bytes, wire }] of entries.entries()) {
      if (wire !== undefined) void wires.put(first + at, wire);
      const leaf = parseLeaf(bytes);
      if (leaf?.kind !== 'outcome') continue;
      const known = noted.get(leaf.id) ?? leafIndexOf(leaf.id);
      const knownBytes = known === undefined ? undefined : (entries[known - first]?.leaf ?? leafRun(known)[0]);
      const isFound = leaf.signers.length > 0 || known === undefined || (first + at < known && !hasSigners(knownBytes));
      if (!isFound) continue;
      noted.set(leaf.id, first + at);
      transactions.put(hexToBytes(leaf.id) as Uint8Array, u64(first + at));
      // A later repetition that is not flushed yet would be put over it.
      for (const layer of layers()) layer.transactions.delete(leaf.id);
    }
  }

  /**
   * Without its height the store counts as empty, whatever else it still holds: taken away first, put back last. What a
   * crash left behind goes here too.
   */
  async function clear(): Promise<void> {
    await root.batch(() => void meta.remove(HEIGHT_KEY));
    for (const database of [state, transactions, leaves, wires, meta]) await database.clearAsync();
    await root.flushed;
  }

  async function load(source: StateSource): Promise<void> {
    await clear();
    let reading = openGeneration();
    const loaded: KvReader = {
      get: (key) => reading.reader.get(key),
      range: (from, to) => reading.reader.range(from, to),
    };
    const renew = (): void => {
      drop(reading);
      reading = openGeneration();
    };
    try {
      for await (const rows of batchesOf(source.rows)) await root.batch(() => putRows(rows));
      renew();
      await source.prove(loaded, async (writes) => {
        await root.batch(() => putRows(writes));
        renew();
      });
      for await (const run of source.entries(loaded)) await root.batch(() => writeEntries(run));
      const { height, writes } = source.finish(loaded);
      // What was loaded is on the disk before the height that says so.
      await root.flushed;
      await root.batch(() => {
        putRows(writes);
        if (height === undefined) return;
        meta.put(BASE_KEY, u64(height));
        meta.put(HEIGHT_KEY, u64(height));
      });
      await root.flushed;
      appliedHeight = height ?? -1;
    } finally {
      drop(reading);
    }
    const old = generation;
    generation = openGeneration();
    cache.clear();
    drop(old);
  }

  function leafIndexOf(id: string): number | undefined {
    for (const layer of layers()) {
      const index = layer.transactions.get(id);
      if (index !== undefined) return index;
    }
    const key = hexToBytes(id);
    const index = key?.length === 32 ? transactions.get(key) : undefined;
    return index === undefined ? undefined : readU64(index);
  }

  function leafRun(index: number): readonly Uint8Array[] {
    for (const layer of layers()) {
      const bundle = layer.bundles.findLast(({ first }) => first <= index);
      if (bundle !== undefined) return bundle.leaves.slice(index - bundle.first);
    }
    for (const { key, value } of leaves.getRange({ start: index, reverse: true, limit: 1 })) {
      return unframe(LEAVES_TAG, plain(value))?.slice(index - key) ?? [];
    }
    return [];
  }

  return {
    flushedHeight: () => (generation.height < 0 ? undefined : generation.height),
    apply(height, writes, { firstLeafIndex, leaves: added, transactions: ids }) {
      active.table.apply(height, writes);
      active.height = height;
      if (added.length > 0) active.bundles.push({ first: firstLeafIndex, leaves: added });
      for (const [id, index] of ids) active.transactions.set(id, index);
      appliedHeight = height;
    },
    snapshot() {
      const held = generation;
      held.holders++;
      // The reader's closures hold the token, so it is forgotten only when nobody can read any more.
      const token = { released: false };
      const tables = layers().map(({ table }) => table);
      const reader = layeredReader(tables, appliedHeight, held.reader);
      forgotten.register(token, held, token);
      const alive = (): void => {
        if (token.released || closed) throw new Error('this snapshot was released');
      };
      return {
        height: appliedHeight,
        get(key) {
          alive();
          return reader.get(key);
        },
        *range(from, to) {
          alive();
          for (const entry of reader.range(from, to)) {
            yield entry;
            alive();
          }
        },
        release() {
          if (token.released) return;
          token.released = true;
          forgotten.unregister(token);
          drop(held);
        },
      };
    },
    leafIndexOf,
    leaf: (index) => leafRun(index)[0],
    leaves: leafRun,
    async flush() {
      while (flushing !== undefined) await flushing;
      if (frozen === undefined) {
        if (active.height < 0) return true;
        frozen = active;
        active = createLayer();
      }
      flushing = writeFrozen(frozen);
      try {
        return await flushing;
      } finally {
        flushing = undefined;
      }
    },
    wire(index) {
      const bytes = wires.get(index);
      return bytes === undefined ? undefined : plain(bytes);
    },
    baseHeight() {
      const bytes = meta.get(BASE_KEY);
      return bytes === undefined ? undefined : readU64(bytes);
    },
    async putEntries(first, entries) {
      await root.batch(() => writeEntries({ first, entries }));
      await root.flushed;
    },
    async load(source) {
      while (flushing !== undefined) await flushing;
      [active, frozen] = [createLayer(), undefined];
      try {
        await load(source);
      } catch (error) {
        await clear();
        throw error;
      }
    },
    unflushedBytes: () => layers().reduce((sum, { table }) => sum + table.sizeBytes(), 0),
    async close() {
      await flushing;
      drop(generation);
      closed = true;
      await root.close();
    },
  };
}

async function* batchesOf(rows: StateSource['rows']): AsyncGenerator<(readonly [string, Uint8Array])[]> {
  let batch: (readonly [string, Uint8Array])[] = [];
  let bytes = 0;
  for await (const row of rows) {
    batch.push(row);
    bytes += row[1].length;
    if (batch.length < LOAD_ROWS && bytes < LOAD_BYTES) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  yield batch;
}

function hasSigners(bytes: Uint8Array | undefined): boolean {
  const leaf = bytes === undefined ? undefined : parseLeaf(bytes);
  return leaf?.kind === 'outcome' && leaf.signers.length > 0;
}

function createLayer(): Layer {
  return { table: createMemtable(), bundles: [], transactions: new Map(), height: -1 };
}

/** LMDB gives Buffers, whose `slice` shares memory where a Uint8Array's copies. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readU64(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
}
