import { Type } from 'typebox';
import { type AccountRecord, accounts, type KeyRecord } from '../../../chain/account.ts';
import { type MessageContext, type MessageRule, messageRule } from '../../../chain/contract.ts';
import { reject } from './codes.ts';
import { addKeys, isBackedBySponsor, keepKeys, requireAccount } from './key-rules.ts';
import { accountOf } from './queries.ts';
import { AccountId, KeyRecordSchema, RoleCodesSchema, requireDistinct, strict } from './schemas.ts';
import { LIMITS, practitioners } from './state.ts';
import { requireMember } from './votes.ts';

const register = messageRule({
  schema: Type.Object(
    {
      account: AccountId,
      keys: Type.Optional(Type.Array(KeyRecordSchema, { maxItems: LIMITS.keysPerAccount })),
      roleCodes: RoleCodesSchema,
    },
    strict,
  ),
  lane: 'ordinary',
  handle(context) {
    const { account, roleCodes } = context.message;
    const sponsor = requireMember(context);
    requireDistinct(roleCodes);
    if (accountOf(context.state, account) !== undefined) throw reject('ACCOUNT_EXISTS', { account });
    const keys = addKeys([], (context.message.keys ?? []) as readonly KeyRecord[]);
    keepKeys(context.state, keys);
    context.state.set(accounts, [account], { kind: 'practitioner', status: 'active', sponsor, keys });
    context.state.set(practitioners, [account], { roleCodes });
    return { account };
  },
});

const setRoles = messageRule({
  schema: Type.Object({ account: AccountId, roleCodes: RoleCodesSchema }, strict),
  lane: 'ordinary',
  handle(context) {
    const { account, roleCodes } = context.message;
    requireEmployed(context, account);
    requireDistinct(roleCodes);
    context.state.set(practitioners, [account], { roleCodes });
    return { account };
  },
});

const deactivate = messageRule({
  schema: Type.Object({ account: AccountId }, strict),
  lane: 'urgent',
  handle(context) {
    const { account } = context.message;
    const record = requireEmployed(context, account);
    context.state.set(accounts, [account], { ...record, status: 'closed' });
    return { account };
  },
});

/** The record of a practitioner for whom the sender answers and whose account is not closed. */
function requireEmployed(
  context: Pick<MessageContext<unknown>, 'transaction' | 'state'>,
  account: string,
): AccountRecord {
  requireMember(context);
  const record = requireAccount(context.state, account);
  if (record.kind !== 'practitioner') throw reject('ACCOUNT_KIND', { account, kind: record.kind });
  if (!isBackedBySponsor(context, account, 'sender')) throw reject('SIGNER_NOT_ENTITLED', { account });
  if (record.status === 'closed') throw reject('ACCOUNT_STATUS', { account, status: record.status });
  return record;
}

/** Those who work for a member, version 1. */
export const practitionerMessages: Readonly<Record<string, MessageRule>> = {
  'practitioner.register': register,
  'practitioner.setRoles': setRoles,
  'practitioner.deactivate': deactivate,
};
