import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import type { AskProvider } from './ask-provider.ts';
import { CODES } from './codes.ts';
import { createRemembered } from './remembered.ts';

const reject = rejecter(CODES);

const KeySet = Type.Object({
  keys: Type.Array(Type.Object({ kty: Type.String({ maxLength: 16 }) }), { minItems: 1, maxItems: 64 }),
});

/** The keys at an address, for an organisation. */
export type KeysOf = (custodian: string, address: string) => JWTVerifyGetKey;

/**
 * Key sets of providers. They are kept; a token that names a key which is not in the set makes this node look again, once
 * a minute at most, since that is how keys turn over (OpenID Connect Core §10.1.1). What a token's header says of where
 * keys are, or which, is not looked at.
 */
export function createProviderKeys(ask: AskProvider, clock: () => number): KeysOf {
  const remembered = createRemembered<ReturnType<typeof createLocalJWKSet>>(clock);

  async function load(custodian: string, address: string) {
    const { status, json } = await ask(custodian, { url: address, method: 'GET' });
    if (status !== 200) throw reject('EXTERNAL_PROVIDER_UNAVAILABLE', { reason: `key set: ${status}` });
    if (!Value.Check(KeySet, json)) throw reject('EXTERNAL_PROVIDER_UNFIT', { reason: 'key set' });
    return createLocalJWKSet(json as JSONWebKeySet);
  }

  return (custodian, address) => async (header, token) => {
    const name = `${custodian} ${address}`;
    const fetchKeys = () => load(custodian, address);
    const keys = await remembered.get(name, fetchKeys);
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return (await remembered.renew(name, fetchKeys))(header, token);
    }
  };
}
