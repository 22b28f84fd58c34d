/**
 * The port that state stands on: an ordered map from ASCII keys to bytes. A reader is a snapshot: what a commit
 * changes later does not show in it. Keys are printable ASCII, so that text order is byte order everywhere.
 */
export interface KvReader {
  /** The value, not to be written to; undefined when there is none. */
  get(key: string): Uint8Array | undefined;
  /** Entries with `from` ≤ key < `to` in byte order. */
  range(from: string, to: string): Iterable<readonly [key: string, value: Uint8Array]>;
}

/** What a commit writes: null deletes. Applied as a whole or not at all. */
export type KvWrites = ReadonlyMap<string, Uint8Array | null>;
