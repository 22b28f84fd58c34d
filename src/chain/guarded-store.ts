import type { KvReader } from '../state/store.ts';
import { StorageFault } from './fault.ts';

/** A reader whose every failure is a StorageFault, whatever the store threw, so that none is taken for a contract's. */
export function guardStore(store: KvReader): KvReader {
  return {
    get(key) {
      try {
        return store.get(key);
      } catch (cause) {
        throw new StorageFault(`the store cannot read ${key}`, { cause });
      }
    },
    *range(from, to) {
      // Not around the yield: what the consumer throws is its own.
      const entries = attempt(from, () => store.range(from, to)[Symbol.iterator]());
      try {
        for (;;) {
          const next = attempt(from, () => entries.next());
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        entries.return?.();
      }
    },
  };
}

function attempt<T>(from: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new StorageFault(`the store cannot read from ${from}`, { cause });
  }
}
