import { Type } from 'typebox';
import { type AccountRecord, accounts, type KeyRecord } from '../../../chain/account.ts';
import { type MessageRule, messageRule } from '../../../chain/contract.ts';
import { reject } from './codes.ts';
import {
  addKeys,
  isBackedBySponsor,
  isSentByOwnKey,
  keepKeys,
  requireAccount,
  requireProven,
  retireKeys,
} from './key-rules.ts';
import { accountOf, hasRole } from './queries.ts';
import { AccountId, KeyRecordSchema, requireDistinct, strict } from './schemas.ts';
import { LIMITS } from './state.ts';
import { requireMember } from './votes.ts';

const open = messageRule({
  schema: Type.Object({ accounts: Type.Array(AccountId, { minItems: 1, maxItems: LIMITS.accountsPerOpen }) }, strict),
  lane: 'ordinary',
  handle(context) {
    const sponsor = requireMember(context);
    if (!hasRole(context.state, sponsor, 'provider')) throw reject('ROLE_REQUIRED', { role: 'provider' });
    const ids = context.message.accounts;
    requireDistinct(ids);
    for (const account of ids) {
      if (accountOf(context.state, account) !== undefined) throw reject('ACCOUNT_EXISTS', { account });
      context.state.set(accounts, [account], { kind: 'patient', status: 'unclaimed', sponsor, keys: [] });
    }
    return { opened: ids.length };
  },
});

const claim = messageRule({
  schema: Type.Object(
    { account: AccountId, keys: Type.Array(KeyRecordSchema, { minItems: 1, maxItems: LIMITS.keysPerClaim }) },
    strict,
  ),
  lane: 'ordinary',
  introduces: (message) => ({ account: message.account, keys: message.keys as readonly KeyRecord[] }),
  handle(context) {
    const { account } = context.message;
    const added = context.message.keys as readonly KeyRecord[];
    const record = requirePatient(requireAccount(context.state, account), account);
    if (record.status !== 'unclaimed') throw reject('ACCOUNT_STATUS', { account, status: record.status });
    if (context.transaction.sender.account !== account) throw reject('SIGNER_NOT_ENTITLED', { account });
    const keys = addKeys([], added);
    requireProven(context, account, added);
    // The custodian has checked the one-time code; the code itself never comes here.
    if (!isBackedBySponsor(context, account, 'approver')) throw reject('CUSTODIAN_APPROVAL', { account });
    keepKeys(context.state, keys);
    context.state.set(accounts, [account], { ...record, status: 'active', keys });
    return { account, keys: keys.map((key) => key.id) };
  },
});

const freeze = messageRule({
  schema: Type.Object({ account: AccountId }, strict),
  lane: 'urgent',
  // Any own key, also one without user verification: to freeze only ever takes power away.
  handle(context) {
    const { account } = context.message;
    const record = requireFreezable(requireAccount(context.state, account), account);
    if (!isSentByOwnKey(context, account, record)) throw reject('SIGNER_NOT_ENTITLED', { account });
    if (record.status !== 'active') throw reject('ACCOUNT_STATUS', { account, status: record.status });
    context.state.set(accounts, [account], { ...record, status: 'frozen' });
    return { account };
  },
});

const unfreeze = messageRule({
  schema: Type.Object(
    { account: AccountId, retire: Type.Array(KeyRecordSchema.properties.id, { maxItems: LIMITS.keysPerAccount }) },
    strict,
  ),
  lane: 'ordinary',
  sensitive: true,
  whileFrozen: true,
  handle(context) {
    const { account, retire } = context.message;
    const record = requireFreezable(requireAccount(context.state, account), account);
    const { key } = context.transaction.sender;
    requireDistinct(retire);
    if (!isSentByOwnKey(context, account, record) || retire.includes(key.id)) {
      throw reject('SIGNER_NOT_ENTITLED', { account });
    }
    if (record.status !== 'frozen') throw reject('ACCOUNT_STATUS', { account, status: record.status });
    // Whoever stole a device without user verification could sign this too: then the custodian looks at the person.
    if (key.algorithm !== 'webauthn-es256' && !isBackedBySponsor(context, account, 'approver')) {
      throw reject('CUSTODIAN_APPROVAL', { account });
    }
    // Retiring the stolen device's key in the same act leaves it no moment to sign anything.
    context.state.set(accounts, [account], { ...record, status: 'active', keys: retireKeys(record.keys, retire) });
    return { account, retired: retire.length };
  },
});

const close = messageRule({
  schema: Type.Object({ account: AccountId }, strict),
  lane: 'ordinary',
  sensitive: true,
  handle(context) {
    const { account } = context.message;
    const record = requirePatient(requireAccount(context.state, account), account);
    if (record.status === 'closed') throw reject('ACCOUNT_STATUS', { account, status: record.status });
    // The custodian may close what it opened by mistake, and nothing that a patient has claimed.
    const isEntitled =
      record.status === 'unclaimed'
        ? isBackedBySponsor(context, account, 'sender')
        : isSentByOwnKey(context, account, record);
    if (!isEntitled) throw reject('SIGNER_NOT_ENTITLED', { account });
    context.state.set(accounts, [account], { ...record, status: 'closed' });
    return { account };
  },
});

function requirePatient(record: AccountRecord, account: string): AccountRecord {
  if (record.kind !== 'patient') throw reject('ACCOUNT_KIND', { account, kind: record.kind });
  return record;
}

/** People freeze; a member retires keys instead, since its journal must go on. */
function requireFreezable(record: AccountRecord, account: string): AccountRecord {
  if (record.kind === 'member') throw reject('ACCOUNT_KIND', { account, kind: record.kind });
  return record;
}

/** Patients' accounts, and freezing of anybody's but members', version 1. */
export const accountMessages: Readonly<Record<string, MessageRule>> = {
  'account.open': open,
  'account.claim': claim,
  'account.freeze': freeze,
  'account.unfreeze': unfreeze,
  'account.close': close,
};
