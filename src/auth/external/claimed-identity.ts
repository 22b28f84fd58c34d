import type { JWTPayload } from 'jose';
import { rejecter } from '../../std/reject.ts';
import { CODES } from './codes.ts';
import { subjectClaim } from './links.ts';
import type { ProviderSettings } from './provider-settings.ts';

const reject = rejecter(CODES);

const MAX_SUBJECT_LENGTH = 256;

/**
 * Whom verified claims are about, and those of their values of roles that the organisation gave a meaning.
 * Throws Reject EXTERNAL_ORGANISATION_WRONG, EXTERNAL_SUBJECT_UNKNOWN.
 */
export function claimedIdentity(
  provider: ProviderSettings,
  claims: JWTPayload,
): { readonly subject: string; readonly claimed: readonly string[] } {
  const { organisation, roles } = provider;
  if (claims[organisation.claim] !== organisation.value) throw reject('EXTERNAL_ORGANISATION_WRONG');
  const subject = claims[subjectClaim(provider)];
  if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT_LENGTH)
    throw reject('EXTERNAL_SUBJECT_UNKNOWN');
  const said = roles.claims.flatMap((name) => claims[name]).filter((value) => typeof value === 'string');
  return { subject, claimed: Object.keys(roles.map).filter((value) => said.includes(value)) };
}

/** Role codes of both sides: claims take from what the ledger attests and never add to it. */
export function commonRoles(
  { roles: { map } }: ProviderSettings,
  claimed: readonly string[],
  attested: readonly string[],
): readonly string[] {
  const said = new Set(claimed.filter((value) => Object.hasOwn(map, value)).map((value) => map[value]));
  return attested.filter((role) => said.has(role));
}
