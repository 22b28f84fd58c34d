import type { MessageContext } from '../../../chain/contract.ts';
import { delegationOf } from '../../consent/contract/state.ts';
import { accountOf, isActiveMember, practitionerRoles, sponsorOf } from '../../membership/contract/queries.ts';
import { reject } from './codes.ts';

type Context = Pick<MessageContext<unknown>, 'transaction' | 'state' | 'block'>;

/** Who stands behind a transaction that asks for records. */
export interface Asker {
  readonly kind: 'member' | 'person';
  /** Member that records are released to. */
  readonly organisation: string;
  /** '' where nobody is named. */
  readonly practitioner: string;
}

/** The member that keeps a patient's open account. Rejects ACCESS_ACCOUNT_UNKNOWN. */
export function requireCustodian(context: Context, account: string): string {
  const record = accountOf(context.state, account);
  const custodian = sponsorOf(context.state, account);
  if (record?.kind !== 'patient' || record.status === 'closed' || custodian === undefined) {
    throw reject('ACCESS_ACCOUNT_UNKNOWN', { account });
  }
  return custodian;
}

/**
 * Who asks: a member; a practitioner whose member signs as approver; or the patient, or a delegate with the power of
 * access, through the member that keeps that person's own account. Rejects ACCESS_REQUESTER_NOT_ENTITLED and
 * ACCESS_PRACTITIONER_INVALID.
 */
export function requireAsker(context: Context, account: string, practitioner: string | undefined): Asker {
  const { state, transaction, block } = context;
  const { sender, approvers } = transaction;
  if (isActiveMember(state, sender.account)) {
    if (practitioner !== undefined) requireEmployed(context, sender.account, practitioner);
    return { kind: 'member', organisation: sender.account, practitioner: practitioner ?? '' };
  }
  const organisation = sponsorOf(state, sender.account);
  if (organisation === undefined || !isActiveMember(state, organisation)) throw notEntitled(sender.account);
  if (sender.record.kind === 'practitioner') {
    if (!approvers.some((approver) => approver.account === organisation)) throw notEntitled(sender.account);
    if (practitioner !== undefined && practitioner !== sender.account)
      throw reject('ACCESS_PRACTITIONER_INVALID', { practitioner });
    requireEmployed(context, organisation, sender.account);
    return { kind: 'member', organisation, practitioner: sender.account };
  }
  const isOwn =
    sender.account === account || delegationOf(state, account, sender.account, 'access', block.timeMs) !== undefined;
  if (!isOwn || practitioner !== undefined) throw notEntitled(sender.account);
  return { kind: 'person', organisation, practitioner: '' };
}

/** An active practitioner's account for which `member` answers. */
export function requireEmployed(context: Context, member: string, practitioner: string): void {
  if (!isEmployed(context, member, practitioner)) throw reject('ACCESS_PRACTITIONER_INVALID', { practitioner });
}

/** A practitioner of `member` of whom it attests role codes: one who may break the glass. */
export function isClinician(context: Context, member: string, practitioner: string): boolean {
  return isEmployed(context, member, practitioner) && practitionerRoles(context.state, practitioner).length > 0;
}

function isEmployed(context: Context, member: string, practitioner: string): boolean {
  const record = accountOf(context.state, practitioner);
  if (record?.kind !== 'practitioner' || record.status !== 'active') return false;
  return sponsorOf(context.state, practitioner) === member;
}

function notEntitled(account: string) {
  return reject('ACCESS_REQUESTER_NOT_ENTITLED', { account });
}
