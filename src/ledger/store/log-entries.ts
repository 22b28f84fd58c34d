import { sha256 } from '#crypto/platform';
import { type LogLeaf, parseLeaf } from '../../chain/leaf.ts';
import { parseTransaction, REPLAY_WINDOW_MS } from '../../chain/transaction.ts';
import { logLeafHash } from '../../state/log-proof.ts';
import { bytesToHex, equalBytes } from '../../std/bytes.ts';
import type { StoredBlock } from './block-record.ts';
import type { CommittedChain } from './committed-chain.ts';
import type { LogEntry } from './state-store.ts';

/** What entries are read with. */
export type EntryReads = Pick<CommittedChain, 'leaf' | 'leaves' | 'wire' | 'stored' | 'baseHeight'>;

/**
 * The leaf of an entry, where it is the one that the log has there and its wire bytes are of that transaction; undefined
 * for any other. Of the wire all but the signatures is covered: whoever shows them to others checks those.
 */
export function leafOf(leafHash: Uint8Array, { leaf: bytes, wire }: LogEntry): LogLeaf | undefined {
  if (!equalBytes(logLeafHash(bytes), leafHash)) return undefined;
  const leaf = parseLeaf(bytes);
  if (leaf?.kind !== 'outcome') return wire === undefined ? leaf : undefined;
  // As the kernel names what it executes.
  const id = wire === undefined ? undefined : (parseTransaction(wire)?.id ?? bytesToHex(sha256(wire)));
  return id === leaf.id ? leaf : undefined;
}

/** Entries `from` ≤ index < `to`, in order; ends before the first of which this node lacks the leaf or the wire. */
export async function* readEntries(chain: EntryReads, from: number, to: number): AsyncGenerator<LogEntry> {
  const wires = wireReader(chain);
  try {
    for (let index = from; index < to; ) {
      const run = chain.leaves(index).slice(0, to - index);
      if (run.length === 0) return;
      for (const bytes of run) {
        const leaf = parseLeaf(bytes);
        if (leaf?.kind !== 'outcome') yield { leaf: bytes };
        else {
          const wire = await wires.read(leaf, index);
          if (wire === undefined) return;
          yield { leaf: bytes, wire };
        }
        index++;
      }
    }
  } finally {
    await wires.close();
  }
}

/** Wire bytes in the order of the log: each block is read once. */
function wireReader(chain: EntryReads) {
  const base = chain.baseHeight();
  let blocks: AsyncGenerator<StoredBlock> | undefined;
  let current: StoredBlock | undefined;

  async function blockOf(height: number): Promise<StoredBlock | undefined> {
    if (current !== undefined && current.block.height > height) return undefined;
    blocks ??= chain.stored(height);
    while (current === undefined || current.block.height < height) {
      const { value, done } = await blocks.next();
      if (done === true) return undefined;
      current = value;
    }
    return current.block.height === height ? current : undefined;
  }

  return {
    async read({ height, index }: { height: number; index: number }, leafIndex: number) {
      if (height <= base) return chain.wire({ height, index, leafIndex });
      return (await blockOf(height))?.block.transactions[index];
    },
    close: async () => void (await blocks?.return(undefined)),
  };
}

/**
 * Index from which leaves are needed to know the replay window of a log of `size` leaves: the last one that is older
 * than the window, which shows that none is left out, or 0. The window ends at the newest leaf, whose time the log
 * covers: block time may be later, and then less is needed. Undefined where this node lacks one of them.
 */
export function windowStart(chain: Pick<EntryReads, 'leaf'>, size: number): number | undefined {
  if (size === 0) return 0;
  const timeOf = (index: number): number => {
    const bytes = chain.leaf(index);
    return (bytes === undefined ? undefined : parseLeaf(bytes)?.timeMs) ?? Number.NEGATIVE_INFINITY;
  };
  const sinceMs = timeOf(size - 1) - REPLAY_WINDOW_MS;
  // Block time never goes back, and what a node lacks is older than all that it has.
  let [low, high] = [0, size - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (timeOf(middle) < sinceMs) low = middle;
    else high = middle - 1;
  }
  return chain.leaf(low) === undefined ? undefined : low;
}
