import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { bytesToBase64url } from '../../std/bytes.ts';

function publicKeyObject(point: Uint8Array): KeyObject | undefined {
  if (point.length !== 65 || point[0] !== 4) return undefined;
  const [x, y] = [bytesToBase64url(point.subarray(1, 33)), bytesToBase64url(point.subarray(33))];
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch {
    return undefined; // not on the curve
  }
}

/** True when the DER `signature` is the key's over SHA-256 of `message`; false for any other input. */
export function verifyEs256Sync(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKeyObject(publicKey);
  return key !== undefined && verify('sha256', message, { key, dsaEncoding: 'der' }, signature);
}
