import type { KeyObject } from 'node:crypto';

/** Keys kept; each takes a few kilobytes outside the heap. */
const MAX_CACHED_KEYS = 4096;

/**
 * Remembers imported public keys by their bytes: importing one costs about as much as half a verification, and the
 * same keys come again and again. Public keys only: what it holds stays in memory. Drops the key used longest ago.
 */
export function createKeyCache<T extends KeyObject | undefined>(
  importKey: (bytes: Uint8Array) => T,
): (bytes: Uint8Array) => T {
  const keys = new Map<string, T>();
  return (bytes) => {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    let key = keys.get(name);
    if (key === undefined) {
      key = importKey(bytes);
      if (key === undefined) return key;
      if (keys.size >= MAX_CACHED_KEYS) keys.delete(keys.keys().next().value as string);
    } else {
      keys.delete(name);
    }
    keys.set(name, key);
    return key;
  };
}
