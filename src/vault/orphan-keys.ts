import type { Connection } from './database/connection.ts';
import type { KeyStore } from './key-store.ts';
import { createMetaTable } from './meta-table.ts';
import type { VersionStore } from './version-table.ts';

/**
 * Keys are durable before the versions that they are for, so a crash between the two leaves keys that no version names.
 * They are always the last ones. They are swept once the journal is known to extend its anchor, never before and never
 * on a restored vault: there they may be the keys of versions that only this copy of the vault has lost.
 */
export interface OrphanKeys {
  /** Number of keys that went. Runs between commits. */
  sweep(): Promise<number>;
  /** Keeps them for good. Runs between commits. */
  keep(): Promise<void>;
}

/** Highest key id that was kept: those up to it are not orphans of a later crash. */
const KEPT = 'keptTo';

/** Notes the orphans of the last run durably, since keys that are written from now on follow them. */
export async function createOrphanKeys(
  keys: Connection,
  keyStore: KeyStore,
  versions: VersionStore,
): Promise<OrphanKeys> {
  const meta = createMetaTable(keys);
  const lastNamed = await versions.highestKeyId();
  const noted = (await keyStore.unswept()).map((range) => range.to_id);
  const first = Math.max(lastNamed, Number((await meta.get(KEPT)) ?? 0), ...noted) + 1;
  const last = await keyStore.highestKeyId();
  if (last >= first) await keys.write([keyStore.addUnswept(first, last)]);
  // A tombstone names a key that is gone, whose id must not come again.
  keyStore.reserveKeyIds(Math.max(lastNamed, last));

  return {
    async sweep() {
      const ranges = await keyStore.unswept();
      if (ranges.length === 0) return 0;
      const counts = await Promise.all(ranges.map((range) => keyStore.countKeys(range.from_id, range.to_id)));
      const gone = ranges.map((range) => keyStore.deleteKeys(range.from_id, range.to_id));
      await keys.write([...gone, keyStore.clearUnswept()]);
      await keys.overwrite();
      return counts.reduce((sum, count) => sum + count, 0);
    },
    async keep() {
      await keys.write([meta.set(KEPT, String(await keyStore.highestKeyId())), keyStore.clearUnswept()]);
    },
  };
}
