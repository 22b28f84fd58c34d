import { createSortedKeys } from './sorted-keys.ts';
import type { KvReader, KvWrites } from './store.ts';

/**
 * Writes over a reader, which stays as it is: a block's over the store, a message's over its block's. What a message
 * wrote is thrown away with `discard`, or handed on by setting each of `writes()` in the overlay below.
 */
export interface Overlay extends KvReader {
  /** Null deletes. The bytes are not to be changed afterwards. */
  set(key: string, value: Uint8Array | null): void;
  /** The last write of each key, deletions of keys that never were included. A live view. */
  writes(): KvWrites;
  /** Forgets what was written. */
  discard(): void;
}

export function createOverlay(base: KvReader): Overlay {
  const written = new Map<string, Uint8Array | null>();
  const keys = createSortedKeys();
  return {
    get(key) {
      const value = written.get(key);
      return value === undefined ? base.get(key) : (value ?? undefined);
    },
    range: (from, to) => merge(base, written, keys.range(from, to), from, to),
    set(key, value) {
      if (!written.has(key)) keys.add(key);
      written.set(key, value);
    },
    writes: () => written,
    discard() {
      written.clear();
      keys.clear();
    },
  };
}

/** Base and writes in one byte order; a write hides the base's entry of the same key. */
function* merge(
  base: KvReader,
  written: KvWrites,
  keys: readonly string[],
  from: string,
  to: string,
): Generator<readonly [key: string, value: Uint8Array]> {
  let at = 0;
  for (const [key, value] of base.range(from, to)) {
    for (; at < keys.length && (keys[at] as string) < key; at++) yield* entryOf(written, keys[at] as string);
    if (keys[at] === key) yield* entryOf(written, keys[at++] as string);
    else yield [key, value];
  }
  for (; at < keys.length; at++) yield* entryOf(written, keys[at] as string);
}

function* entryOf(written: KvWrites, key: string): Generator<readonly [key: string, value: Uint8Array]> {
  const value = written.get(key);
  if (value !== null && value !== undefined) yield [key, value];
}
