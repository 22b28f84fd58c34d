import { verifyEd25519, verifyEs256 } from '#crypto/platform';
import { verifyInclusion } from '../../state/log-proof.ts';
import { base64urlToBytes } from '../../std/bytes.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import type { Head } from '../block.ts';
import { outcomeLeafHash } from '../leaf.ts';
import { keyRecordHash, primitiveCheck, signatureTasks } from '../signature.ts';
import { parseTransaction, type Transaction } from '../transaction.ts';
import { CODES } from './codes.ts';
import { hashOf } from './hash.ts';
import type { TransactionProof } from './receipt.ts';

const reject = rejecter(CODES);

/** What a transaction proof proved. */
export interface ProvenTransaction {
  readonly id: string;
  readonly height: number;
  readonly index: number;
  readonly timeMs: number;
  readonly code: string;
  readonly data: JsonObject;
  /** Accounts that signed. */
  readonly sender: string;
  readonly approvers: readonly string[];
  readonly message: JsonObject & { readonly type: string };
}

/**
 * Verifies wire bytes, every signature under the key records that the leaf commits to, and the leaf's place in the
 * head's log. Throws Reject RECEIPT_SUBJECT_UNPROVEN or RECEIPT_SIGNATURE_WRONG.
 */
export async function verifyTransaction(proof: TransactionProof, head: Head): Promise<ProvenTransaction> {
  const { leaf, path, leafIndex } = proof;
  const transaction = transactionOf(proof);
  const included = verifyInclusion(
    outcomeLeafHash(leaf),
    leafIndex,
    head.logSize,
    path.map(hashOf),
    hashOf(head.logRoot),
  );
  if (!included || leaf.height > head.height) throw reject('RECEIPT_SUBJECT_UNPROVEN');
  await verifySignatures(transaction, proof);
  const [sender, ...approvers] = transaction.body.signers.map(({ account }) => account) as [string, ...string[]];
  const { id, height, index, timeMs, code, data } = leaf;
  return { id, height, index, timeMs, code, data, sender, approvers, message: transaction.body.message };
}

/** The wire's transaction, when it is the one of the leaf, of this ledger, by the signers and keys that the leaf names. */
function transactionOf({ wire, leaf, keys }: TransactionProof): Transaction {
  const bytes = base64urlToBytes(wire);
  const transaction = bytes === undefined ? undefined : parseTransaction(bytes);
  if (transaction === undefined || transaction.id !== leaf.id) throw reject('RECEIPT_SUBJECT_UNPROVEN');
  const { signers } = transaction.body;
  const same =
    signers.length === leaf.signers.length &&
    signers.length === keys.length &&
    signers.every(({ account, key, role }, at) => {
      const [named, record] = [leaf.signers[at], keys[at]];
      return (
        named?.account === account && named.role === role && record?.id === key && keyRecordHash(record) === named.key
      );
    });
  if (!same) throw reject('RECEIPT_SUBJECT_UNPROVEN');
  return transaction;
}

/** Checked again although validators did: so that the reader need not take the ledger's word for who signed. */
async function verifySignatures(transaction: Transaction, { keys }: TransactionProof): Promise<void> {
  for (const task of signatureTasks(transaction, keys)) {
    const check = primitiveCheck(task);
    const verify = check?.algorithm === 'ed25519' ? verifyEd25519 : verifyEs256;
    if (check === undefined || !(await verify(check.publicKey, check.message, check.signature))) {
      throw reject('RECEIPT_SIGNATURE_WRONG', { account: task.account });
    }
  }
}
