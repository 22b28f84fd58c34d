import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { base64urlToBytes, bytesToBase64url, concatBytes } from '../../std/bytes.ts';
import { createKeyCache } from './key-cache.ts';

/** ECDSA on P-256 with SHA-256 (FIPS 186-5 §6, COSE ES256). Points are uncompressed (SEC 1 §2.3.3), 65 bytes. */

const publicKeyObject = createKeyCache((point) => {
  const [x, y] = [bytesToBase64url(point.subarray(1, 33)), bytesToBase64url(point.subarray(33))];
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  } catch {
    return undefined; // not on the curve
  }
});

/** True when the DER `signature` is the key's over SHA-256 of `message`; false for any other input. */
export function verifyEs256Sync(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 65 || publicKey[0] !== 4) return false;
  const key = publicKeyObject(publicKey);
  return key !== undefined && verify('sha256', message, { key, dsaEncoding: 'der' }, signature);
}

/** A new key: `privateKey` the 32-byte scalar, `publicKey` the point. */
export function generateEs256Key(): { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array } {
  const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const point = concatBytes(Uint8Array.of(4), coordinate(jwk.x), coordinate(jwk.y));
  return { privateKey: coordinate(jwk.d), publicKey: point };
}

/** DER signature over SHA-256 of `message`. Throws when the scalar is not the point's. */
export function signEs256(
  key: { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array },
  message: Uint8Array,
): Uint8Array {
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: bytesToBase64url(key.publicKey.subarray(1, 33)),
    y: bytesToBase64url(key.publicKey.subarray(33)),
    d: bytesToBase64url(key.privateKey),
  };
  const privateKey = createPrivateKey({ key: jwk, format: 'jwk' });
  return new Uint8Array(sign('sha256', message, { key: privateKey, dsaEncoding: 'der' }));
}

/** A JWK coordinate is always as long as the field (RFC 7518 §6.2.1.2). */
function coordinate(text: string | undefined): Uint8Array {
  const bytes = base64urlToBytes(text ?? '');
  if (bytes?.length !== 32) throw new Error('P-256 key export has another form than RFC 7518');
  return bytes;
}
