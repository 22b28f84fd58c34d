import { createSortedKeys } from './sorted-keys.ts';
import type { KvReader, KvWrites } from './store.ts';

/** Byte order of ASCII keys. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A store in memory, for tests and for verifying blocks without a disk. It is no snapshot: a reader sees what is applied. */
export function createMemoryStore(): KvReader & { apply(writes: KvWrites): void } {
  // A removed key keeps its place, with null, so that the order of keys is only ever added to.
  const entries = new Map<string, Uint8Array | null>();
  const keys = createSortedKeys();
  return {
    get: (key) => entries.get(key) ?? undefined,
    *range(from, to) {
      for (const key of keys.range(from, to)) {
        const value = entries.get(key);
        if (value !== null && value !== undefined) yield [key, value] as const;
      }
    },
    apply(writes) {
      for (const [key, value] of writes) {
        if (!entries.has(key)) {
          if (value === null) continue;
          keys.add(key);
        }
        entries.set(key, value);
      }
    },
  };
}
