import { isSmallOrderEd25519 } from '../crypto/small-order.ts';
import type { StateReader } from '../state/typed-map.ts';
import { hexToBytes } from '../std/bytes.ts';
import { type AccountRecord, accounts, type KeyRecord } from './account.ts';
import { reject } from './codes.ts';
import type { MessageRule, Signer } from './contract.ts';
import { keyId } from './signature.ts';
import type { Message, TransactionBody, TransactionSigner } from './transaction.ts';

/** The rule that a transaction's message runs under, and the message that has its form, without its type. */
export type ActiveRule = { readonly rule: MessageRule; readonly message: Omit<Message, 'type'> };

/**
 * The signers of a body as the state knows them. Throws Reject SIGNER_UNKNOWN, SIGNER_CLOSED, SIGNER_FROZEN,
 * SIGNER_KEY_UNKNOWN. Their signatures are for the caller to check.
 */
export function findSigners(state: StateReader, body: TransactionBody, active: ActiveRule | undefined): Signer[] {
  return body.signers.map((signer) => findSigner(state, signer, active));
}

function findSigner(
  state: StateReader,
  { account, key: id, role }: TransactionSigner,
  active: ActiveRule | undefined,
): Signer {
  const record = state.get(accounts, account);
  if (record === undefined) throw reject('SIGNER_UNKNOWN', { account });
  if (record.status === 'closed') throw reject('SIGNER_CLOSED', { account });
  if (record.status === 'frozen' && active?.rule.whileFrozen !== true) throw reject('SIGNER_FROZEN', { account });
  const key = record.keys.find((one) => one.id === id) ?? introducedKey(account, id, active);
  if (key === undefined) throw reject('SIGNER_KEY_UNKNOWN', { account, key: id });
  return { account, role, record, key };
}

/**
 * A key that the message itself brings for the account. Its record comes from the sender, so it is held to what a
 * registered one must be before anything is verified under it: its id is its hash, and it is of no small order, under
 * which a signature proves nothing. Whether the account may take it is for the handler.
 */
function introducedKey(account: string, id: string, active: ActiveRule | undefined): KeyRecord | undefined {
  const introduced = active?.rule.introduces?.(active.message as never);
  if (introduced?.account !== account) return undefined;
  const key = introduced.keys.find((one) => one.id === id);
  const publicKey = key === undefined ? undefined : hexToBytes(key.publicKey);
  if (key === undefined || publicKey === undefined || key.id !== keyId(key.algorithm, publicKey)) return undefined;
  return key.algorithm === 'ed25519' && isSmallOrderEd25519(publicKey) ? undefined : key;
}

/**
 * A sensitive message needs, for each patient who signs it and whose account holds a WebAuthn key, one signature by
 * such a key that the account already holds. Throws Reject SIGNER_UNVERIFIED.
 */
export function requireVerifiedUsers(signers: readonly Signer[]): void {
  for (const { account, record } of signers) {
    if (record.kind !== 'patient' || !record.keys.some(isWebAuthn)) continue;
    const isVerified = signers.some(
      (signer) =>
        signer.account === account && isWebAuthn(signer.key) && record.keys.some(({ id }) => id === signer.key.id),
    );
    if (!isVerified) throw reject('SIGNER_UNVERIFIED', { account });
  }
}

function isWebAuthn({ algorithm }: KeyRecord): boolean {
  return algorithm === 'webauthn-es256';
}

/**
 * The member who is charged for an account: its sponsor or, where that one was removed, the successor to whom its
 * removal points it (one step: later removals repoint it).
 */
export function chargedMember(state: StateReader, record: AccountRecord): string {
  return state.get(accounts, record.sponsor)?.sponsor ?? record.sponsor;
}
