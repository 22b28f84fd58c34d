import { hmacFrame } from '#crypto/platform';
import { openAes256Gcm, sealAes256Gcm } from '../../crypto/node/aead.ts';
import { utf8, utf8ToText } from '../../std/bytes.ts';
import { frame, u64 } from '../../std/frame.ts';
import { reject } from '../codes.ts';
import type { SearchText } from './index-entries.ts';
import type { Scope } from './index-hash.ts';

/** A text as it is kept: the exact value is only compared by its token. */
export type KeptText = readonly [parameter: string, folded: string];

/** Seals and opens the texts of resources: AES-256-GCM under a key of the scope's, bound to the resource's number. */
export interface TextSeals {
  seal(scope: Scope, rid: number, texts: readonly SearchText[]): Uint8Array | null;
  /** Tries the scopes in turn. Throws Reject VAULT_DAMAGED when none opens it. */
  open(scopes: readonly Scope[], rid: number, sealed: Uint8Array): readonly KeptText[];
}

const MAX_KEYS = 4096;

export function createTextSeals(): TextSeals {
  const keys = new Map<string, Uint8Array>();

  function keyOf(scope: Scope): Uint8Array {
    const known = keys.get(scope.id);
    if (known !== undefined) return known;
    if (keys.size >= MAX_KEYS) keys.clear();
    const key = hmacFrame(scope.key, 'aceso/vault/texts-key/1');
    keys.set(scope.id, key);
    return key;
  }

  const boundTo = (rid: number) => frame('aceso/vault/texts/1', u64(rid));

  return {
    seal(scope, rid, texts) {
      if (texts.length === 0) return null;
      const kept: KeptText[] = texts.map(({ parameter, folded }) => [parameter, folded]);
      return sealAes256Gcm(keyOf(scope), utf8(JSON.stringify(kept)), boundTo(rid));
    },
    open(scopes, rid, sealed) {
      for (const scope of scopes) {
        const bytes = openAes256Gcm(keyOf(scope), sealed, boundTo(rid));
        if (bytes !== undefined) return JSON.parse(utf8ToText(bytes));
      }
      throw reject('VAULT_DAMAGED', { table: 'indexed' });
    },
  };
}
