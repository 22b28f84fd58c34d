import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import type { AskProvider } from './ask-provider.ts';
import { CODES } from './codes.ts';
import { isSafeAddress, type ProviderSettings } from './provider-settings.ts';
import { createRemembered } from './remembered.ts';

const reject = rejecter(CODES);

const Words = Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 64 }));
const Address = Type.String({ minLength: 8, maxLength: 1024 });

const Metadata = Type.Object({
  issuer: Type.String({ maxLength: 512 }),
  authorization_endpoint: Address,
  token_endpoint: Address,
  jwks_uri: Address,
  token_endpoint_auth_methods_supported: Words,
  id_token_signing_alg_values_supported: Words,
  code_challenge_methods_supported: Words,
  authorization_response_iss_parameter_supported: Type.Optional(Type.Boolean()),
});

/** What a provider says of itself (OpenID Connect Discovery 1.0 §3, RFC 8414 §2). */
export type ProviderMetadata = Readonly<Static<typeof Metadata>>;

/** Throws Reject EXTERNAL_PROVIDER_UNAVAILABLE, EXTERNAL_PROVIDER_UNFIT. */
export type MetadataOf = (custodian: string, provider: ProviderSettings) => Promise<ProviderMetadata>;

export function createMetadata(ask: AskProvider, clock: () => number): MetadataOf {
  const remembered = createRemembered<ProviderMetadata>(clock);
  return (custodian, { issuer, id_token_signed_response_alg: algorithm }) =>
    remembered.get(`${custodian} ${algorithm} ${issuer}`, async () => {
      const { status, json } = await ask(custodian, { url: metadataAddress(issuer), method: 'GET' });
      if (status !== 200) throw reject('EXTERNAL_PROVIDER_UNAVAILABLE', { reason: `metadata: ${status}` });
      const fault = faultOf(json, issuer, algorithm);
      if (fault !== undefined || !Value.Check(Metadata, json))
        throw reject('EXTERNAL_PROVIDER_UNFIT', { reason: fault ?? '' });
      return json;
    });
}

/** OpenID Connect Discovery 1.0 §4.1. */
export function metadataAddress(issuer: string): string {
  return `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
}

function faultOf(json: unknown, issuer: string, algorithm: string): string | undefined {
  if (!Value.Check(Metadata, json)) return 'metadata';
  // One provider that speaks for another would be asked for codes of the other (§4.3).
  if (json.issuer !== issuer) return 'issuer';
  const { authorization_endpoint: authorization, token_endpoint: token, jwks_uri: keys } = json;
  if (![authorization, token, keys].every(isSafeAddress) || authorization.includes('#')) return 'endpoints';
  if (json.code_challenge_methods_supported?.includes('S256') === false) return 'code_challenge_methods_supported';
  if (json.id_token_signing_alg_values_supported?.includes(algorithm) === false)
    return 'id_token_signing_alg_values_supported';
  return undefined;
}
