import { Type } from 'typebox';
import { type AccountRecord, accounts, type KeyRecord } from '../../../chain/account.ts';
import { type MessageContext, type MessageRule, messageRule } from '../../../chain/contract.ts';
import { keyId, keyRecordHash } from '../../../chain/signature.ts';
import { isSmallOrderEd25519 } from '../../../crypto/small-order.ts';
import type { StateReader, StateWriter } from '../../../state/typed-map.ts';
import { hexToBytes } from '../../../std/bytes.ts';
import { reject } from './codes.ts';
import { isP256Point } from './p256-point.ts';
import { accountOf, sponsorOf } from './queries.ts';
import { AccountId, KeyRecordSchema, strict } from './schemas.ts';
import { keyHistory, LIMITS } from './state.ts';

type KeyContext = Pick<MessageContext<unknown>, 'transaction' | 'state'>;

/**
 * `current` and `added` as one list. Rejects KEY_INVALID (wrong id, wrong length, small order or non-canonical Ed25519
 * key, point off P-256, WebAuthn key without relying party), KEY_EXISTS, KEY_LIMIT.
 */
export function addKeys(current: readonly KeyRecord[], added: readonly KeyRecord[]): readonly KeyRecord[] {
  const ids = current.map((key) => key.id);
  for (const key of added) {
    if (!isKeyRecord(key)) throw reject('KEY_INVALID', { key: key.id });
    if (ids.includes(key.id)) throw reject('KEY_EXISTS', { key: key.id });
    ids.push(key.id);
  }
  if (ids.length > LIMITS.keysPerAccount) throw reject('KEY_LIMIT', { limit: LIMITS.keysPerAccount });
  return [...current, ...added];
}

function isKeyRecord(key: KeyRecord): boolean {
  const publicKey = hexToBytes(key.publicKey);
  if (publicKey === undefined || key.id !== keyId(key.algorithm, publicKey)) return false;
  if (key.algorithm === 'ed25519') {
    const isPlain = key.rpIdHash === undefined && key.origin === undefined;
    return publicKey.length === 32 && isPlain && !isSmallOrderEd25519(publicKey);
  }
  return isP256Point(key.publicKey) && key.rpIdHash !== undefined && key.origin !== undefined;
}

/** Keeps keys that an account takes, for receipts issued after they are retired. */
export function keepKeys(state: StateWriter, keys: readonly KeyRecord[]): void {
  for (const key of keys) state.set(keyHistory, [keyRecordHash(key)], key);
}

/** Rejects KEY_UNPROVEN unless each of `keys` signed the transaction for `account`. */
export function requireProven(context: KeyContext, account: string, keys: readonly KeyRecord[]): void {
  const { sender, approvers } = context.transaction;
  for (const key of keys) {
    const signed = [sender, ...approvers].some((signer) => signer.account === account && signer.key.id === key.id);
    if (!signed) throw reject('KEY_UNPROVEN', { account, key: key.id });
  }
}

/** The record of an account. Rejects ACCOUNT_NOT_FOUND. */
export function requireAccount(state: StateReader, account: string): AccountRecord {
  const record = accountOf(state, account);
  if (record === undefined) throw reject('ACCOUNT_NOT_FOUND', { account });
  return record;
}

/** True when the sender signed as `account` with a key that the account held before this message. */
export function isSentByOwnKey(context: KeyContext, account: string, record: AccountRecord): boolean {
  const { sender } = context.transaction;
  return sender.account === account && record.keys.some((key) => key.id === sender.key.id);
}

/** True when the member who answers for `account` signed, as the sender or as an approver. */
export function isBackedBySponsor(context: KeyContext, account: string, as: 'sender' | 'approver'): boolean {
  const { sender, approvers } = context.transaction;
  const sponsor = sponsorOf(context.state, account);
  return (as === 'sender' ? [sender] : approvers).some((signer) => signer.account === sponsor);
}

/** Who may change an account's keys: it itself and, for those whom a member employs or runs, that member. */
function requireKeyHolder(context: KeyContext, account: string): AccountRecord {
  const record = requireAccount(context.state, account);
  const isEmployed = record.kind === 'practitioner' || record.kind === 'device';
  const isEntitled =
    isSentByOwnKey(context, account, record) || (isEmployed && isBackedBySponsor(context, account, 'sender'));
  if (!isEntitled) throw reject('SIGNER_NOT_ENTITLED', { account });
  if (record.status !== 'active') throw reject('ACCOUNT_STATUS', { account, status: record.status });
  return record;
}

const addKey = messageRule({
  schema: Type.Object({ account: AccountId, key: KeyRecordSchema }, strict),
  lane: 'ordinary',
  sensitive: true,
  introduces: (message) => ({ account: message.account, keys: [message.key as KeyRecord] }),
  handle(context) {
    const { account } = context.message;
    const key = context.message.key as KeyRecord;
    const record = requireKeyHolder(context, account);
    const keys = addKeys(record.keys, [key]);
    requireProven(context, account, [key]);
    keepKeys(context.state, [key]);
    context.state.set(accounts, [account], { ...record, keys });
    return { account, key: key.id };
  },
});

const retireKey = messageRule({
  schema: Type.Object({ account: AccountId, key: KeyRecordSchema.properties.id }, strict),
  lane: 'ordinary',
  sensitive: true,
  handle(context) {
    const { account, key } = context.message;
    const record = requireKeyHolder(context, account);
    const keys = retireKeys(record.keys, [key]);
    const isOwn = context.transaction.sender.account === account;
    // A practitioner without a key acts through the member's systems alone; nobody else may be left without one.
    if (keys.length === 0 && isOwn) throw reject('KEY_LAST', { account });
    context.state.set(accounts, [account], { ...record, keys });
    return { account, key };
  },
});

/** `current` without the keys of `ids`. Rejects KEY_UNKNOWN. */
export function retireKeys(current: readonly KeyRecord[], ids: readonly string[]): readonly KeyRecord[] {
  for (const id of ids) {
    if (!current.some((key) => key.id === id)) throw reject('KEY_UNKNOWN', { key: id });
  }
  return current.filter((key) => !ids.includes(key.id));
}

/** Keys of every kind of account, version 1. */
export const keyMessages: Readonly<Record<string, MessageRule>> = { 'key.add': addKey, 'key.retire': retireKey };
