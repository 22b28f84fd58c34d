import { columns } from './columns.ts';
import type { Change, Connection } from './database/connection.ts';
import { slot } from './database/query-builder.ts';
import { TILE_WIDTH } from './journal-table.ts';
import type { RowMac } from './row-mac.ts';
import { vaultQueries } from './vault-schema.ts';

const TILE_BYTES = TILE_WIDTH * 32;
const MAX_CACHED_TILES = 64;

/** Tiles of the journal's log by key. Partial tiles of upper levels are replaced as they grow. */
export interface TileTable {
  /** Rejects with VAULT_DAMAGED when it is not the one that was put. */
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Change;
}

export function createTileTable(connection: Connection, mac: RowMac): TileTable {
  const from = vaultQueries(connection.dialect);
  const get = connection.prepare(
    from
      .selectFrom('tile')
      .select(columns(connection.dialect, 'bytes', 'mac'))
      .where('name', '=', slot)
      .compile(),
  );
  const put = connection.prepare(
    from
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
    async get(key) {
      const known = full.get(key);
      if (known !== undefined) return known;
      const row = await get.get(key);
      if (row === undefined) return undefined;
      mac.check(row.mac, 'tile', [key], row.bytes);
      // Only full ones: they never change, so they cannot be old.
      if (row.bytes.length === TILE_BYTES) {
        if (full.size >= MAX_CACHED_TILES) full.delete(full.keys().next().value as string);
        full.set(key, row.bytes);
      }
      return row.bytes;
    },
    put: (key, bytes) => put.change(key, bytes, mac.of('tile', [key], bytes)),
  };
}
