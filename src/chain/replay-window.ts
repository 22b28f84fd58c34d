import { REPLAY_WINDOW_MS } from './transaction.ts';

const BUCKET_MS = 60_000;

/**
 * Ids that must not run again, by the minute in which they expire. An id is asked for only while its transaction has
 * not expired, so whole minutes are dropped. Costs about 150 bytes an id: at a thousand transactions a second that
 * live five minutes, 45 MB. Not state: the log holds the same ids, and `remember` rebuilds it after a restart.
 */
export interface ReplayWindow {
  /** True when a transaction with this id ran, in an earlier block or in the one that is being executed. */
  has(id: string, notAfterMs: number): boolean;
  /** Notes a transaction that ran in block `height`. */
  add(id: string, notAfterMs: number, height: number): void;
  /** Notes an id from the log, whose expiry is not known, by the block time at which it ran. */
  remember(id: string, timeMs: number): void;
  /** Forgets what ran at `height` or above (a block that is executed once more), and what expired before `timeMs`. */
  beginBlock(height: number, timeMs: number): void;
}

export function createReplayWindow(): ReplayWindow {
  // Height by id. Remembered ids stand apart, since nothing tells when they expire but their block.
  const buckets = new Map<number, Map<string, number>>();
  const remembered = new Map<number, Set<string>>();
  let top = -1;
  const bucketOf = (timeMs: number): number => Math.floor(timeMs / BUCKET_MS);

  function isRemembered(id: string): boolean {
    // fence: whether any holds it does not depend on the order
    for (const ids of remembered.values()) if (ids.has(id)) return true;
    return false;
  }

  return {
    has(id, notAfterMs) {
      return buckets.get(bucketOf(notAfterMs))?.has(id) === true || (remembered.size > 0 && isRemembered(id));
    },
    add(id, notAfterMs, height) {
      const key = bucketOf(notAfterMs);
      const ids = buckets.get(key) ?? new Map<string, number>();
      buckets.set(key, ids);
      ids.set(id, height);
      if (height > top) top = height;
    },
    remember(id, timeMs) {
      const key = bucketOf(timeMs + REPLAY_WINDOW_MS);
      const ids = remembered.get(key) ?? new Set<string>();
      remembered.set(key, ids);
      ids.add(id);
    },
    beginBlock(height, timeMs) {
      const now = bucketOf(timeMs);
      // fence: what is dropped does not depend on the order
      for (const key of buckets.keys()) if (key < now) buckets.delete(key);
      // fence: nor does it here, where ids of an earlier run are
      for (const key of remembered.keys()) if (key < now) remembered.delete(key);
      if (top < height) return;
      // fence: what is dropped does not depend on the order
      for (const ids of buckets.values()) {
        for (const [id, ranAt] of ids) if (ranAt >= height) ids.delete(id);
      }
      top = height - 1;
    },
  };
}
