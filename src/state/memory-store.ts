import type { KvReader, KvWrites } from './store.ts';

/** A store in memory: for tests, and for verifying blocks without a disk. Iteration sorts, so it is not for large state. */
export function createMemoryStore(): KvReader & { apply(writes: KvWrites): void } {
  const entries = new Map<string, Uint8Array>();
  return {
    get: (key) => entries.get(key),
    *range(from, to) {
      const keys = [...entries.keys()].filter((key) => key >= from && key < to).sort(compareKeys);
      for (const key of keys) yield [key, entries.get(key) as Uint8Array] as const;
    },
    apply(writes) {
      for (const [key, value] of writes) {
        if (value === null) entries.delete(key);
        else entries.set(key, value);
      }
    },
  };
}

/** Byte order of ASCII keys. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
