import { hmacFrame } from '#crypto/platform';
import { bytesToHex, equalBytes, hexToBytes } from '../std/bytes.ts';
import { canonicalText } from '../std/canonical-json.ts';
import type { AccountKeys } from './key-store.ts';
import type { WriteContext } from './vault.ts';

/*
 * By what a version came to be written. It stands in the row of the version's journal entry under a MAC of the account's,
 * bound to the leaf: nobody but the vault makes one or moves it. The leaf does not commit to it, so no receipt proves it.
 */
const TAG = 'aceso/vault/write-context/1';

/** What the entry's row holds. */
export function packContext(keys: AccountKeys, leaf: Uint8Array, context: WriteContext): string {
  return JSON.stringify({ ...context, mac: bytesToHex(macOf(keys, leaf, context)) });
}

/** What a row holds; undefined when the vault did not write it. */
export function openContext(keys: AccountKeys, leaf: Uint8Array, body: string): WriteContext | undefined {
  try {
    const { mac, ...context } = JSON.parse(body) as WriteContext & { readonly mac: string };
    const sum = hexToBytes(mac);
    return sum !== undefined && equalBytes(sum, macOf(keys, leaf, context)) ? context : undefined;
  } catch {
    return undefined;
  }
}

function macOf({ salts }: AccountKeys, leaf: Uint8Array, context: WriteContext): Uint8Array {
  return hmacFrame(salts, TAG, leaf, canonicalText(context));
}
