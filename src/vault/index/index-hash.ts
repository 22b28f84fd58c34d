import { hmacFrame } from '#crypto/platform';
import { HASH_BYTES } from './sql-dialect.ts';

/** A key that entries are under: a generation of the custodian's, or an account's own. `id` names it in this process. */
export interface Scope {
  readonly id: string;
  readonly key: Uint8Array;
}

/** What is hashed. A value's tag is of its kind, so that one kind's hash is never taken for another's. */
const TAGS = {
  token: 'aceso/vault/token/1',
  starts: 'aceso/vault/text-start/1',
  exact: 'aceso/vault/text/1',
  hasText: 'aceso/vault/has-text/1',
  ordinal: 'aceso/vault/ordinal/1',
  link: 'aceso/vault/link/1',
} as const;

export type HashKind = keyof typeof TAGS;

/**
 * First 16 bytes of HMAC-SHA-256(scope's key, frame(tag of the kind, type, parameter, value)); names of ordinals and links
 * have an empty value. The key is the custodian's, or the patient's own for a version with a sensitive label, so that no
 * count over patients shows those.
 */
export type IndexHash = (scope: Scope, kind: HashKind, type: string, parameter: string, value?: string) => Uint8Array;

/** Each half of the memory; an entry takes some 200 bytes. */
const MAX_REMEMBERED = 20_000;
const MAX_REMEMBERED_CHARS = 200;

/** An HMAC costs 2.5 µs and a resource has some thirty, most of them the same as the last one's: those are remembered. */
export function createIndexHash(): IndexHash {
  let fresh = new Map<string, Uint8Array>();
  let stale = new Map<string, Uint8Array>();

  function remember(name: string, hash: Uint8Array): void {
    if (fresh.size >= MAX_REMEMBERED) {
      stale = fresh;
      fresh = new Map();
    }
    fresh.set(name, hash);
  }

  return (scope, kind, type, parameter, value = '') => {
    const name = `${scope.id}\n${kind}\n${type}\n${parameter.length}\n${parameter}${value}`;
    const known = fresh.get(name) ?? stale.get(name);
    if (known !== undefined) {
      if (!fresh.has(name)) remember(name, known);
      return known;
    }
    const hash = hmacFrame(scope.key, TAGS[kind], type, parameter, value).slice(0, HASH_BYTES);
    if (name.length <= MAX_REMEMBERED_CHARS) remember(name, hash);
    return hash;
  };
}
