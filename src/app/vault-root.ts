import { deriveKey } from '../crypto/node/derive-key.ts';
import { utf8 } from '../std/bytes.ts';

/** Root key of an organisation's vault, from the node's master key. 32 bytes. */
export function vaultRoot(master: Uint8Array, slug: string): Uint8Array {
  return deriveKey(master, 'aceso/vault-root/1', utf8(slug));
}
