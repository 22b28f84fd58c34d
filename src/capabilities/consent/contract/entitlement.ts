import type { AccountRecord } from '../../../chain/account.ts';
import type { MessageContext } from '../../../chain/contract.ts';
import { accountOf, isActiveMember, sponsorOf } from '../../membership/contract/queries.ts';
import { reject } from './codes.ts';
import { delegationOf } from './state.ts';

type Context = Pick<MessageContext<unknown>, 'transaction' | 'state' | 'block'>;

/** In which capacity the sender decides for an account. */
export type Capacity = 'patient' | 'delegate' | 'custodian';

/** The record of a patient account that is not closed. */
export function requirePatient(context: Context, account: string): AccountRecord {
  const record = accountOf(context.state, account);
  if (record?.kind !== 'patient') throw reject('CONSENT_ACCOUNT_UNKNOWN', { account });
  if (record.status === 'closed') throw reject('CONSENT_ACCOUNT_CLOSED', { account });
  return record;
}

/**
 * How the sender may decide for `account`: as the patient, as a delegate with the power to consent, or as the
 * custodian who attests what an unclaimed account's owner decided on paper. Undefined for anybody else; in
 * particular no member decides for a claimed account.
 */
export function capacityOf(context: Context, account: string, record: AccountRecord): Capacity | undefined {
  const { sender } = context.transaction;
  if (sender.account === account) return 'patient';
  if (delegationOf(context.state, account, sender.account, 'consent', context.block.timeMs) !== undefined)
    return 'delegate';
  return isCustodianOfUnclaimed(context, account, record) ? 'custodian' : undefined;
}

export function isCustodianOfUnclaimed(context: Context, account: string, record: AccountRecord): boolean {
  const { sender } = context.transaction;
  if (record.status !== 'unclaimed' || sponsorOf(context.state, account) !== sender.account) return false;
  return isActiveMember(context.state, sender.account);
}
