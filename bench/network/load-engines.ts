import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { createEngineRpc } from '../../src/ledger/cometbft/engine/create-engine-rpc.ts';
import type { EngineRpc } from '../../src/ledger/cometbft/engine/engine-rpc.ts';
import type { MeasuredNetwork } from './measured-network.ts';
import { cpuSeconds } from './process-figures.ts';

/** Transactions that wait for a block, all validators together; a mempool holds 10,000. */
const UNDER_WAY = 8_000;
const BATCH = 250;
const BLOCKS_STEP_MS = 100;

export interface Loaded {
  /** Transactions in blocks, per second. */
  readonly perSecond: number;
  /** Middle number of a block's transactions. */
  readonly perBlock: number;
  readonly cpuSecondsPerThousand: number;
}

export interface LoadOptions {
  /** Bytes of a transaction. */
  readonly bytes: number;
  readonly warmMs: number;
  readonly forMs: number;
}

interface Mark {
  readonly atMs: number;
  readonly committed: number;
  readonly cpuSeconds: number;
}

/**
 * Keeps transactions of random text (`key=value`, as kvstore wants them) waiting at all four, by `broadcast_tx_async` in
 * batches, and counts what blocks hold: from the first block after the warm-up to the last one before the end.
 */
export async function loadEngines(network: MeasuredNetwork, options: LoadOptions): Promise<Loaded> {
  const engines = network.sockets.map((socketPath) => createEngineRpc({ socketPath }));
  const first = engines[0] as EngineRpc;
  await Promise.all(engines.map((engine) => moving(engine)));
  const pids = await network.pids();
  const marks: Mark[] = [];
  const sizes: number[] = [];
  let [sent, committed, isOver] = [0, 0, false];

  async function feed(engine: EngineRpc): Promise<void> {
    while (!isOver) {
      if (sent - committed > UNDER_WAY - BATCH) {
        await delay(5);
        continue;
      }
      sent += BATCH;
      const results = await engine.broadcast(
        Array.from({ length: BATCH }, () => randomTransaction(options.bytes)),
        'async',
      );
      sent -= results.filter(({ code }) => code !== 0).length;
    }
  }

  async function count(untilMs: number): Promise<void> {
    for (let height = 0; performance.now() < untilMs; await delay(BLOCKS_STEP_MS)) {
      const counted = await transactionsAfter(first, height);
      if (counted.sizes.length === 0) continue;
      height += counted.sizes.length;
      committed += counted.sizes.reduce((sum, size) => sum + size, 0);
      sizes.push(...counted.sizes);
      marks.push({ atMs: performance.now(), committed, cpuSeconds: cpuSeconds(pids) });
    }
    isOver = true;
  }

  const startMs = performance.now();
  const feeding = engines.map(feed);
  await count(startMs + options.warmMs + options.forMs);
  await Promise.all(feeding);
  for (const engine of engines) engine.close();
  const [from, to] = [marks.find(({ atMs }) => atMs >= startMs + options.warmMs), marks.at(-1)];
  if (from === undefined || to === undefined || from === to) throw new Error('no blocks came under load');
  const transactions = to.committed - from.committed;
  return {
    perSecond: (transactions * 1000) / (to.atMs - from.atMs),
    perBlock: middle(sizes.filter((size) => size > 0)),
    cpuSecondsPerThousand: ((to.cpuSeconds - from.cpuSeconds) * 1000) / transactions,
  };
}

/** Counts of the blocks above a height, at most 20 (rpc/core/blocks.go, BlockchainInfo). */
async function transactionsAfter(engine: EngineRpc, height: number): Promise<{ readonly sizes: readonly number[] }> {
  const { height: latest } = await engine.status();
  if (latest <= height) return { sizes: [] };
  const heights = { minHeight: String(height + 1), maxHeight: String(Math.min(latest, height + 20)) };
  const { block_metas: metas } = (await engine.call('blockchain', heights)) as unknown as {
    readonly block_metas: readonly { readonly num_txs: string }[];
  };
  return { sizes: metas.map(({ num_txs: count }) => Number(count)).reverse() };
}

async function moving(engine: EngineRpc): Promise<void> {
  for (const untilMs = performance.now() + 30_000; performance.now() < untilMs; await delay(100)) {
    const peers = await engine.peers().catch(() => []);
    if (peers.length >= 3) return;
  }
  throw new Error('the engines did not find each other');
}

function randomTransaction(bytes: number): Uint8Array {
  const text = randomBytes(Math.ceil(bytes / 2))
    .toString('hex')
    .slice(0, bytes);
  return Buffer.from(`${text.slice(0, 32)}=${text.slice(33)}`);
}

export function middle(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that a share of all do not exceed; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
