import type { Kernel } from '../../chain/kernel-api.ts';
import { validators } from '../../chain/validators.ts';
import type { LedgerHealth } from '../ledger.ts';
import type { CommittedChain } from '../store/committed-chain.ts';
import type { Engine } from './engine/engine.ts';

const STEP_MS = 1_000;
/** Transactions that wait this long without a block mean that too few vote, whatever the connections look like. */
const STUCK_MS = 8_000;

/** Whether more than two thirds of the validators can be reached, from this node. */
export interface QuorumWatch {
  health(): LedgerHealth;
  /** True when nothing that is submitted now will be committed soon. */
  isStuck(): boolean;
  close(): void;
}

export interface QuorumWatchOptions {
  readonly chain: CommittedChain;
  readonly kernel: Kernel;
  readonly engine: Engine;
  /** Id of this node, hexadecimal. */
  readonly ownNode: string;
  /** Milliseconds since a transaction of the pool began to wait for a block that did not come; 0 when none does. */
  waitingMs(): number;
}

/**
 * Looks every second at the engine's process, its connections and what waits. A validator that was stopped without its
 * connections being closed is seen only by what waits for it; one that is gone is missed at once, also while idle.
 */
export function createQuorumWatch(options: QuorumWatchOptions): QuorumWatch {
  const { chain, kernel, engine, ownNode, waitingMs } = options;
  let seen: LedgerHealth = { status: 'catching-up', reason: 'the consensus engine is starting' };
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<LedgerHealth> {
    const process = engine.health();
    if (process.status === 'down')
      return { status: 'stopped', reason: `the consensus engine ended and is started again: ${process.reason}` };
    if (process.status !== 'running') return { status: 'catching-up', reason: 'the consensus engine is starting' };
    const [peers, status] = await Promise.all([engine.rpc.peers(), engine.rpc.status()]);
    const reachable = reach([...peers, ownNode]);
    if (!reachable.isQuorum)
      return { status: 'stopped', reason: `no quorum: ${reachable.count} of ${reachable.of} validators reachable` };
    if (waitingMs() > STUCK_MS) return { status: 'stopped', reason: 'no quorum: transactions wait and no block comes' };
    if (status.catchingUp) return { status: 'catching-up', reason: `at block ${status.height}, fetching later ones` };
    return { status: 'ok' };
  }

  function reach(nodes: readonly string[]): { isQuorum: boolean; count: number; of: number } {
    const snapshot = chain.snapshot();
    let [count, of, power, total] = [0, 0, 0, 0];
    for (const [, record] of kernel.state(snapshot).entries(validators, [])) {
      if (record.power === 0) continue;
      of++;
      total += record.power;
      if (!nodes.includes(record.node)) continue;
      count++;
      power += record.power;
    }
    snapshot.release();
    return { isQuorum: power * 3 > total * 2, count, of };
  }

  async function step(): Promise<void> {
    seen = await look().catch((error) => ({
      status: 'stopped',
      reason: `the consensus engine does not answer: ${String(error)}`,
    }));
    if (!isOver) timer = setTimeout(step, STEP_MS);
    timer?.unref();
  }

  void step();
  return {
    health: () => seen,
    isStuck: () => seen.status === 'stopped',
    close() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}
