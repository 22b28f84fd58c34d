import type { AttestationPort } from '../../../auth/sign-in/attestation.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { withState } from '../../../ledger/with-state.ts';
import { accountOf, isActiveMember, practitionerRoles, sponsorOf } from '../contract/queries.ts';

/** What the ledger says of people, for signing them in. A member that was removed attests nobody. */
export function createAttestation(ledger: Pick<Ledger, 'read'>): AttestationPort {
  return {
    attested: (custodian, account) =>
      withState(ledger, (state) => {
        const record = accountOf(state, account);
        if (record?.status !== 'active' || sponsorOf(state, account) !== custodian) return undefined;
        if (!isActiveMember(state, custodian)) return undefined;
        if (record.kind === 'practitioner') return { kind: 'practitioner', roles: practitionerRoles(state, account) };
        return record.kind === 'patient' ? { kind: 'patient', keys: record.keys } : undefined;
      }),
  };
}
