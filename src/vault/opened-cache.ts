/**
 * Exact bytes of versions that were opened and checked lately, by leaf: a chart that is worked with is opened again and
 * again, and opening costs two look-ups, AES and three hashes. They are in memory only, where the keys are too, and what
 * is erased leaves it before its erasure is done.
 */
export interface OpenedCache {
  get(leaf: string): Uint8Array | undefined;
  /** Where `put` stands in time; taken before what is put was read. */
  now(): number;
  /** Keeps the bytes, unless something was forgotten since `at`: they may be of what is erased. */
  put(leaf: string, bytes: Uint8Array, at: number): void;
  forget(leaf: string): void;
}

/** Larger versions are opened anew each time: they would push out many small ones. */
const MAX_ENTRY_BYTES = 64 * 1024;

export function createOpenedCache(maxBytes: number): OpenedCache {
  const entries = new Map<string, Uint8Array>();
  let sizeBytes = 0;
  let forgotten = 0;

  function drop(leaf: string): void {
    sizeBytes -= entries.get(leaf)?.length ?? 0;
    entries.delete(leaf);
  }

  return {
    get(leaf) {
      const bytes = entries.get(leaf);
      if (bytes === undefined) return undefined;
      // Last in the order again, so the least used goes first.
      entries.delete(leaf);
      entries.set(leaf, bytes);
      return bytes;
    },
    now: () => forgotten,
    put(leaf, bytes, at) {
      if (at !== forgotten || bytes.length > MAX_ENTRY_BYTES) return;
      drop(leaf);
      entries.set(leaf, bytes);
      sizeBytes += bytes.length;
      while (sizeBytes > maxBytes) drop(entries.keys().next().value as string);
    },
    forget(leaf) {
      forgotten += 1;
      drop(leaf);
    },
  };
}
