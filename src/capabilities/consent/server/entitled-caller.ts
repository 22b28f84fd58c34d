import { type Caller, isStaff } from '../../../auth/caller.ts';
import { type AccountRecord, accounts } from '../../../chain/account.ts';
import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { delegationOf } from '../contract/state.ts';
import { reject } from './codes.ts';

/**
 * Account of a patient whose consents the caller may handle: one's own, one held as a delegate, any of them for staff.
 * Who may decide is another question, which the contract answers by the signature.
 * Throws Reject CONSENT_PATIENT_UNKNOWN, CONSENT_CALLER_NOT_ENTITLED.
 */
export async function entitledAccount(
  organisation: OrganisationContext,
  caller: Caller,
  patientId: string,
): Promise<string> {
  const account = await organisation.vault.accountOf('Patient', patientId);
  const isEntitled =
    isStaff(caller) ||
    (account !== undefined && (caller.account === account || isDelegate(organisation, account, caller)));
  // Whoever is not entitled learns nothing of who is a patient here.
  if (!isEntitled) throw reject('CONSENT_CALLER_NOT_ENTITLED');
  if (account === undefined) throw reject('CONSENT_PATIENT_UNKNOWN');
  return account;
}

function isDelegate(organisation: OrganisationContext, account: string, caller: Caller): boolean {
  const nowMs = Math.max(organisation.clock(), organisation.ledger.head().timeMs);
  return withState(
    organisation.ledger,
    (state) => delegationOf(state, account, caller.account, 'consent', nowMs) !== undefined,
  );
}

/** The ledger's record of a patient's account. */
export function recordOf(organisation: OrganisationContext, account: string): AccountRecord {
  const record = withState(organisation.ledger, (state) => state.get(accounts, account));
  if (record?.kind !== 'patient') throw reject('CONSENT_PATIENT_UNKNOWN');
  return record;
}
