import { logLeafHash, verifyInclusion } from '../../state/log-proof.ts';
import { treeKeyHash, treeValueHash, verifyTreeProof } from '../../state/tree-proof.ts';
import { storeKeyOf } from '../../state/typed-state.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { canonicalBytes, type Json } from '../../std/canonical-json.ts';
import { rejecter } from '../../std/reject.ts';
import { contentHash, interactionLeaf, versionLeaf } from '../journal-leaf.ts';
import { CODES } from './codes.ts';
import { hashOf } from './hash.ts';
import type { JournalEntry, Receipt, ReceiptSubject } from './receipt.ts';
import { type ProvenTransaction, verifyTransaction } from './transaction-proof.ts';

const reject = rejecter(CODES);

/** The statement a receipt proved. `content` says whether given bytes were held against a version. */
export type Statement =
  | { readonly kind: 'transaction'; readonly transaction: ProvenTransaction }
  | {
      readonly kind: 'journal';
      readonly custodian: string;
      readonly generation: number;
      readonly index: number;
      readonly entry: JournalEntry;
      readonly anchor: ProvenTransaction;
      readonly content: 'matches' | 'not given';
    }
  | { readonly kind: 'state'; readonly map: string; readonly key: readonly string[]; readonly value?: Json };

/** Verifies a receipt's subject against its head. Throws Reject RECEIPT_SUBJECT_UNPROVEN and the like. */
export async function verifySubject(receipt: Receipt, content: Uint8Array | undefined): Promise<Statement> {
  const { subject } = receipt;
  if (subject.kind === 'journal') return verifyJournalEntry(subject, receipt, content);
  if (content !== undefined) throw reject('RECEIPT_CONTENT_DIFFERS');
  if (subject.kind === 'transaction') {
    return { kind: 'transaction', transaction: await verifyTransaction(subject.transaction, receipt.head) };
  }
  return verifyState(subject, receipt);
}

type SubjectOf<K extends ReceiptSubject['kind']> = Extract<ReceiptSubject, { kind: K }>;

/** Leaf → path → root and size of an anchor that the custodian itself signed → the anchor's place in the ledger. */
async function verifyJournalEntry(
  subject: SubjectOf<'journal'>,
  receipt: Receipt,
  content: Uint8Array | undefined,
): Promise<Statement> {
  const { custodian, generation, index, entry, path } = subject;
  const anchor = await verifyTransaction(subject.anchor, receipt.head);
  const { size, root } = anchorOf(anchor, custodian, generation);
  const leafHash = logLeafHash(leafOf(entry));
  if (!verifyInclusion(leafHash, index, size, path.map(hashOf), hashOf(root))) throw reject('RECEIPT_SUBJECT_UNPROVEN');
  const compared = compareContent(entry, content);
  return { kind: 'journal', custodian, generation, index, entry, anchor, content: compared };
}

function leafOf(entry: JournalEntry): Uint8Array {
  const salt = hashOf(entry.salt);
  if (entry.kind === 'interaction') return interactionLeaf(salt, entry.header);
  return versionLeaf(salt, entry.header, hashOf(entry.contentHash));
}

/** Size and root that an anchor fixed, from the message its custodian signed; the outcome must be OK. */
function anchorOf(anchor: ProvenTransaction, custodian: string, generation: number): { size: number; root: string } {
  const { message, code } = anchor;
  const { size, root } = message;
  const isAnchor = message.type === 'journal.anchor' && code === 'OK' && anchor.sender === custodian;
  if (!isAnchor || message.generation !== generation || typeof size !== 'number' || typeof root !== 'string') {
    throw reject('RECEIPT_SUBJECT_UNPROVEN');
  }
  return { size, root };
}

function compareContent(entry: JournalEntry, content: Uint8Array | undefined): 'matches' | 'not given' {
  if (content === undefined) return 'not given';
  if (entry.kind !== 'version' || bytesToHex(contentHash(content)) !== entry.contentHash) {
    throw reject('RECEIPT_CONTENT_DIFFERS');
  }
  return 'matches';
}

function verifyState(subject: SubjectOf<'state'>, receipt: Receipt): Statement {
  const { map, key, value } = subject;
  const valueHash = value === undefined ? null : treeValueHash(canonicalBytes(value));
  const keyHash = treeKeyHash(storeKeyOf(map, key));
  if (bytesToHex(keyHash) !== subject.keyHash) throw reject('RECEIPT_SUBJECT_UNPROVEN');
  if (!verifyTreeProof(hashOf(receipt.app.treeRoot), keyHash, valueHash, subject.proof)) {
    throw reject('RECEIPT_SUBJECT_UNPROVEN');
  }
  return { kind: 'state', map, key, ...(value === undefined ? {} : { value }) };
}
