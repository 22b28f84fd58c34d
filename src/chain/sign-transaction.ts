import { randomBytes } from '#crypto/platform';
import { bytesToHex } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject } from '../std/canonical-json.ts';
import { encodeTransaction, signBytes } from './transaction.ts';

/** A key that signs for an account: a wallet's, an organisation's, a device's. The key itself stays behind `sign`. */
export interface Signer {
  readonly account: string;
  readonly keyId: string;
  /** Signature over transaction sign bytes, in the form that the key's algorithm has on the wire. */
  sign(bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** How long a transaction stays valid unless asked otherwise; the contract allows ten minutes. */
export const DEFAULT_VALIDITY_MS = 5 * 60 * 1000;

export interface TransactionDraft {
  /** Genesis hash, hexadecimal. */
  readonly chain: string;
  readonly message: JsonObject & { readonly type: string };
  readonly nowMs: number;
  readonly validityMs?: number;
}

/** Canonical body of a draft with a fresh nonce, naming its signers: the sender first, then approvers. */
export function draftBody(
  draft: TransactionDraft,
  sender: Pick<Signer, 'account' | 'keyId'>,
  approvers: readonly Pick<Signer, 'account' | 'keyId'>[] = [],
): Uint8Array {
  const signers = [sender, ...approvers].map(({ account, keyId }, at) => ({
    account,
    key: keyId,
    role: at === 0 ? 'sender' : 'approver',
  }));
  return canonicalBytes({
    chain: draft.chain,
    nonce: bytesToHex(randomBytes(16)),
    notAfterMs: draft.nowMs + (draft.validityMs ?? DEFAULT_VALIDITY_MS),
    signers,
    message: draft.message,
  });
}

/** Wire bytes of a draft signed by all its signers, each over the same bytes. */
export async function signTransaction(
  draft: TransactionDraft,
  sender: Signer,
  approvers: readonly Signer[] = [],
): Promise<Uint8Array> {
  const body = draftBody(draft, sender, approvers);
  const bytes = signBytes(body);
  const signatures: Uint8Array[] = [];
  for (const signer of [sender, ...approvers]) signatures.push(await signer.sign(bytes));
  return encodeTransaction(body, signatures);
}
