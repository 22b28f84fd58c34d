import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { isReject, type Reject, rejecter } from '../../std/reject.ts';
import type { AskProvider } from './ask-provider.ts';
import { CODES } from './codes.ts';
import { createProviderKeys } from './provider-keys.ts';
import type { ProviderMetadata } from './provider-metadata.ts';
import { MAX_AGE_SECONDS, type ProviderSettings } from './provider-settings.ts';

const reject = rejecter(CODES);

const CLOCK_TOLERANCE_SECONDS = 30;

/** What an ID token must fit. */
export interface ExpectedToken {
  readonly provider: ProviderSettings;
  readonly metadata: Pick<ProviderMetadata, 'jwks_uri'>;
  readonly nonce: string;
}

export type VerifyIdToken = (custodian: string, token: string, expected: ExpectedToken) => Promise<JWTPayload>;

/**
 * Verifies ID tokens (OpenID Connect Core §3.1.3.7) and gives their claims: signed with the one algorithm that was
 * configured and a key of the provider's set, for this client alone, about this very sign-in, and fresh.
 * Throws Reject EXTERNAL_TOKEN_…, EXTERNAL_PROVIDER_UNAVAILABLE, EXTERNAL_PROVIDER_UNFIT.
 */
export function createIdTokenCheck(ask: AskProvider, clock: () => number): VerifyIdToken {
  const keysOf = createProviderKeys(ask, clock);
  return (custodian, token, { provider, metadata, nonce }) =>
    verified(token, { provider, nonce, keys: keysOf(custodian, metadata.jwks_uri), nowMs: clock() });
}

async function verified(
  token: string,
  expected: { provider: ProviderSettings; keys: JWTVerifyGetKey; nonce: string; nowMs: number },
): Promise<JWTPayload> {
  const { provider, keys, nonce, nowMs } = expected;
  const { issuer, client_id: clientId, id_token_signed_response_alg: algorithm } = provider;
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    ...{ issuer, audience: clientId, algorithms: [algorithm] },
    ...{ clockTolerance: CLOCK_TOLERANCE_SECONDS, maxTokenAge: MAX_AGE_SECONDS, currentDate: new Date(nowMs) },
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
  }).catch((error: unknown) => {
    throw refusalOf(error);
  });
  // RFC 8725 §3.11: another kind of token by the same key is none of these.
  if (protectedHeader.typ !== undefined && protectedHeader.typ.toLowerCase() !== 'jwt')
    throw reject('EXTERNAL_TOKEN_FOREIGN');
  const { aud, azp, auth_time: signedInAt } = payload;
  const isForUs = azp === undefined ? !Array.isArray(aud) || aud.length === 1 : azp === clientId;
  if (!isForUs || payload.nonce !== nonce) throw reject('EXTERNAL_TOKEN_FOREIGN');
  const ageSeconds = typeof signedInAt === 'number' ? nowMs / 1000 - signedInAt : Number.NaN;
  // Asked for by max_age, so it must be said (§2, auth_time).
  if (!(ageSeconds <= MAX_AGE_SECONDS + CLOCK_TOLERANCE_SECONDS && ageSeconds >= -CLOCK_TOLERANCE_SECONDS))
    throw reject('EXTERNAL_TOKEN_EXPIRED');
  return payload;
}

function refusalOf(error: unknown): unknown {
  if (isReject(error)) return error;
  if (error instanceof errors.JWTExpired) return reject('EXTERNAL_TOKEN_EXPIRED');
  if (error instanceof errors.JWTClaimValidationFailed) return ofClaim(error.claim);
  return error instanceof errors.JOSEError || error instanceof TypeError ? reject('EXTERNAL_TOKEN_UNSIGNED') : error;
}

function ofClaim(claim: string): Reject {
  return reject(['iat', 'exp', 'nbf'].includes(claim) ? 'EXTERNAL_TOKEN_EXPIRED' : 'EXTERNAL_TOKEN_FOREIGN');
}
