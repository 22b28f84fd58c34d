import { createHmac, hash, randomBytes as secureRandomBytes, timingSafeEqual } from 'node:crypto';
import { utf8 } from '../../std/bytes.ts';
import { frame } from '../../std/frame.ts';
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

/** SHA-256's block and digest, in bytes. */
const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/** Messages up to so many bytes are put together in place; they are rows, headers and tokens of some hundred bytes. */
const PLACE_BYTES = 16 * 1024;
/** A UTF-16 unit takes three bytes at most. */
const BYTES_PER_UNIT = 3;

/**
 * Where the two inputs of an HMAC are put together. Nothing is awaited while they are in use, and what they held is wiped,
 * so that neither key nor message outlives the call here.
 */
const inner = new Uint8Array(BLOCK_BYTES + PLACE_BYTES);
const outer = new Uint8Array(BLOCK_BYTES + DIGEST_BYTES);
const encoder = new TextEncoder();

/** HMAC-SHA-256 (RFC 2104); 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (key.length > BLOCK_BYTES || bytes.length > PLACE_BYTES) return anyHmac(key, bytes);
  inner.set(bytes, BLOCK_BYTES);
  return hmacInPlace(key, BLOCK_BYTES + bytes.length);
}

/**
 * HMAC-SHA-256 of `frame(tag, …parts)`, texts as UTF-8; 32 bytes. The same as `hmacSha256(key, frame(…))` without the
 * arrays in between, which take longer than the hash: a vault does this some ten times for each record.
 */
export function hmacFrame(key: Uint8Array, tag: string, ...parts: readonly (Uint8Array | string)[]): Uint8Array {
  let room = BLOCK_BYTES + 4 + tag.length;
  for (const part of parts) room += 4 + part.length * (typeof part === 'string' ? BYTES_PER_UNIT : 1);
  if (key.length > BLOCK_BYTES || room > inner.length)
    return hmacSha256(key, frame(tag, ...parts.map((part) => (typeof part === 'string' ? utf8(part) : part))));
  let at = BLOCK_BYTES;
  putLength(at, tag.length);
  at += 4;
  for (let index = 0; index < tag.length; index++) inner[at++] = tag.charCodeAt(index);
  for (const part of parts) {
    const length = typeof part === 'string' ? putText(at + 4, part) : part.length;
    if (typeof part !== 'string') inner.set(part, at + 4);
    putLength(at, length);
    at += 4 + length;
  }
  return hmacInPlace(key, at);
}

function putText(at: number, text: string): number {
  return encoder.encodeInto(text, inner.subarray(at)).written;
}

function putLength(at: number, length: number): void {
  inner[at] = length >>> 24;
  inner[at + 1] = length >>> 16;
  inner[at + 2] = length >>> 8;
  inner[at + 3] = length;
}

/** Of the message that lies in `inner` behind a block, up to `end`. The key is a block at most. */
function hmacInPlace(key: Uint8Array, end: number): Uint8Array {
  try {
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const byte = key[at] ?? 0;
      inner[at] = byte ^ INNER_PAD;
      outer[at] = byte ^ OUTER_PAD;
    }
    const digest = hash('sha256', inner.subarray(0, end), 'latin1');
    for (let at = 0; at < DIGEST_BYTES; at++) outer[BLOCK_BYTES + at] = digest.charCodeAt(at);
    return latin1ToBytes(hash('sha256', outer, 'latin1'));
  } finally {
    inner.fill(0, 0, end);
    outer.fill(0);
  }
}

function anyHmac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
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
