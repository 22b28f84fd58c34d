import { createCipheriv, createDecipheriv } from 'node:crypto';
import { concatBytes } from '../../std/bytes.ts';

/** Default initial value of RFC 3394 §2.2.3.1; a wrong key shows in it. */
const IV = new Uint8Array(8).fill(0xa6);

/** AES-256 key wrap (RFC 3394 §2.2.1): `key` (a multiple of 8 bytes, at least 16) and 8 bytes more. */
export function wrapKey(kek: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes256-wrap', kek, IV);
  return concatBytes(cipher.update(key), cipher.final());
}

/** The wrapped key (RFC 3394 §2.2.2); undefined under another key or for altered bytes. */
export function unwrapKey(kek: Uint8Array, wrapped: Uint8Array): Uint8Array | undefined {
  if (wrapped.length < 24 || wrapped.length % 8 !== 0) return undefined;
  try {
    const decipher = createDecipheriv('aes256-wrap', kek, IV);
    return concatBytes(decipher.update(wrapped), decipher.final());
  } catch {
    return undefined;
  }
}
