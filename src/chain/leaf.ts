import { logLeafHash } from '../state/log-proof.ts';
import { utf8 } from '../std/bytes.ts';
import { canonicalText, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { frame, frameTag, unframe } from '../std/frame.ts';

/** Leaves of the outcome log (RFC 6962): exact bytes, kept for ever. The tags carry the format's version. */
export const OUTCOME_LEAF_TAG = 'aceso/log/outcome/1';
export const BLOCK_LEAF_TAG = 'aceso/log/block/1';

/** One transaction's outcome. */
export type OutcomeLeaf = {
  /** Transaction id; SHA-256 of the wire bytes where those are no transaction. Hexadecimal. */
  readonly id: string;
  readonly height: number;
  readonly index: number;
  readonly timeMs: number;
  /**
   * Who signed, `key` being the hash of the key's record then. Empty when the transaction was refused before its
   * signatures were found right: then nobody is shown to have sent it.
   */
  readonly signers: readonly { readonly account: string; readonly key: string; readonly role: 'sender' | 'approver' }[];
  /** OK or a rejection code. */
  readonly code: string;
  readonly data: JsonObject;
};

/** The last leaf of each block that held something. Tree root in hexadecimal. */
export type BlockLeaf = { readonly height: number; readonly timeMs: number; readonly treeRoot: string };

/** Exact bytes of an outcome's leaf; `dataText` is the canonical text of `data`, where the caller has it already. */
export function outcomeLeafToBytes(leaf: OutcomeLeaf, dataText: string = canonicalText(leaf.data)): Uint8Array {
  const signers = leaf.signers.map(
    ({ account, key, role }) => `{"account":"${account}","key":"${key}","role":"${role}"}`,
  );
  // RFC 8785 by hand, members in byte order: one leaf per transaction makes this worth it. Hexadecimal needs no escape.
  const text =
    `{"code":"${leaf.code}","data":${dataText},"height":${leaf.height},"id":"${leaf.id}",` +
    `"index":${leaf.index},"signers":[${signers.join(',')}],"timeMs":${leaf.timeMs}}`;
  return frame(OUTCOME_LEAF_TAG, utf8(text));
}

/** Exact bytes of a block's leaf. */
export function blockLeafToBytes({ height, timeMs, treeRoot }: BlockLeaf): Uint8Array {
  return frame(BLOCK_LEAF_TAG, utf8(canonicalText({ height, timeMs, treeRoot })));
}

/** RFC 6962 leaf hash of an outcome. */
export function outcomeLeafHash(leaf: OutcomeLeaf): Uint8Array {
  return logLeafHash(outcomeLeafToBytes(leaf));
}

export type LogLeaf = ({ readonly kind: 'outcome' } & OutcomeLeaf) | ({ readonly kind: 'block' } & BlockLeaf);

/** What a leaf of the node's own log says; undefined for other bytes. The kernel wrote it, so only its form is read. */
export function parseLeaf(bytes: Uint8Array): LogLeaf | undefined {
  const tag = frameTag(bytes);
  if (tag !== OUTCOME_LEAF_TAG && tag !== BLOCK_LEAF_TAG) return undefined;
  const parts = unframe(tag, bytes);
  const value = parts?.length === 1 ? parseCanonical(parts[0] as Uint8Array) : undefined;
  if (typeof value !== 'object' || Array.isArray(value)) return undefined;
  return tag === OUTCOME_LEAF_TAG
    ? { kind: 'outcome', ...(value as OutcomeLeaf) }
    : { kind: 'block', ...(value as BlockLeaf) };
}

/**
 * What `Kernel.remember` needs of the leaves of the last ten minutes of block time: ids of transactions whose
 * signatures held. The others may come again, else a forged copy would keep the genuine one out.
 */
export function* rememberedIds(
  leaves: Iterable<Uint8Array>,
): Generator<{ readonly id: string; readonly timeMs: number }> {
  for (const bytes of leaves) {
    const leaf = parseLeaf(bytes);
    if (leaf?.kind === 'outcome' && leaf.signers.length > 0) yield { id: leaf.id, timeMs: leaf.timeMs };
  }
}
