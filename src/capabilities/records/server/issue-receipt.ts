import type { KeyRecord } from '../../../chain/account.ts';
import { APP_SCHEMA } from '../../../chain/app-hash.ts';
import type { Head } from '../../../chain/block.ts';
import { type OutcomeLeaf, parseLeaf } from '../../../chain/leaf.ts';
import { type JournalEntry, RECEIPT_FORMAT, type Receipt, type TransactionProof } from '../../../chain/receipt/receipt.ts';
import type { Committed, Ledger } from '../../../ledger/ledger.ts';
import { bytesToBase64url, bytesToHex } from '../../../std/bytes.ts';
import { rejecter } from '../../../std/reject.ts';
import { inclusionProof } from '../../../state/log.ts';
import type { KvReader } from '../../../state/store.ts';
import { proveKey, readTreeRoot } from '../../../state/tree.ts';
import { treeKeyHash } from '../../../state/tree-proof.ts';
import { createStateReader, storeKeyOf } from '../../../state/typed-state.ts';
import { utf8ToText } from '../../../std/bytes.ts';
import type { OpenedEntry, Vault } from '../../../vault/vault.ts';
import { keyHistory } from '../../membership/contract/state.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const LOG_PREFIX = 'l/';

type SignedHead = Awaited<ReturnType<Ledger['signedHead']>>;

/** A head with what proves it, and a snapshot of the store at least as new, in which the head's log can be proved. */
interface Basis {
  readonly signed: SignedHead;
  readonly store: KvReader;
  readonly treeRoot: string;
}

/** Receipt of a transaction by id. Throws Reject RECEIPT_SUBJECT_UNKNOWN. */
export async function issueTransactionReceipt(ledger: Ledger, id: string): Promise<Receipt> {
  const committed = await requireCommitted(ledger, id);
  return withBasis(ledger, async (basis) =>
    receiptOf(basis, { kind: 'transaction', transaction: await proveTransaction(ledger, basis, committed) }),
  );
}

/**
 * Receipt of a journal entry: its path to the first anchor that covers it, and that anchor's proof. Throws Reject
 * RECEIPT_NOT_ANCHORED until there is one.
 */
export async function issueJournalReceipt(ledger: Ledger, vault: Vault, entry: OpenedEntry): Promise<Receipt> {
  const { generation, index } = entry;
  const anchor = vault.anchorOf(generation, index);
  if (anchor === undefined) throw reject('RECEIPT_NOT_ANCHORED');
  const committed = await requireCommitted(ledger, anchor.transaction);
  const path = vault.inclusion(generation, index, anchor.size).map(bytesToHex);
  return withBasis(ledger, async (basis) =>
    receiptOf(basis, {
      kind: 'journal',
      custodian: vault.custodian,
      generation,
      index,
      entry: entryOf(entry),
      path,
      anchor: await proveTransaction(ledger, basis, committed),
    }),
  );
}

/** Receipt of what the newest signed head's state holds under a key, or that it holds nothing. */
export async function issueStateReceipt(ledger: Ledger, map: string, key: readonly string[]): Promise<Receipt> {
  return withBasis(ledger, async (basis) => {
    // Only the snapshot of that very head proves its tree; blocks that came in between make the caller ask again.
    if (bytesToHex(readTreeRoot(basis.store)) !== basis.treeRoot) throw reject('RECEIPT_HEAD_MOVING');
    const storeKey = storeKeyOf(map, key);
    const bytes = basis.store.get(storeKey);
    const proof = proveKey(basis.store, treeKeyHash(storeKey));
    const value = bytes === undefined ? {} : { value: JSON.parse(utf8ToText(bytes)) };
    return receiptOf(basis, { kind: 'state', map, key: [...key], ...value, proof });
  });
}

async function requireCommitted(ledger: Ledger, id: string): Promise<Committed> {
  const committed = await ledger.find(id);
  if (committed === undefined) throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return committed;
}

async function withBasis<T>(ledger: Ledger, use: (basis: Basis) => Promise<T>): Promise<T> {
  const signed = await ledger.signedHead();
  const snapshot = ledger.read();
  try {
    return await use({ signed, store: snapshot.store, treeRoot: await treeRootOf(ledger, signed.head, snapshot.store) });
  } finally {
    snapshot.release();
  }
}

/** Every block that holds something ends with a leaf that names its tree root, so the log's last leaf names the head's. */
async function treeRootOf(ledger: Ledger, head: Head, store: KvReader): Promise<string> {
  if (head.logSize === 0) return bytesToHex(readTreeRoot(store));
  const bytes = await ledger.leaf(head.logSize - 1);
  const leaf = bytes === undefined ? undefined : parseLeaf(bytes);
  if (leaf?.kind !== 'block') throw new Error('the last leaf of a head is not a block leaf');
  return leaf.treeRoot;
}

function receiptOf({ signed, treeRoot }: Basis, subject: Receipt['subject']): Receipt {
  return {
    format: RECEIPT_FORMAT,
    subject,
    app: { treeRoot, schema: APP_SCHEMA },
    head: signed.head,
    commit: signed.commit,
    cosignatures: signed.cosignatures as Receipt['cosignatures'],
  };
}

async function proveTransaction(ledger: Ledger, { signed, store }: Basis, committed: Committed): Promise<TransactionProof> {
  const { leafIndex, height, index } = committed;
  const { logSize } = signed.head;
  if (leafIndex >= logSize) throw reject('RECEIPT_HEAD_MOVING');
  const leaf = await outcomeLeafAt(ledger, leafIndex);
  return {
    wire: bytesToBase64url(await wireAt(ledger, height, index)),
    keys: leaf.signers.map(({ key }) => keyRecordOf(store, key)),
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

async function wireAt(ledger: Ledger, height: number, index: number): Promise<Uint8Array> {
  for await (const block of ledger.blocks(height)) {
    const wire = block.height === height ? block.transactions[index] : undefined;
    if (wire !== undefined) return wire;
    break;
  }
  throw new Error(`block ${height} is missing`);
}

/** The record a signer's key had then; retired keys stay in the history, so that old receipts can be issued again. */
function keyRecordOf(store: KvReader, hash: string): KeyRecord {
  const record = createStateReader(store).get(keyHistory, hash);
  if (record === undefined) throw new Error('a signer of a committed transaction has no key record');
  return record;
}

function entryOf({ entry, salt }: OpenedEntry): JournalEntry {
  const text = bytesToHex(salt);
  if (entry.kind === 'interaction') {
    const { rules, versions, ...header } = entry.header;
    return { kind: 'interaction', header: { ...header, rules: [...rules], versions: [...versions] }, salt: text };
  }
  return { kind: 'version', header: entry.header, contentHash: bytesToHex(entry.contentHash), salt: text };
}
