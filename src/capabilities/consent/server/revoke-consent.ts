import type { Caller } from '../../../auth/caller.ts';
import { type AccountRecord, accounts, type KeyRecord } from '../../../chain/account.ts';
import { signatureTasks } from '../../../chain/signature.ts';
import type { Transaction } from '../../../chain/transaction.ts';
import { verifyTask } from '../../../ledger/intake/verify-task.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import { withState } from '../../../ledger/with-state.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import type { StateReader } from '../../../state/typed-map.ts';
import { isReject } from '../../../std/reject.ts';
import type { RevokeRequest } from '../api/endpoints.ts';
import type { Policy } from '../contract/policy.ts';
import { delegationOf, policiesOf } from '../contract/state.ts';
import { reject } from './codes.ts';
import { requireAttestable, transactionOf } from './grant-consent.ts';
import { policyOutcome } from './ledger-outcome.ts';
import type { LocalRevocations } from './local-revocations.ts';

/** `LEDGER`: committed. `LEDGER_UNAVAILABLE`: obeyed by this custodian alone until the ledger moves. */
export interface Revoked {
  readonly policy: string;
  readonly origin: 'LEDGER' | 'LEDGER_UNAVAILABLE';
  /** Id of the transaction; absent while it is not committed. */
  readonly transaction?: string;
}

/**
 * Revokes a policy: by the patient's signed transaction, or by the custodian what it attested for an unclaimed account.
 * While the ledger stands still the custodian obeys at once, on the same signature and by the contract's rule of who
 * may, checked here.
 */
export async function revokeConsent(
  organisation: OrganisationContext,
  caller: Caller,
  account: string,
  { policy, wire }: RevokeRequest,
  local: LocalRevocations,
): Promise<Revoked> {
  const transaction = wire === undefined ? undefined : revocationOf(organisation, wire, account, policy);
  if (transaction === undefined) requireAttestable(organisation, caller, account);
  try {
    const { outcome } = await submit(organisation, account, policy, transaction);
    return { policy, origin: 'LEDGER', transaction: policyOutcome(outcome).transaction };
  } catch (error) {
    if (!isReject(error) || error.kind !== 'unavailable') throw error;
    requireRevocable(organisation, account, policy, transaction);
    const actor = transaction?.body.signers[0]?.account ?? caller.account;
    const by = { actor, organisation: caller.organisation, purpose: caller.purpose };
    await local.add({ account, policy, ...(transaction === undefined ? {} : { wire: transaction.wire }) }, by);
    return { policy, origin: 'LEDGER_UNAVAILABLE' };
  }
}

function submit(
  organisation: OrganisationContext,
  account: string,
  policy: string,
  transaction: Transaction | undefined,
) {
  const { ledger, signer } = organisation;
  if (transaction !== undefined) return ledger.submit(transaction.wire);
  return submitMessage(ledger, organisation.clock(), { type: 'consent.revoke', account, policy }, signer);
}

function revocationOf(organisation: OrganisationContext, wire: string, account: string, policy: string): Transaction {
  const transaction = transactionOf(organisation, wire, 'consent.revoke', account);
  if (transaction.body.message.policy !== policy) throw reject('CONSENT_TRANSACTION_WRONG');
  return transaction;
}

/**
 * The contract's rule of who may end a policy, for a ledger that cannot be asked. `notAfterMs` is not looked at: a
 * policy's id never comes back, so a revocation that is repeated later ends nothing anew.
 */
function requireRevocable(
  organisation: OrganisationContext,
  account: string,
  id: string,
  transaction: Transaction | undefined,
): void {
  withState(organisation.ledger, (state) => {
    const policy = policiesOf(state, account).find((one) => one.id === id && one.status === 'active');
    if (policy === undefined) throw reject('CONSENT_TRANSACTION_WRONG');
    if (transaction === undefined) {
      if (policy.attestedBy === undefined) throw reject('CONSENT_SIGNATURE_NEEDED');
      return;
    }
    const nowMs = Math.max(organisation.clock(), organisation.ledger.head().timeMs);
    if (!mayRevoke(state, account, policy, transaction, nowMs)) throw reject('CONSENT_TRANSACTION_WRONG');
  });
}

function mayRevoke(
  state: StateReader,
  account: string,
  policy: Policy,
  transaction: Transaction,
  nowMs: number,
): boolean {
  const { signers } = transaction.body;
  const sender = signers[0]?.account ?? '';
  const isPatient = sender === account;
  const isDelegate = policy.grantor === sender && delegationOf(state, account, sender, 'consent', nowMs) !== undefined;
  if (!isPatient && !isDelegate) return false;
  const keys: KeyRecord[] = [];
  for (const signer of signers) {
    const record: AccountRecord | undefined = state.get(accounts, signer.account);
    const key = record?.status === 'active' ? record.keys.find(({ id }) => id === signer.key) : undefined;
    if (key === undefined) return false;
    keys.push(key);
  }
  return signatureTasks(transaction, keys).every(verifyTask);
}
