import { utf8ToText } from '../std/bytes.ts';
import { canonicalBytes, type Json } from '../std/canonical-json.ts';
import type { Overlay } from './overlay.ts';
import type { KvReader } from './store.ts';
import type { StateMap, StateReader, StateWriter } from './typed-map.ts';

/** All authenticated state lies under this prefix; the tree covers these keys and no others. */
export const STATE_PREFIX = 's/';

const KEY_PART = /^[A-Za-z0-9._:-]{1,128}$/;

/** Told of every access, so that a contract's work can be charged. `bytes` is the size of the value. */
export type StateMeter = (op: 'get' | 'set' | 'delete' | 'entry', bytes: number) => void;

/** Store key of an entry. Throws TypeError for a part outside [A-Za-z0-9._:-]{1,128}: a contract's bug. */
export function storeKeyOf(mapName: string, parts: readonly string[]): string {
  for (const part of parts) if (!KEY_PART.test(part)) throw new TypeError(`not a state key part of ${mapName}`);
  return `${STATE_PREFIX}${mapName}/${parts.join('/')}`;
}

/** Store key of an entry of a typed map. */
export function storeKey<K extends readonly string[], V extends Json>(map: StateMap<K, V>, key: K): string {
  if (key.length !== map.keyParts) throw new TypeError(`${map.name} has ${map.keyParts} key parts`);
  return storeKeyOf(map.name, key);
}

/** True when an overlay holds a write to a map. */
export function touches(overlay: Pick<Overlay, 'writes'>, { name }: { readonly name: string }): boolean {
  const prefix = `${STATE_PREFIX}${name}/`;
  // fence: whether any key begins so does not depend on the order
  for (const key of overlay.writes().keys()) if (key.startsWith(prefix)) return true;
  return false;
}

/** Typed reads. Values are decoded anew for each read, and frozen through and through. */
export function createStateReader(kv: KvReader, meter?: StateMeter): StateReader {
  return {
    get(map, ...key) {
      const bytes = kv.get(storeKey(map, key));
      meter?.('get', bytes?.length ?? 0);
      return bytes === undefined ? undefined : decode(bytes);
    },
    *entries(map, prefix, after) {
      const [from, to] = rangeOf(map, prefix, after);
      for (const [key, bytes] of kv.range(from, to)) {
        meter?.('entry', bytes.length);
        const parts = key.slice(STATE_PREFIX.length + map.name.length + 1).split('/');
        yield [parts as never, decode(bytes)];
      }
    },
  };
}

/** Typed reads and writes over an overlay. `set` throws TypeError for a value that is no canonical JSON. */
export function createStateWriter(overlay: Overlay, meter?: StateMeter): StateWriter {
  return {
    ...createStateReader(overlay, meter),
    set(map, key, value) {
      const bytes = canonicalBytes(value);
      meter?.('set', bytes.length);
      overlay.set(storeKey(map, key), bytes);
    },
    delete(map, key) {
      meter?.('delete', 0);
      overlay.set(storeKey(map, key), null);
    },
  };
}

/**
 * The range of store keys. '/' is followed by '0' in ASCII, so what begins with the prefix ends before it; a key's own
 * successor is key ‖ '!', which is less than any character of a part.
 */
function rangeOf(
  map: StateMap<readonly string[], Json>,
  prefix: readonly string[],
  after: readonly string[] | undefined,
): [from: string, to: string] {
  if (prefix.length > map.keyParts) throw new TypeError(`${map.name} has ${map.keyParts} key parts`);
  const base = prefix.length === 0 ? `${STATE_PREFIX}${map.name}` : storeKeyOf(map.name, prefix);
  const isWhole = prefix.length === map.keyParts;
  const [from, to] = isWhole ? [base, `${base}!`] : [`${base}/`, `${base}0`];
  if (after === undefined) return [from, to];
  const next = `${storeKey(map, after)}!`;
  if (next <= from) return [from, to];
  return [next < to ? next : to, to];
}

function decode<V>(bytes: Uint8Array): V {
  // fence: only canonicalBytes writes values, so they parse to what was written; checking again would cost a third more
  return deepFreeze(JSON.parse(utf8ToText(bytes)) as V);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    // fence: all members are frozen, in whichever order
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
