import type { Caller } from '../auth/caller.ts';
import { readJson } from '../auth/documents.ts';
import type { KeptContext } from '../auth/smart/launch-context.ts';
import { CONTEXT } from '../auth/smart/oauth-documents.ts';
import { credentialOfMark } from '../auth/smart/standing.ts';
import { createAttestation } from '../capabilities/membership/server/attestation.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';

/** Roles of who began a subscription or an export, as things are now. */
export type RolesNow = (owner: Caller) => Promise<readonly string[]>;

/** A practitioner's as the ledger attests them; by an external provider's word, no more than it told at the sign-in. */
export function createRolesNow(
  organisations: readonly OrganisationContext[],
  ledger: Pick<Ledger, 'head' | 'read'>,
): RolesNow {
  const attestation = createAttestation(ledger);
  return async ({ kind, custodian, account, roles, grant }) => {
    if (kind !== 'practitioner') return roles;
    const attested = attestation.attested(custodian, account);
    if (attested?.kind !== 'practitioner') return [];
    const { vault } = organisationOf(organisations, custodian);
    const kept =
      grant?.id === undefined ? undefined : await readJson<Pick<KeptContext, 'by'>>(vault, CONTEXT, grant.id);
    const isByLink = credentialOfMark(kept?.by)?.startsWith('external:') === true;
    return isByLink ? attested.roles.filter((role) => roles.includes(role)) : attested.roles;
  };
}
