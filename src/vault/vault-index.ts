import { u64 } from '../std/frame.ts';
import type { Connection } from './database/connection.ts';
import { reject } from './index/codes.ts';
import { createFinder, type Finder } from './index/find.ts';
import { createIndexHash, type IndexHash, type Scope } from './index/index-hash.ts';
import { createIndexWriter, type IndexWriter } from './index/index-writer.ts';
import { createTextSeals } from './index/sealed-texts.ts';
import type { IndexMarks } from './index-changes.ts';
import { createIndexKeyRing, type IndexKeyRing } from './index-keys.ts';
import type { KeyStore } from './key-store.ts';
import { createMetaTable } from './meta-table.ts';
import type { IndexProgress } from './vault.ts';
import type { VersionReader } from './version-reader.ts';
import type { VersionStore } from './version-table.ts';

/** The vault's index, put together: what writes it, what finds by it, and what it is of. */
export interface VaultIndex {
  readonly hash: IndexHash;
  readonly writer: IndexWriter;
  readonly finder: Finder;
  readonly ring: IndexKeyRing;
  /** Key that entries go under which are no account's own. */
  scope(): Scope;
  marks(): IndexMarks;
  /** From now on entries are of this format, durably; a lower one changes nothing. Runs between commits. */
  raiseFormat(format: number): Promise<void>;
  /** Throws Reject INDEX_BUILDING while resources have never been indexed. */
  requireBuilt(): void;
  building(): IndexProgress | undefined;
  /** How many have never been indexed, of how many; undefined when all have. */
  setBuilding(progress: IndexProgress | undefined): void;
}

/** In the vault's table of what it says of itself. */
export const FORMAT_ROW = 'indexFormat';
/** Number of resources when an upgrade left them unindexed; removed once all are. */
export const UNINDEXED_ROW = 'unindexed';
export const FIRST_FORMAT = 1;

export async function createVaultIndex(stands: {
  readonly vault: Connection;
  readonly keys: Connection;
  readonly keyStore: KeyStore;
  readonly versions: VersionStore;
  readonly reader: VersionReader;
  readonly derived: (label: string, ...context: readonly Uint8Array[]) => Uint8Array;
}): Promise<VaultIndex> {
  const { vault, keys, keyStore, versions, reader, derived } = stands;
  const hash = createIndexHash();
  const seals = createTextSeals();
  const ring = await createIndexKeyRing(keys, keyStore, {
    first: derived('aceso/vault/index/1'),
    kekOf: (generation) => derived('aceso/vault/index-kek/1', u64(generation)),
  });
  const writer = createIndexWriter(vault, hash, seals);
  await writer.recover();
  const meta = createMetaTable(vault);
  let format = Number((await meta.get(FORMAT_ROW)) ?? FIRST_FORMAT);
  const unindexed = Number((await meta.get(UNINDEXED_ROW)) ?? 0);
  let building: IndexProgress | undefined = unindexed === 0 ? undefined : { done: 0, total: unindexed };

  return {
    ...{ hash, ring },
    writer,
    finder: createFinder({
      ...{ connection: vault, keys: ring, hash, seals },
      cursorKey: derived('aceso/vault/find-cursors/1'),
      check: (row) => reader.remember(versions.foundVersion(row)),
    }),
    scope: () => ring.custodian()[0] as Scope,
    marks: () => ({ generation: ring.current, format }),
    async raiseFormat(next) {
      if (!Number.isInteger(next) || next < FIRST_FORMAT) throw new RangeError(`index format ${next}`);
      if (next <= format) return;
      await vault.write([meta.set(FORMAT_ROW, String(next))]);
      format = next;
    },
    requireBuilt() {
      if (building !== undefined) throw reject('INDEX_BUILDING', { done: building.done, total: building.total });
    },
    building: () => building,
    setBuilding(progress) {
      building = progress;
    },
  };
}
