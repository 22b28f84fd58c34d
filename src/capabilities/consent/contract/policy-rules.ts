import { type MessageContext, type MessageRule, messageRule } from '../../../chain/contract.ts';
import { accountOf } from '../../membership/contract/queries.ts';
import { reject } from './codes.ts';
import { capacityOf, requirePatient } from './entitlement.ts';
import { type Policy, policyFault } from './policy.ts';
import { GrantSchema, RevokeSchema } from './schemas.ts';
import { defaultsOf, LIMITS, policies, sequences } from './state.ts';

type State = MessageContext<unknown>['state'];

/** Grants or denies: a policy in a scope, superseding what the same grantor decided there before. */
const grant = messageRule({
  schema: GrantSchema,
  lane: 'ordinary',
  sensitive: true,
  handle(context) {
    const { account, ...content } = context.message;
    const { state, transaction, block } = context;
    const record = requirePatient(context, account);
    const capacity = capacityOf(context, account, record);
    if (capacity === undefined) throw reject('CONSENT_SIGNER_NOT_ENTITLED', { account });
    const sequence = (state.get(sequences, account) ?? 0) + 1;
    const policy = {
      ...content,
      id: transaction.id,
      status: 'active',
      // Attested policy counts as the patient's own, so that the patient supersedes it after the claim.
      grantor: capacity === 'custodian' ? account : transaction.sender.account,
      sequence,
      ...(capacity === 'custodian' ? { attestedBy: transaction.sender.account } : {}),
    } as Policy;
    const fault = policyFault(policy);
    if (fault !== undefined) throw reject('CONSENT_POLICY_MALFORMED', { fault });
    requireNames(state, policy);
    if ((policy.root.periodToMs ?? block.timeMs) < block.timeMs) throw reject('CONSENT_POLICY_EXPIRED', {});
    const superseded = state.get(policies, account, policy.grantor, policy.scope);
    if (superseded === undefined) makeRoom(state, account);
    state.set(policies, [account, policy.grantor, policy.scope], policy);
    state.set(sequences, [account], sequence);
    return {
      policy: policy.id,
      sequence,
      basis: capacity === 'custodian' ? 'attested' : 'signed',
      ...(superseded === undefined ? {} : { superseded: superseded.id }),
    };
  },
});

/** Ends a policy at once. What was read before stays read. */
const revoke = messageRule({
  schema: RevokeSchema,
  lane: 'urgent',
  handle(context) {
    const { account, policy: id } = context.message;
    const { state, transaction } = context;
    const record = requirePatient(context, account);
    const capacity = capacityOf(context, account, record);
    if (capacity === undefined) throw reject('CONSENT_SIGNER_NOT_ENTITLED', { account });
    for (const [key, policy] of state.entries(policies, [account])) {
      if (policy.id !== id || policy.status !== 'active') continue;
      // The patient ends any policy. A delegate ends its own, a custodian what it attested: neither lifts a denial of the patient's.
      const isOwn =
        capacity === 'delegate' ? policy.grantor === transaction.sender.account : policy.attestedBy !== undefined;
      if (capacity !== 'patient' && !isOwn) throw reject('CONSENT_SIGNER_NOT_ENTITLED', { account });
      state.set(policies, key, { ...policy, status: 'revoked' });
      return { policy: id };
    }
    throw reject('CONSENT_POLICY_UNKNOWN', { policy: id });
  },
});

/** Members and defaults that a policy names have to exist: a slip in an id would otherwise permit or deny nobody. */
function requireNames(state: State, policy: Policy): void {
  for (const provision of [policy.root, ...policy.exceptions]) {
    for (const member of provision.members ?? []) {
      if (accountOf(state, member)?.kind !== 'member') throw reject('CONSENT_MEMBER_UNKNOWN', { member });
    }
  }
  if (!policy.scope.startsWith('default:')) return;
  const names = defaultsOf(state).map(({ name }) => `default:${name}`);
  if (!names.includes(policy.scope)) throw reject('CONSENT_SCOPE_UNKNOWN', {});
}

/** Room for one more scope: the oldest revoked policy goes when the account is full; its history is in the log. */
function makeRoom(state: State, account: string): void {
  let count = 0;
  let oldest: { readonly key: readonly [string, string, string]; readonly sequence: number } | undefined;
  for (const [key, policy] of state.entries(policies, [account])) {
    count += 1;
    // Revoking a superseded default keeps it superseded: that slot is not given up.
    if (policy.status !== 'revoked' || policy.scope.startsWith('default:')) continue;
    if (oldest === undefined || policy.sequence < oldest.sequence) oldest = { key, sequence: policy.sequence };
  }
  if (count < LIMITS.policiesPerAccount) return;
  if (oldest === undefined) throw reject('CONSENT_POLICY_LIMIT', { limit: LIMITS.policiesPerAccount });
  state.delete(policies, oldest.key);
}

/** Grant and revocation of policies, version 1. */
export const policyMessages: Readonly<Record<string, MessageRule>> = {
  'consent.grant': grant,
  'consent.revoke': revoke,
};
