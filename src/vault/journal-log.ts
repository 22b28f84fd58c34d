import { appendLog, consistencyProof, inclusionProof, logRoot } from '../state/log.ts';
import { logLeafHash } from '../state/log-proof.ts';
import type { KvReader } from '../state/store.ts';
import { columns } from './columns.ts';
import { type Connection, slot } from './database.ts';
import { type JournalTable, TILE_WIDTH } from './journal-table.ts';
import type { RowMac } from './row-mac.ts';
import { vaultQueries } from './vault-schema.ts';

/**
 * The journal as an RFC 6962 log, by the ledger's own code (state/log.ts), one prefix for each generation. Only full
 * tiles are stored; the up to 255 leaves after them are in memory, and in the entries' rows for the next start. So a
 * commit costs one MAC over those, and roots are worked out when somebody asks.
 */
export interface JournalLog {
  readonly generation: number;
  readonly size: number;
  /** Writes the new size, and the tiles that `leaves` fill up, inside the caller's transaction. Call the result once that is durable. */
  append(leaves: readonly Uint8Array[]): () => void;
  root(generation: number, size: number): Uint8Array;
  inclusion(generation: number, index: number, size: number): readonly Uint8Array[];
  consistency(generation: number, from: number, to: number): readonly Uint8Array[];
  /** Goes on with an empty log of another generation. */
  startGeneration(generation: number): void;
}

const TILE_BYTES = TILE_WIDTH * 32;
const MAX_CACHED_TILES = 64;

/** Throws Reject VAULT_DAMAGED when the rows and the open generation's size do not agree. */
export function createJournalLog(connection: Connection, table: JournalTable, mac: RowMac): JournalLog {
  const tiles = createTileReader(connection, mac);
  let generation = 0;
  let edge: readonly Uint8Array[] = [];
  let size = 0;
  let last: { generation: number; size: number; reader: KvReader } | undefined;

  const prefixOf = (of: number) => `j/${of}/`;
  const open = table.openGeneration();
  if (open !== undefined) ({ generation, size, edge } = open);

  /** A reader of the whole log: stored tiles, and the edge as the tile it will once be part of. */
  function readerOf(of: number): KvReader {
    const row = of === generation ? { size, edge } : table.generation(of);
    if (row === undefined) throw new RangeError(`no journal generation ${of}`);
    if (last?.generation === of && last.size === row.size) return last.reader;
    const { writes } = appendLog(tiles, prefixOf(of), row.size - row.edge.length, row.edge.map(logLeafHash));
    const reader: KvReader = { get: (key) => writes.get(key) ?? tiles.get(key), range: tiles.range };
    last = { generation: of, size: row.size, reader };
    return reader;
  }

  return {
    get generation() {
      return generation;
    },
    get size() {
      return size;
    },
    append(leaves) {
      if (leaves.length === 0) return () => {};
      const all = [...edge, ...leaves];
      const filled = all.length - (all.length % TILE_WIDTH);
      if (filled > 0) {
        const hashes = all.slice(0, filled).map(logLeafHash);
        const { writes } = appendLog(tiles, prefixOf(generation), size - edge.length, hashes);
        for (const [key, value] of writes) if (value !== null) tiles.put(key, value);
      }
      const rest = all.slice(filled);
      table.setSize(generation, size + leaves.length, rest);
      return () => {
        edge = rest;
        size += leaves.length;
      };
    },
    root: (of, at) => logRoot(readerOf(of), prefixOf(of), checkedSize(of, at)),
    inclusion: (of, index, at) => inclusionProof(readerOf(of), prefixOf(of), index, checkedSize(of, at)),
    consistency: (of, from, to) => consistencyProof(readerOf(of), prefixOf(of), from, checkedSize(of, to)),
    startGeneration(next) {
      generation = next;
      size = 0;
      edge = [];
    },
  };

  function checkedSize(of: number, at: number): number {
    const most = of === generation ? size : (table.generation(of)?.size ?? 0);
    if (!Number.isInteger(at) || at < 0 || at > most)
      throw new RangeError(`journal ${of} has ${most} entries, not ${at}`);
    return at;
  }
}

/** Tiles by key, each checked once against its MAC. Partial tiles of upper levels are replaced as they grow. */
function createTileReader(connection: Connection, mac: RowMac) {
  const get = connection.prepare(
    vaultQueries.selectFrom('tile').select(columns('bytes', 'mac')).where('name', '=', slot).compile(),
  );
  const put = connection.prepare(
    vaultQueries
      .insertInto('tile')
      .values({ name: slot, bytes: slot, mac: slot })
      .onConflict((conflict) =>
        conflict
          .column('name')
          .doUpdateSet((row) => ({ bytes: row.ref('excluded.bytes'), mac: row.ref('excluded.mac') })),
      )
      .compile(),
  );
  const full = new Map<string, Uint8Array>();
  return {
    get(key: string): Uint8Array | undefined {
      const known = full.get(key);
      if (known !== undefined) return known;
      const row = get.get(key);
      if (row === undefined) return undefined;
      mac.check(row.mac, 'tile', [key], row.bytes);
      // Only full ones: they never change, so a rollback cannot make them stale.
      if (row.bytes.length === TILE_BYTES) {
        if (full.size >= MAX_CACHED_TILES) full.delete(full.keys().next().value as string);
        full.set(key, row.bytes);
      }
      return row.bytes;
    },
    put: (key: string, bytes: Uint8Array) => void put.run(key, bytes, mac.of('tile', [key], bytes)),
    range(): Iterable<readonly [string, Uint8Array]> {
      throw new Error('tiles are read by key');
    },
  };
}
