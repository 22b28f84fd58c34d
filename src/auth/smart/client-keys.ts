import { base64urlToBytes, bytesToHex } from '../../std/bytes.ts';

const MIN_RSA_BYTES = 256;
const MAX_RSA_BYTES = 1024;

/**
 * Whether a key of a client is an RSA key that RFC 7518 §3.3 refuses, or that anybody could sign with (an exponent of 1):
 * the library takes any. `jwk` is of a JSON Web Key Set and nothing of it is known.
 */
export function isWeakKey(jwk: unknown): boolean {
  const { kty, n, e } = (jwk ?? {}) as Record<string, unknown>;
  if (kty !== 'RSA') return false;
  const [modulus, exponent] = [n, e].map((part) => base64urlToBytes(typeof part === 'string' ? part : ''));
  if (modulus === undefined || exponent === undefined || (modulus[0] ?? 0) === 0) return true;
  return modulus.length < MIN_RSA_BYTES || modulus.length > MAX_RSA_BYTES || bytesToHex(exponent) !== '010001';
}
