import { bytesToHex, hexToBytes } from '../std/bytes.ts';
import { reject } from './codes.ts';
import { type ColumnName, columns } from './columns.ts';
import type { Change, Connection } from './database/connection.ts';
import { ONE, slot } from './database/query-builder.ts';
import { ENTRIES_PER_GENERATION, MAX_GENERATION, positionOf } from './position.ts';
import type { RowMac } from './row-mac.ts';
import type { AnchorRow } from './vault.ts';
import { vaultQueries } from './vault-schema.ts';

export interface EntryRow {
  readonly position: number;
  readonly account: string;
  readonly leaf: Uint8Array;
  /** The nonce is null for a version: its row in `version` has the header, and the body, if any, is its write context. */
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
  /** The open generation, its size and the leaves after its last full tile. Rejects with VAULT_DAMAGED. */
  openGeneration(): Promise<GenerationRow | undefined>;
  generation(generation: number): Promise<GenerationRow | undefined>;
  /** `edge` are the leaves after the last full tile: only the tiles before them have a MAC of their own. */
  setSize(generation: number, size: number, edge: readonly Uint8Array[]): Change;
  addEntry(row: EntryRow): Change;
  entry(position: number): Promise<EntryRow | undefined>;
  /** Entries from a position up to, not with, another, in order. */
  entriesBetween(from: number, to: number): Promise<readonly EntryRow[]>;
  /** Entries before a position, newest first. */
  entriesBefore(before: number, limit: number): Promise<readonly EntryRow[]>;
  /** Entries about an account before a position, newest first. */
  entriesOf(account: string, before: number, limit: number): Promise<readonly EntryRow[]>;
  lastPosition(): Promise<number | undefined>;
  permitUsed(permit: string): Promise<boolean>;
  usePermit(permit: string, position: number): Change;
  /** The first one of a size stays. */
  addAnchor(anchor: AnchorRow): Change;
  lastAnchor(): Promise<AnchorRow | undefined>;
  firstAnchorBeyond(generation: number, index: number): Promise<AnchorRow | undefined>;
}

export function createJournalTable(connection: Connection, mac: RowMac): JournalTable {
  const rows = prepareRows(connection);

  type StoredGeneration = { generation: number; size: number; mac: Uint8Array };
  async function checkedGeneration(row: StoredGeneration | undefined): Promise<GenerationRow | undefined> {
    if (row === undefined) return undefined;
    const { generation, size } = row;
    if (generation < 0 || generation > MAX_GENERATION || size < 0)
      throw reject('VAULT_DAMAGED', { table: 'generation' });
    const end = generation * ENTRIES_PER_GENERATION + size;
    const edge = (await rows.leaves.all(end - (size % TILE_WIDTH), end)).map((entry) => entry.leaf);
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
    openGeneration: async () => checkedGeneration(await rows.openGeneration.get()),
    generation: async (generation) => checkedGeneration(await rows.generation.get(generation)),
    setSize: (generation, size, edge) =>
      rows.setSize.change(generation, size, mac.of('generation', [generation, size], ...edge)),
    addEntry: (row) => rows.addEntry.change(row.position, row.account, row.leaf, row.nonce, row.body),
    entry: (position) => rows.entry.get(position),
    entriesBetween: (from, to) => rows.entriesBetween.all(from, to),
    entriesBefore: (before, limit) => rows.entriesBefore.all(before, limit),
    entriesOf: (account, before, limit) => rows.entriesOf.all(account, before, limit),
    lastPosition: async () => (await rows.lastPosition.get())?.position,
    permitUsed: async (permit) => (await rows.permit.get(permit)) !== undefined,
    usePermit: (permit, position) => rows.usePermit.change(permit, position),
    addAnchor(anchor) {
      const root = hexToBytes(anchor.root);
      if (root === undefined || root.length !== 32) throw new TypeError('an anchor root is 64 hexadecimal digits');
      positionOf(anchor.generation, 0);
      const values = [anchor.generation, anchor.size, anchor.transaction] as const;
      const sum = mac.of('anchor', values, root);
      return rows.addAnchor.change(anchor.generation, anchor.size, root, anchor.transaction, sum);
    },
    lastAnchor: async () => checkedAnchor(await rows.lastAnchor.get()),
    firstAnchorBeyond: async (generation, index) => checkedAnchor(await rows.anchorBeyond.get(generation, index)),
  };
}

function prepareRows(connection: Connection) {
  const { dialect } = connection;
  const from = vaultQueries(dialect);
  const of = <Name extends ColumnName>(...names: Name[]) => columns(dialect, ...names);
  const entries = from.selectFrom('entry').select(of('position', 'account', 'leaf', 'nonce', 'body'));
  const generations = from.selectFrom('generation').select(of('generation', 'size', 'mac'));
  const anchors = from.selectFrom('anchor').select(of('generation', 'size', 'root', 'tx', 'mac'));
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
    entriesBetween: connection.prepare(
      entries.where('position', '>=', slot).where('position', '<', slot).orderBy('entry.position').compile(),
    ),
    leaves: connection.prepare(
      from
        .selectFrom('entry')
        .select(of('leaf'))
        .where('position', '>=', slot)
        .where('position', '<', slot)
        .orderBy('entry.position')
        .compile(),
    ),
    entriesBefore: connection.prepare(
      entries.where('position', '<', slot).orderBy('entry.position', 'desc').limit(slot).compile(),
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
      from.selectFrom('entry').select(of('position')).orderBy('entry.position', 'desc').limit(ONE).compile(),
    ),
    permit: connection.prepare(from.selectFrom('permit').select(of('position')).where('permit', '=', slot).compile()),
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
