import { appendLog, consistencyProof, inclusionProof, logRoot, type TileReader } from '../state/log.ts';
import { logLeafHash } from '../state/log-proof.ts';
import type { Change, Connection } from './database/connection.ts';
import { type JournalTable, TILE_WIDTH } from './journal-table.ts';
import type { RowMac } from './row-mac.ts';
import { createTileTable } from './tile-table.ts';

/**
 * The journal as an RFC 6962 log, by the ledger's own code (state/log.ts), one prefix for each generation. Only full
 * tiles are stored; the up to 255 leaves after them are in memory, and in the entries' rows for the next start. So a
 * commit costs one MAC over those, and the root is worked out when somebody asks.
 */
export interface JournalLog {
  readonly generation: number;
  /** With what is on its way. */
  readonly size: number;
  /** What is durable of the open generation, and its root, from what is in memory: nobody else is told of more. */
  readonly head: { readonly generation: number; readonly size: number; readonly root: Uint8Array };
  /**
   * Changes for the new size and the tiles that `leaves` fill up. `adopt` is to be called once they are on their way, and
   * what it returns once they are durable.
   */
  append(leaves: readonly Uint8Array[]): Promise<{ readonly changes: readonly Change[]; adopt(): () => void }>;
  /** Takes back what was adopted and will not become durable. */
  revert(): void;
  root(generation: number, size: number): Promise<Uint8Array>;
  inclusion(generation: number, index: number, size: number): Promise<readonly Uint8Array[]>;
  consistency(generation: number, from: number, to: number): Promise<readonly Uint8Array[]>;
  /** Goes on with an empty log of another generation. */
  startGeneration(generation: number): void;
}

type Tiles = Map<string, Uint8Array>;

/** Rejects with VAULT_DAMAGED when the rows and the open generation's size do not agree. */
export async function createJournalLog(connection: Connection, table: JournalTable, mac: RowMac): Promise<JournalLog> {
  const tiles = createTileTable(connection, mac);
  const prefixOf = (of: number) => `j/${of}/`;
  let { generation, size, edge } = (await table.openGeneration()) ?? { generation: 0, size: 0, edge: [] };
  /** The stored tiles that the root of the open generation is made of: the last one of each level. */
  let rim: Tiles = new Map();
  let last: JournalLog['head'] | undefined;

  /** Runs the log's synchronous code over stored tiles: what it misses is read, and it runs again. */
  async function withTiles<R>(run: (reader: TileReader) => R, known: Tiles = new Map()): Promise<R> {
    for (;;) {
      const missing = new Set<string>();
      const get = (key: string): Uint8Array | undefined => {
        const tile = known.get(key);
        if (tile === undefined) missing.add(key);
        return tile;
      };
      try {
        return run({ get });
      } catch (error) {
        if (missing.size === 0) throw error;
        const found = await Promise.all([...missing].map(async (key) => [key, await tiles.get(key)] as const));
        // A tile that is not there is what the log's code said.
        for (const [key, tile] of found) {
          if (tile === undefined) throw error;
          known.set(key, tile);
        }
      }
    }
  }

  /** A reader of a whole log: stored tiles, and the edge as the tile it will once be part of. */
  function wholeLog(stored: TileReader, of: number, length: number, leaves: readonly Uint8Array[]): TileReader {
    const { writes } = appendLog(stored, prefixOf(of), length - leaves.length, leaves.map(logLeafHash));
    return { get: (key) => writes.get(key) ?? stored.get(key) };
  }

  /** What `prove` makes of a generation's log; `at` is the size that it is asked for. */
  async function proveIn<R>(of: number, at: number, prove: (reader: TileReader, prefix: string) => R): Promise<R> {
    const row = of === generation ? { size, edge } : await table.generation(of);
    if (row === undefined || !Number.isInteger(at) || at < 0 || at > row.size)
      throw new RangeError(`journal ${of} has ${row?.size ?? 0} entries, not ${at}`);
    const known = of === generation ? new Map(rim) : undefined;
    return withTiles((stored) => prove(wholeLog(stored, of, row.size, row.edge), prefixOf(of)), known);
  }

  /** The tiles of `known` that the root of the full tiles needs; the others grow no more. */
  async function rimOf(length: number, known: Tiles): Promise<Tiles> {
    const needed: Tiles = new Map();
    await withTiles((stored) => {
      const get = (key: string): Uint8Array | undefined => {
        const tile = stored.get(key);
        if (tile !== undefined) needed.set(key, tile);
        return tile;
      };
      return logRoot({ get }, prefixOf(generation), length);
    }, known);
    return needed;
  }
  rim = await rimOf(size - edge.length, new Map());
  let durable = { generation, size, edge, rim };

  return {
    get generation() {
      return generation;
    },
    get size() {
      return size;
    },
    get head() {
      if (last?.generation !== durable.generation || last.size !== durable.size) {
        const { generation: of, size: at, edge: leaves, rim: tiles } = durable;
        const reader = wholeLog({ get: (key) => tiles.get(key) }, of, at, leaves);
        last = { generation: of, size: at, root: logRoot(reader, prefixOf(of), at) };
      }
      return last;
    },
    async append(leaves) {
      if (leaves.length === 0) return { changes: [], adopt: () => () => {} };
      const all = [...edge, ...leaves];
      const filled = all.length - (all.length % TILE_WIDTH);
      const rest = all.slice(filled);
      const changes = [table.setSize(generation, size + leaves.length, rest)];
      let newRim = rim;
      if (filled > 0) {
        const full = size - edge.length;
        const hashes = all.slice(0, filled).map(logLeafHash);
        const known = new Map(rim);
        const { writes } = await withTiles((stored) => appendLog(stored, prefixOf(generation), full, hashes), known);
        for (const [key, value] of writes) {
          if (value === null) continue;
          changes.push(tiles.put(key, value));
          known.set(key, value);
        }
        newRim = await rimOf(full + filled, known);
      }
      return {
        changes,
        adopt() {
          edge = rest;
          size += leaves.length;
          rim = newRim;
          const now = { generation, size, edge, rim };
          return () => {
            durable = now;
          };
        },
      };
    },
    revert() {
      ({ generation, size, edge, rim } = durable);
    },
    root: (of, at) => proveIn(of, at, (reader, prefix) => logRoot(reader, prefix, at)),
    inclusion: (of, index, at) => proveIn(of, at, (reader, prefix) => inclusionProof(reader, prefix, index, at)),
    consistency: (of, from, to) => proveIn(of, to, (reader, prefix) => consistencyProof(reader, prefix, from, to)),
    startGeneration(next) {
      generation = next;
      size = 0;
      edge = [];
      rim = new Map();
      durable = { generation, size, edge, rim };
    },
  };
}
