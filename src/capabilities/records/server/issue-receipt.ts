import { Value } from 'typebox/value';
import type { KeyRecord } from '../../../chain/account.ts';
import { APP_SCHEMA } from '../../../chain/app-hash.ts';
import type { Head } from '../../../chain/block.ts';
import { type OutcomeLeaf, parseLeaf } from '../../../chain/leaf.ts';
import {
  type JournalEntry,
  RECEIPT_FORMAT,
  type Receipt,
  type TransactionProof,
} from '../../../chain/receipt/receipt.ts';
import { keyRecordHash } from '../../../chain/signature.ts';
import { type Message, parseTransaction } from '../../../chain/transaction.ts';
import type { Committed, Ledger } from '../../../ledger/ledger.ts';
import { consistencyProof, inclusionProof, logRoot } from '../../../state/log.ts';
import type { KvReader } from '../../../state/store.ts';
import { proveKey, readTreeRoot } from '../../../state/tree.ts';
import { treeKeyHash } from '../../../state/tree-proof.ts';
import { createStateReader, storeKeyOf } from '../../../state/typed-state.ts';
import { bytesToBase64url, bytesToHex, utf8ToText } from '../../../std/bytes.ts';
import { rejecter } from '../../../std/reject.ts';
import type { OpenedEntry, Vault } from '../../../vault/vault.ts';
import { KeyRecordSchema } from '../../membership/contract/schemas.ts';
import { keyHistory } from '../../membership/contract/state.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const LOG_PREFIX = 'l/';

type SignedHead = Awaited<ReturnType<Ledger['signedHead']>>;

/** What a receipt shall hold beside its subject. */
export interface ReceiptOptions {
  /** Size of an earlier log that the reader holds a checkpoint of: the receipt proves that its log extends that one. */
  readonly extendsSize?: number;
}

/** A head with what proves it, and a snapshot of the store at least as new, in which the head's log can be proved. */
interface Basis {
  readonly signed: SignedHead;
  readonly store: KvReader;
  readonly treeRoot: string;
  readonly options: ReceiptOptions;
}

/** Receipt of a transaction by id. Throws Reject RECEIPT_SUBJECT_UNKNOWN, RECEIPT_UNSIGNED. */
export async function issueTransactionReceipt(
  ledger: Ledger,
  id: string,
  options: ReceiptOptions = {},
): Promise<Receipt> {
  const committed = await requireCommitted(ledger, id);
  return withBasis(ledger, options, committed.height, async (basis) =>
    receiptOf(basis, { kind: 'transaction', transaction: await proveTransaction(ledger, basis, committed) }),
  );
}

/**
 * Receipt of a journal entry: its path to the first anchor that covers it, and that anchor's proof. Throws Reject
 * RECEIPT_NOT_ANCHORED until there is one, RECEIPT_ERASED when nothing opens the leaf any more.
 */
export async function issueJournalReceipt(
  ledger: Ledger,
  vault: Vault,
  entry: OpenedEntry,
  options: ReceiptOptions = {},
): Promise<Receipt> {
  const { generation, index } = entry;
  const opened = entryOf(entry);
  const anchor = await vault.anchorOf(generation, index);
  if (anchor === undefined) throw reject('RECEIPT_NOT_ANCHORED');
  const committed = await requireCommitted(ledger, anchor.transaction);
  const path = (await vault.inclusion(generation, index, anchor.size)).map(bytesToHex);
  return withBasis(ledger, options, committed.height, async (basis) =>
    receiptOf(basis, {
      kind: 'journal',
      custodian: vault.custodian,
      generation,
      index,
      entry: opened,
      path,
      anchor: await proveTransaction(ledger, basis, committed),
    }),
  );
}

/** Blocks may come between a signed head and the snapshot that proves its tree; so often it is tried again. */
const STATE_ATTEMPTS = 5;

/**
 * Receipt of what the newest signed head's state holds under a key, or that it holds nothing. Throws Reject
 * RECEIPT_HEAD_MOVING when the ledger moves on faster than it can be proved.
 */
export async function issueStateReceipt(
  ledger: Ledger,
  map: string,
  key: readonly string[],
  options: ReceiptOptions = {},
): Promise<Receipt> {
  for (let attempt = 0; attempt < STATE_ATTEMPTS; attempt++) {
    const receipt = await withBasis(ledger, options, 0, async (basis) => {
      // Only the snapshot of that very head proves its tree.
      if (bytesToHex(readTreeRoot(basis.store)) !== basis.treeRoot) return undefined;
      const storeKey = storeKeyOf(map, key);
      const bytes = basis.store.get(storeKey);
      const keyHash = treeKeyHash(storeKey);
      const proof = proveKey(basis.store, keyHash);
      const value = bytes === undefined ? {} : { value: JSON.parse(utf8ToText(bytes)) };
      return receiptOf(basis, { kind: 'state', map, key: [...key], keyHash: bytesToHex(keyHash), ...value, proof });
    });
    if (receipt !== undefined) return receipt;
  }
  throw reject('RECEIPT_HEAD_MOVING');
}

async function requireCommitted(ledger: Ledger, id: string): Promise<Committed> {
  const committed = await ledger.find(id);
  if (committed === undefined) throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return committed;
}

async function withBasis<T>(
  ledger: Ledger,
  options: ReceiptOptions,
  minHeight: number,
  use: (basis: Basis) => Promise<T>,
): Promise<T> {
  const signed = await ledger.signedHead(minHeight);
  const snapshot = ledger.read(signed.head);
  try {
    const { store } = snapshot;
    const treeRoot = await treeRootOf(ledger, signed.head, snapshot);
    return await use({ signed, store, treeRoot, options });
  } finally {
    snapshot.release();
  }
}

/**
 * Tree root of a head: the snapshot's where it is of that state. Else the log's last leaf names it, since every block that
 * holds something ends with one that does.
 */
async function treeRootOf(
  ledger: Ledger,
  head: Head,
  snapshot: { readonly head: Head; readonly store: KvReader },
): Promise<string> {
  if (snapshot.head.appHash === head.appHash) return bytesToHex(readTreeRoot(snapshot.store));
  const bytes = await ledger.leaf(head.logSize - 1);
  const leaf = bytes === undefined ? undefined : parseLeaf(bytes);
  if (leaf?.kind !== 'block') throw new Error('the last leaf of a head is not a block leaf');
  return leaf.treeRoot;
}

function receiptOf(basis: Basis, subject: Receipt['subject']): Receipt {
  const { signed, treeRoot } = basis;
  return {
    format: RECEIPT_FORMAT,
    subject,
    app: { treeRoot, schema: APP_SCHEMA },
    head: signed.head,
    commit: signed.commit,
    cosignatures: signed.cosignatures as Receipt['cosignatures'],
    ...extensionOf(basis),
  };
}

function extensionOf({ signed, store, options: { extendsSize } }: Basis): Pick<Receipt, 'extends'> {
  if (extendsSize === undefined) return {};
  const { logSize } = signed.head;
  if (extendsSize > logSize) throw reject('RECEIPT_SUBJECT_UNKNOWN');
  const path = consistencyProof(store, LOG_PREFIX, extendsSize, logSize).map(bytesToHex);
  return { extends: { logSize: extendsSize, logRoot: bytesToHex(logRoot(store, LOG_PREFIX, extendsSize)), path } };
}

async function proveTransaction(
  ledger: Ledger,
  { signed, store }: Basis,
  committed: Committed,
): Promise<TransactionProof> {
  const { leafIndex } = committed;
  const { logSize } = signed.head;
  if (leafIndex >= logSize) throw reject('RECEIPT_HEAD_MOVING');
  const leaf = await outcomeLeafAt(ledger, leafIndex);
  // Refused before its signatures were found right: nobody's act, and no receipt says otherwise.
  if (leaf.signers.length === 0) throw reject('RECEIPT_UNSIGNED');
  const wire = await ledger.wire(committed);
  // Joined by a snapshot, and nobody has given the older transactions yet.
  if (wire === undefined) throw reject('RECEIPT_ENTRY_MISSING');
  const message = parseTransaction(wire)?.body.message;
  if (message === undefined) throw new Error('a committed transaction does not parse');
  return {
    wire: bytesToBase64url(wire),
    keys: leaf.signers.map(({ key }) => keyRecordOf(store, key, message)),
    leaf,
    leafIndex,
    path: inclusionProof(store, LOG_PREFIX, leafIndex, logSize).map(bytesToHex),
  };
}

async function outcomeLeafAt(ledger: Ledger, leafIndex: number): Promise<TransactionProof['leaf']> {
  const bytes = await ledger.leaf(leafIndex);
  const parsed = bytes === undefined ? undefined : parseLeaf(bytes);
  if (parsed?.kind !== 'outcome') throw new Error('a committed transaction has no outcome leaf');
  const { kind, ...leaf } = parsed;
  return leaf as OutcomeLeaf as TransactionProof['leaf'];
}

/**
 * The record a signer's key had then. Retired keys stay in the history, so that old receipts can be issued again; a key
 * that a refused message tried to introduce is in that message alone.
 */
function keyRecordOf(store: KvReader, hash: string, message: Message): KeyRecord {
  const kept = createStateReader(store).get(keyHistory, hash);
  const record = kept ?? introducedKeys(message).find((one) => keyRecordHash(one) === hash);
  if (record === undefined) throw new Error('a signer of a committed transaction has no key record');
  return record;
}

/** Key records in the places where messages bring new ones: `key` (key.add) and `keys` (account.claim). */
function introducedKeys({ key, keys }: Message): KeyRecord[] {
  const given: unknown[] = Array.isArray(keys) ? [key, ...keys] : [key];
  return given.filter((one) => Value.Check(KeyRecordSchema, one)) as KeyRecord[];
}

function entryOf({ entry, salt }: OpenedEntry): JournalEntry {
  if (entry.kind === 'erased') throw reject('RECEIPT_ERASED');
  const text = bytesToHex(salt);
  if (entry.kind === 'interaction') {
    const { rules, versions, ...header } = entry.header;
    return { kind: 'interaction', header: { ...header, rules: [...rules], versions: [...versions] }, salt: text };
  }
  return { kind: 'version', header: entry.header, contentHash: bytesToHex(entry.contentHash), salt: text };
}
