import { Value } from 'typebox/value';
import { issueToken } from '../../../auth/tokens.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { rejecter } from '../../../std/reject.ts';
import type { TokenAnswer, TokenRequest } from '../api.ts';
import { RoleCodesSchema } from '../contract/schemas.ts';
import { CODES } from './codes.ts';
import { registerPractitioner } from './registration.ts';

const reject = rejecter(CODES);
const DAY_MS = 86_400_000;

/**
 * Registers someone who works for the organisation on the ledger and gives a bearer token for them. A crash between
 * the two leaves an account that nobody uses. Throws Reject TOKEN_REQUEST_INVALID, REGISTRATION_UNAVAILABLE.
 */
export async function hirePractitioner(organisation: OrganisationContext, request: TokenRequest): Promise<TokenAnswer> {
  const { label, purposes, days } = request;
  const roleCodes = [...new Set(request.roleCodes)];
  if (!Value.Check(RoleCodesSchema, roleCodes)) throw reject('TOKEN_REQUEST_INVALID');
  const account = await registerPractitioner(organisation, { roleCodes });
  const expiresAtMs = organisation.clock() + days * DAY_MS;
  const record = {
    account,
    kind: 'practitioner',
    organisation: organisation.account,
    roles: roleCodes,
    purposes,
    label,
  } as const;
  return { account, token: await issueToken(organisation.vault, { ...record, expiresAtMs }), expiresAtMs };
}
