import type { Json } from '../std/canonical-json.ts';

/**
 * A typed map of the authenticated state, after CCF's: a name, a key of fixed parts, a value of canonical JSON.
 * Two maps never share a name; a name is `capability.what`.
 */
export interface StateMap<Key extends readonly string[], Value extends Json> {
  readonly name: string;
  readonly keyParts: Key['length'];
  /** Never set: carries the value's type. */
  readonly value?: Value;
}

/** Reads of authenticated state. Values are frozen copies; ask again after a write. */
export interface StateReader {
  get<K extends readonly string[], V extends Json>(map: StateMap<K, V>, ...key: K): V | undefined;
  /** Entries whose key begins with the parts of `prefix`, in byte order of the encoded key, after key `after`. */
  entries<K extends readonly string[], V extends Json>(
    map: StateMap<K, V>,
    prefix: readonly string[],
    after?: K,
  ): Iterable<readonly [key: K, value: V]>;
}

/** Reads and writes inside one message; a rejected message leaves none of them. */
export interface StateWriter extends StateReader {
  set<K extends readonly string[], V extends Json>(map: StateMap<K, V>, key: K, value: V): void;
  delete<K extends readonly string[], V extends Json>(map: StateMap<K, V>, key: K): void;
}

/** Declares a map. `keyParts` is the number of key parts, each of [A-Za-z0-9._:-]{1,128}. */
export function stateMap<Key extends readonly string[], Value extends Json>(
  name: string,
  keyParts: Key['length'],
): StateMap<Key, Value> {
  return { name, keyParts };
}
