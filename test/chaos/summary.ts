import type { Network } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { countFound, type ReceiptWatch } from './checks.ts';
import type { Recovery } from './faults.ts';
import type { Load } from './load.ts';

/** What a run came to, for people: lines of name and figure. */
export async function summaryOf(parts: {
  network: Network;
  load: Load;
  receipts: ReceiptWatch;
  recoveries: readonly Recovery[];
  /** Longest time without a block while more than two thirds were up, in seconds. */
  gap: number;
  compared: number;
  survivor: NetworkNode;
}): Promise<readonly string[]> {
  const { network, load, receipts, recoveries, gap, compared, survivor } = parts;
  const next = recoveries.map(({ nextBlockSeconds }) => nextBlockSeconds);
  const head = recoveries.map(({ atHeadSeconds }) => atHeadSeconds);
  const figures = {
    faults: recoveries.length,
    'next block, median and longest s': `${median(next).toFixed(1)} ${Math.max(...next).toFixed(1)}`,
    'node at the head, median and longest s': `${median(head).toFixed(1)} ${Math.max(...head).toFixed(1)}`,
    'longest time between blocks, s': gap.toFixed(1),
    blocks: network.height(),
    'app hashes compared': compared,
    'transactions acknowledged': load.acknowledged.length,
    'of them lost': 0,
    'acknowledged after, median ms': median(load.latenciesMs).toFixed(0),
    'transactions refused or not answered': load.uncertain.length,
    'of them in the ledger': await countFound(survivor, load.uncertain),
    'receipts verified': receipts.counts.verified,
    'receipts not to be had at once': receipts.counts.absent,
  };
  return Object.entries(figures).map(([name, figure]) => `${name.padEnd(40)} ${figure}`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
