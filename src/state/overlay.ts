import { compareKeys } from './memory-store.ts';
import type { KvReader, KvWrites } from './store.ts';

/** Writes over a reader that stays as it is: a block's over the store, a message's over its block's. */
export interface Overlay extends KvReader {
  /** Null deletes. The bytes are not to be changed afterwards. */
  set(key: string, value: Uint8Array | null): void;
  /** What was written, last write of each key. */
  writes(): KvWrites;
  /** Forgets what was written. */
  discard(): void;
}

export function createOverlay(base: KvReader): Overlay {
  const written = new Map<string, Uint8Array | null>();
  return {
    get(key) {
      const value = written.get(key);
      return value === undefined ? base.get(key) : (value ?? undefined);
    },
    range: (from, to) => merge(base, written, from, to),
    set: (key, value) => void written.set(key, value),
    writes: () => written,
    discard: () => written.clear(),
  };
}

/** Base and writes in one byte order; a write hides the base's entry of the same key. */
function* merge(
  base: KvReader,
  written: KvWrites,
  from: string,
  to: string,
): Generator<readonly [key: string, value: Uint8Array]> {
  const mine = [...written.keys()].filter((key) => key >= from && key < to).sort(compareKeys);
  let at = 0;
  for (const [key, value] of base.range(from, to)) {
    for (; at < mine.length && (mine[at] as string) < key; at++) yield* entryOf(written, mine[at] as string);
    if (mine[at] === key) yield* entryOf(written, mine[at++] as string);
    else yield [key, value];
  }
  for (; at < mine.length; at++) yield* entryOf(written, mine[at] as string);
}

function* entryOf(written: KvWrites, key: string): Generator<readonly [key: string, value: Uint8Array]> {
  const value = written.get(key);
  if (value !== null && value !== undefined) yield [key, value];
}
