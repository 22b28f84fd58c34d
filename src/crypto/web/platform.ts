import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { utf8 } from '../../std/bytes.ts';
import { frame } from '../../std/frame.ts';
import { derToRawSignature } from './der-signature.ts';

/** The exports of `../node/platform.ts` for browsers: WebCrypto, and @noble/hashes where an answer is due at once. */

/** SHA-256 (FIPS 180-4); 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** HMAC-SHA-256 (RFC 2104); 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return hmac(nobleSha256, key, bytes);
}

/** HMAC-SHA-256 of `frame(tag, …parts)`, texts as UTF-8; 32 bytes. */
export function hmacFrame(key: Uint8Array, tag: string, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  return hmacSha256(key, frame(tag, ...parts.map((part) => (typeof part === 'string' ? utf8(part) : part))));
}

/** `getRandomValues` gives at most this many bytes at once. */
const MAX_RANDOM_BYTES = 65536;

/** Bytes of the browser's generator. */
export function randomBytes(length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; at += MAX_RANDOM_BYTES) crypto.getRandomValues(out.subarray(at, at + MAX_RANDOM_BYTES));
  return out;
}

/** Equality whose time does not depend on the content, as far as JavaScript allows (it does on the lengths). */
export function equalSecret(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let at = 0; at < a.length; at++) difference |= (a[at] as number) ^ (b[at] as number);
  return difference === 0;
}

/** Ed25519 (RFC 8032). Rejects with NotSupportedError where the browser has none. */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  return verifyImported(publicKey, 'Ed25519', 'Ed25519', message, signature);
}

/** ECDSA on P-256 with SHA-256 (FIPS 186-5); `publicKey` an uncompressed point, `signature` DER. */
export async function verifyEs256(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const raw = derToRawSignature(signature);
  if (raw === undefined || publicKey.length !== 65 || publicKey[0] !== 4) return false;
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  return verifyImported(publicKey, ecdsa, ecdsa, message, raw);
}

/** A key that is no point is refused by the import (DataError), which is an answer, not a fault. */
async function verifyImported(
  publicKey: Uint8Array,
  keyAlgorithm: string | { name: string; namedCurve: string },
  algorithm: string | { name: string; hash: string },
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  let key: Awaited<ReturnType<typeof crypto.subtle.importKey>>;
  try {
    key = await crypto.subtle.importKey('raw', publicKey.slice(), keyAlgorithm, false, ['verify']);
  } catch (error) {
    if (error instanceof Error && error.name === 'DataError') return false;
    throw error;
  }
  return crypto.subtle.verify(algorithm, key, signature.slice(), message.slice());
}
