import type { Block, Head } from '../chain/block.ts';
import type { StoredBlock } from './store/block-record.ts';
import type { SignedHead } from './store/head-log.ts';

/** A block with the head it led to and the operator's signature over that head: what a follower checks. */
export interface SignedBlock {
  readonly block: Block;
  readonly head: Head;
  /** Ed25519 over `headSignBytes(head)`, hexadecimal. */
  readonly signature: string;
}

/** A ledger whose blocks come with signed heads, so that other nodes can follow it. */
export interface SignedBlockSource {
  /** Blocks from a height on, at most `limit` of them and about 4 MiB, at least one when there is one. */
  signedBlocks(fromHeight: number, limit: number): Promise<readonly SignedBlock[]>;
  /** The newest head as its operator signed it, without asking witnesses. */
  operatorHead(): Promise<SignedHead>;
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Blocks with the signatures over their heads: each is in the record after, that of the last in the log of heads. */
export async function collectSignedBlocks(
  stored: AsyncIterable<StoredBlock>,
  latest: SignedHead,
  limit: number,
): Promise<readonly SignedBlock[]> {
  const out: SignedBlock[] = [];
  let before: StoredBlock | undefined;
  let bytes = 0;
  for await (const one of stored) {
    if (before !== undefined) out.push({ block: before.block, head: before.head, signature: one.previousSignature });
    before = undefined;
    if (out.length >= limit || bytes > MAX_ANSWER_BYTES || one.head.height > latest.head.height) break;
    bytes += one.block.transactions.reduce((sum, wire) => sum + wire.length, 0);
    before = one;
  }
  if (before?.head.height === latest.head.height)
    out.push({ block: before.block, head: before.head, signature: latest.signature });
  return out;
}
