import type { Outgoing } from '../../outgoing/outgoing.ts';
import { base64urlToBytes, bytesToHex, utf8ToText } from '../../std/bytes.ts';
import { createRemembered } from '../external/remembered.ts';

const MIN_RSA_BYTES = 256;
const MAX_RSA_BYTES = 1024;

export const MAX_KEY_SET_BYTES = 64 * 1024;
const TIMEOUT_MS = 2500;

/** The key set at an address that a client named, as the provider takes it: the bytes of the set, and nothing else of the answer. */
export type FetchKeySet = (custodian: string, url: string) => Promise<Response>;

/**
 * Key sets come by way of the guard of outgoing requests, under the rules of the client's organisation. One is taken for a
 * minute, and a failure for five seconds, whatever the answer says of its life: the provider would keep it for as long
 * as that, and takes it for a minute more. So a key that its owner withdrew is worth nothing two minutes later. The fetch
 * rejects with a Reject OUTGOING_…, or an Error for what is no key set.
 */
export function createKeySetFetch(outgoing: Outgoing, clock: () => number): FetchKeySet {
  const remembered = createRemembered<Uint8Array>(clock);

  async function load(custodian: string, url: string): Promise<Uint8Array> {
    const { status, body } = await outgoing.request(custodian, {
      ...{ url, method: 'GET', headers: { accept: 'application/json' } },
      ...{ maxBytes: MAX_KEY_SET_BYTES, timeoutMs: TIMEOUT_MS },
    });
    // Here, since the provider would go on with the keys of before.
    if (status !== 200) throw new Error('no key set');
    const { keys } = (JSON.parse(utf8ToText(body)) ?? {}) as { keys?: unknown };
    // The provider reads the set again; what is no set of keys it refuses.
    if (Array.isArray(keys) && keys.some(isWeakKey)) throw new Error('a weak key');
    return body;
  }

  return async (custodian, url) => {
    const body = await remembered.renew(`${custodian} ${url}`, () => load(custodian, url));
    return new Response(new Uint8Array(body), { headers: { 'content-type': 'application/json' } });
  };
}

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
