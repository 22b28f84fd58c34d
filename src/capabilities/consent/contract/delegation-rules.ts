import { type MessageRule, messageRule } from '../../../chain/contract.ts';
import { accountOf } from '../../membership/contract/queries.ts';
import { reject } from './codes.ts';
import { isCustodianOfUnclaimed, requirePatient } from './entitlement.ts';
import { DelegationGrantSchema, DelegationRevokeSchema } from './schemas.ts';
import { type Delegation, delegations, LIMITS } from './state.ts';

/** Lets another person act: a guardian for a minor, a proxy for whom the patient chose. Replaces an earlier one. */
const grant = messageRule({
  schema: DelegationGrantSchema,
  lane: 'ordinary',
  sensitive: true,
  handle(context) {
    const { account, delegate, role, powers, endsAtMs } = context.message;
    const { state, transaction, block } = context;
    const record = requirePatient(context, account);
    // Delegates do not delegate, and nobody names delegates for a claimed account but the patient.
    const isPatient = transaction.sender.account === account;
    if (!isPatient && !isCustodianOfUnclaimed(context, account, record))
      throw reject('CONSENT_SIGNER_NOT_ENTITLED', { account });
    const person = accountOf(state, delegate);
    if (delegate === account || person?.kind !== 'patient' || person.status !== 'active')
      throw reject('DELEGATE_INVALID', { delegate });
    const fromMs = context.message.fromMs ?? block.timeMs;
    if (endsAtMs < fromMs || endsAtMs <= block.timeMs || endsAtMs - block.timeMs > LIMITS.delegationMs) {
      throw reject('DELEGATION_PERIOD', { fromMs, endsAtMs });
    }
    if (state.get(delegations, account, delegate) === undefined) {
      let count = 0;
      for (const _ of state.entries(delegations, [account])) count += 1;
      if (count >= LIMITS.delegationsPerAccount)
        throw reject('DELEGATION_LIMIT', { limit: LIMITS.delegationsPerAccount });
    }
    const delegation: Delegation = {
      role,
      powers: [...powers].sort(),
      fromMs,
      endsAtMs,
      givenBy: transaction.sender.account,
    };
    state.set(delegations, [account, delegate], delegation);
    return { account, delegate };
  },
});

/** Ends a delegation at once: by the patient, by the delegate, or by the custodian of an unclaimed account. */
const revoke = messageRule({
  schema: DelegationRevokeSchema,
  lane: 'urgent',
  handle(context) {
    const { account, delegate } = context.message;
    const { state, transaction } = context;
    const record = requirePatient(context, account);
    const isParty = transaction.sender.account === account || transaction.sender.account === delegate;
    if (!isParty && !isCustodianOfUnclaimed(context, account, record))
      throw reject('CONSENT_SIGNER_NOT_ENTITLED', { account });
    if (state.get(delegations, account, delegate) === undefined) throw reject('DELEGATION_UNKNOWN', { delegate });
    state.delete(delegations, [account, delegate]);
    return { account, delegate };
  },
});

/** Guardians and proxies, version 1. */
export const delegationMessages: Readonly<Record<string, MessageRule>> = {
  'delegation.grant': grant,
  'delegation.revoke': revoke,
};
