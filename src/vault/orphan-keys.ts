import type { Connection } from './database.ts';
import type { KeyStore } from './key-store.ts';
import { createMetaTable } from './meta-table.ts';
import type { VersionStore } from './version-table.ts';

/**
 * Keys are durable before the versions that they are for, so a crash between the two leaves keys that no version names.
 * They are always the last ones. They are swept once the journal is known to extend its anchor, never before and never
 * on a restored vault: there they may be the keys of versions that only this copy of the vault has lost.
 */
export interface OrphanKeys {
  /** Number of keys that went. */
  sweep(): number;
  /** Keeps them for good. */
  keep(): void;
}

/** Highest key id that was kept: those up to it are not orphans of a later crash. */
const KEPT = 'keptTo';

/** Notes the orphans of the last run durably, since keys that are written from now on follow them. */
export function createOrphanKeys(keys: Connection, keyStore: KeyStore, versions: VersionStore): OrphanKeys {
  const meta = createMetaTable(keys);
  const lastNamed = versions.highestKeyId();
  const noted = keyStore.unswept().map((range) => range.to_id);
  const from = Math.max(lastNamed, Number(meta.get(KEPT) ?? 0), ...noted) + 1;
  const to = keyStore.highestKeyId();
  if (to >= from) inTransaction(() => keyStore.addUnswept(from, to));
  // A tombstone names a key that is gone, whose id must not come again.
  keyStore.reserveKeyIds(Math.max(lastNamed, to));

  function inTransaction<R>(run: () => R): R {
    keys.begin();
    const result = run();
    keys.commit();
    return result;
  }

  return {
    sweep() {
      const ranges = keyStore.unswept();
      if (ranges.length === 0) return 0;
      const swept = inTransaction(() => {
        const count = ranges.reduce((sum, range) => sum + keyStore.deleteKeys(range.from_id, range.to_id), 0);
        keyStore.clearUnswept();
        return count;
      });
      keys.truncateLog();
      return swept;
    },
    keep() {
      inTransaction(() => {
        meta.set(KEPT, String(keyStore.highestKeyId()));
        keyStore.clearUnswept();
      });
    },
  };
}
