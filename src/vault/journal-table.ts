import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { reject } from './codes.ts';
import { columns } from './columns.ts';
import { type Connection, ONE, slot } from './database.ts';
import { ENTRIES_PER_GENERATION, MAX_GENERATION, positionOf } from './position.ts';
import type { RowMac } from './row-mac.ts';
import type { AnchorRow } from './vault.ts';
import { vaultQueries } from './vault-schema.ts';

export interface EntryRow {
  readonly position: number;
  readonly account: string;
  readonly leaf: Uint8Array;
  /** Both null for a version: its row in `version` has the header. */
  readonly nonce: Uint8Array | null;
  readonly body: string | null;
}

export interface GenerationRow {
  readonly generation: number;
  readonly size: number;
  readonly edge: readonly Uint8Array[];
}

/** Entries that a tile of the log holds (state/log.ts). */
export const TILE_WIDTH = 256;

/** Rows of the journal: generations, entries, used permits, anchors. */
export interface JournalTable {
  /** The open generation, its size and the leaves after its last full tile. Throws Reject VAULT_DAMAGED. */
  openGeneration(): GenerationRow | undefined;
  generation(generation: number): GenerationRow | undefined;
  /** `edge` are the leaves after the last full tile: only the tiles before them have a MAC of their own. */
  setSize(generation: number, size: number, edge: readonly Uint8Array[]): void;
  addEntry(row: EntryRow): void;
  entry(position: number): EntryRow | undefined;
  /** Entries about an account before a position, newest first. */
  entriesOf(account: string, before: number, limit: number): readonly EntryRow[];
  lastPosition(): number | undefined;
  permitUsed(permit: string): boolean;
  usePermit(permit: string, position: number): void;
  /** The first one of a size stays. */
  addAnchor(anchor: AnchorRow): void;
  lastAnchor(): AnchorRow | undefined;
  firstAnchorBeyond(generation: number, index: number): AnchorRow | undefined;
}

export function createJournalTable(connection: Connection, mac: RowMac): JournalTable {
  const rows = prepareRows(connection);

  type StoredGeneration = { generation: number; size: number; mac: Uint8Array };
  function checkedGeneration(row: StoredGeneration | undefined): GenerationRow | undefined {
    if (row === undefined) return undefined;
    const { generation, size } = row;
    if (generation < 0 || generation > MAX_GENERATION || size < 0)
      throw reject('VAULT_DAMAGED', { table: 'generation' });
    const end = generation * ENTRIES_PER_GENERATION + size;
    const edge = rows.leaves.all(end - (size % TILE_WIDTH), end).map((entry) => entry.leaf);
    mac.check(row.mac, 'generation', [generation, size], ...edge);
    return { generation, size, edge };
  }

  type StoredAnchor = { generation: number; size: number; root: Uint8Array; tx: string; mac: Uint8Array };
  function checkedAnchor(row: StoredAnchor | undefined): AnchorRow | undefined {
    if (row === undefined) return undefined;
    mac.check(row.mac, 'anchor', [row.generation, row.size, row.tx], row.root);
    return { generation: row.generation, size: row.size, root: bytesToHex(row.root), transaction: row.tx };
  }

  return {
    openGeneration: () => checkedGeneration(rows.openGeneration.get()),
    generation: (generation) => checkedGeneration(rows.generation.get(generation)),
    setSize: (generation, size, edge) =>
      void rows.setSize.run(generation, size, mac.of('generation', [generation, size], ...edge)),
    addEntry: (row) => void rows.addEntry.run(row.position, row.account, row.leaf, row.nonce, row.body),
    entry: (position) => rows.entry.get(position),
    entriesOf: (account, before, limit) => rows.entriesOf.all(account, before, limit),
    lastPosition: () => rows.lastPosition.get()?.position,
    permitUsed: (permit) => rows.permit.get(permit) !== undefined,
    usePermit: (permit, position) => void rows.usePermit.run(permit, position),
    addAnchor(anchor) {
      const root = hexToBytes(anchor.root);
      if (root === undefined || root.length !== 32) throw new TypeError('an anchor root is 64 hexadecimal digits');
      positionOf(anchor.generation, 0);
      const values = [anchor.generation, anchor.size, anchor.transaction] as const;
      rows.addAnchor.run(anchor.generation, anchor.size, root, anchor.transaction, mac.of('anchor', values, root));
    },
    lastAnchor: () => checkedAnchor(rows.lastAnchor.get()),
    firstAnchorBeyond: (generation, index) => checkedAnchor(rows.anchorBeyond.get(generation, index)),
  };
}

function prepareRows(connection: Connection) {
  const from = vaultQueries;
  const entries = from.selectFrom('entry').select(columns('position', 'account', 'leaf', 'nonce', 'body'));
  const generations = from.selectFrom('generation').select(columns('generation', 'size', 'mac'));
  const anchors = from.selectFrom('anchor').select(columns('generation', 'size', 'root', 'tx', 'mac'));
  return {
    openGeneration: connection.prepare(generations.orderBy('generation.generation', 'desc').limit(ONE).compile()),
    generation: connection.prepare(generations.where('generation', '=', slot).compile()),
    setSize: connection.prepare(
      from
        .insertInto('generation')
        .values({ generation: slot, size: slot, mac: slot })
        .onConflict((conflict) =>
          conflict
            .column('generation')
            .doUpdateSet((row) => ({ size: row.ref('excluded.size'), mac: row.ref('excluded.mac') })),
        )
        .compile(),
    ),
    addEntry: connection.prepare(
      from.insertInto('entry').values({ position: slot, account: slot, leaf: slot, nonce: slot, body: slot }).compile(),
    ),
    entry: connection.prepare(entries.where('position', '=', slot).compile()),
    leaves: connection.prepare(
      from
        .selectFrom('entry')
        .select(columns('leaf'))
        .where('position', '>=', slot)
        .where('position', '<', slot)
        .orderBy('entry.position')
        .compile(),
    ),
    entriesOf: connection.prepare(
      entries
        .where('account', '=', slot)
        .where('position', '<', slot)
        .orderBy('entry.position', 'desc')
        .limit(slot)
        .compile(),
    ),
    lastPosition: connection.prepare(
      from.selectFrom('entry').select(columns('position')).orderBy('entry.position', 'desc').limit(ONE).compile(),
    ),
    permit: connection.prepare(
      from.selectFrom('permit').select(columns('position')).where('permit', '=', slot).compile(),
    ),
    usePermit: connection.prepare(
      from
        .insertInto('permit')
        .values({ permit: slot, position: slot })
        .onConflict((conflict) => conflict.column('permit').doNothing())
        .compile(),
    ),
    addAnchor: connection.prepare(
      from
        .insertInto('anchor')
        .values({ generation: slot, size: slot, root: slot, tx: slot, mac: slot })
        .onConflict((conflict) => conflict.columns(['generation', 'size']).doNothing())
        .compile(),
    ),
    lastAnchor: connection.prepare(
      anchors.orderBy('anchor.generation', 'desc').orderBy('anchor.size', 'desc').limit(ONE).compile(),
    ),
    anchorBeyond: connection.prepare(
      anchors.where('generation', '=', slot).where('size', '>', slot).orderBy('anchor.size').limit(ONE).compile(),
    ),
  };
}
