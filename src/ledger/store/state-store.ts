import { type Database, open, type RootDatabase, type Transaction } from 'lmdb';
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
  /** Writes all that was applied to LMDB. Resolves false when the disk did not take it; it is tried again next time. */
  flush(): Promise<boolean>;
  /** Bytes in memory that are not flushed, about. */
  unflushedBytes(): number;
  close(): Promise<void>;
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
  const root: RootDatabase = open({ path, maxDbs: 4, maxReaders: MAX_READERS, encoding: 'binary' });
  const state: Database<Uint8Array, string> = root.openDB({ name: 'state', encoding: 'binary' });
  const transactions: Database<Uint8Array, Uint8Array> = root.openDB({
    name: 'transactions',
    encoding: 'binary',
    keyEncoding: 'binary',
  });
  const leaves: Database<Uint8Array, number> = root.openDB({ name: 'leaves', encoding: 'binary' });
  const meta: Database<Uint8Array, string> = root.openDB({ name: 'meta', encoding: 'binary' });

  let active = createLayer();
  /** What a flush is writing; stays when the flush failed. */
  let frozen: Layer | undefined;
  let flushing: Promise<boolean> | undefined;
  let closed = false;
  /** What LMDB holds in the newest generation, as far as it was read; null: nothing. Older generations read past it. */
  const cache = new Map<string, Uint8Array | null>();
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
        for (const [key, value] of layer.table.newest()) {
          if (value === null) state.remove(key);
          else state.put(key, value);
        }
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
    leafIndexOf(id) {
      for (const layer of layers()) {
        const index = layer.transactions.get(id);
        if (index !== undefined) return index;
      }
      const key = hexToBytes(id);
      const index = key?.length === 32 ? transactions.get(key) : undefined;
      return index === undefined ? undefined : readU64(index);
    },
    leaf(index) {
      for (const layer of layers()) {
        const bundle = layer.bundles.findLast(({ first }) => first <= index);
        if (bundle !== undefined) return bundle.leaves[index - bundle.first];
      }
      for (const { key, value } of leaves.getRange({ start: index, reverse: true, limit: 1 })) {
        return unframe(LEAVES_TAG, plain(value))?.[index - key];
      }
      return undefined;
    },
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
    unflushedBytes: () => layers().reduce((sum, { table }) => sum + table.sizeBytes(), 0),
    async close() {
      await flushing;
      drop(generation);
      closed = true;
      await root.close();
    },
  };
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
