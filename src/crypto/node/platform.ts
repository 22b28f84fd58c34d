import { createHmac, hash, randomBytes as secureRandomBytes, timingSafeEqual } from 'node:crypto';
import { verifyEd25519Sync } from './ed25519.ts';
import { verifyEs256Sync } from './es256.ts';

/**
 * A digest's bytes from its text. Asked for a Buffer, Node allocates memory outside the heap for each: measured, that
 * takes four times as long as the hash, and the collector pays again. An array this small lies within the heap.
 */
function latin1ToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** SHA-256 (FIPS 180-4); 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return latin1ToBytes(hash('sha256', bytes, 'latin1'));
}

/** HMAC-SHA-256 (RFC 2104); 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return latin1ToBytes(createHmac('sha256', key).update(bytes).digest('latin1'));
}

/** Bytes of the operating system's generator. */
export function randomBytes(length: number): Uint8Array {
  return new Uint8Array(secureRandomBytes(length));
}

/** Equality in time that does not depend on the content (it does on the lengths). */
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Ed25519 (RFC 8032); a promise because browsers have it only so. */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return verifyEd25519Sync(publicKey, message, signature);
}

/** ECDSA on P-256 with SHA-256 (FIPS 186-5); `publicKey` an uncompressed point, `signature` DER. */
export async function verifyEs256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return verifyEs256Sync(publicKey, message, signature);
}
