import type { CheckedTransaction } from '../../chain/kernel-api.ts';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';

const reject = rejecter(CODES);

/** A transaction that waits for a block: its form, signers and budget were checked, its signatures verified. */
export interface PooledTransaction {
  readonly wire: Uint8Array;
  readonly checked: CheckedTransaction;
}

export interface MempoolLimits {
  readonly transactions: number;
  readonly bytes: number;
  /** One member's transactions, those of its accounts included. */
  readonly perSponsor: number;
  /** Room that ordinary transactions leave for urgent ones (revoke, veto, freeze). */
  readonly urgentReserve: number;
}

export const DEFAULT_MEMPOOL_LIMITS: MempoolLimits = {
  transactions: 20_000,
  bytes: 64 * 1024 * 1024,
  perSponsor: 10_000,
  urgentReserve: 1_000,
};

export interface BlockLimits {
  readonly transactions: number;
  readonly bytes: number;
}

export interface Selection {
  readonly taken: readonly PooledTransaction[];
  readonly expired: readonly PooledTransaction[];
}

export interface Mempool {
  /**
   * Takes a place for a transaction before its signatures are verified, so that what waits for the workers is bounded
   * too. Throws LEDGER_MEMPOOL_FULL or LEDGER_SPONSOR_QUEUE_FULL.
   */
  reserve(transaction: PooledTransaction): void;
  /** Gives the place of a transaction back that did not make it into the pool. */
  giveBack(transaction: PooledTransaction): void;
  /** Puts a reserved transaction into its queue. */
  add(transaction: PooledTransaction): void;
  /**
   * The next block's transactions: urgent ones first, each lane going round the members, so that one who sends much
   * delays only itself. Those that have expired come apart. They stay until they are removed.
   */
  peek(limits: BlockLimits, timeMs: number): Selection;
  /** Takes transactions out, with their places: what is in a block, expired, or refused. Others are passed over. */
  remove(transactions: Iterable<PooledTransaction>): void;
  /** `peek`, and takes out what it gave. */
  take(limits: BlockLimits, timeMs: number): Selection;
  /** Transactions that are ready for a block. */
  ready(): number;
}

/** Queues by member in turn; a member whose queue is empty drops out of the turn. */
class Lane {
  readonly #queues = new Map<string, Map<string, PooledTransaction>>();

  add(transaction: PooledTransaction): void {
    const { sponsor, id } = transaction.checked;
    const queue = this.#queues.get(sponsor) ?? new Map<string, PooledTransaction>();
    this.#queues.set(sponsor, queue.set(id, transaction));
  }

  /** The transactions in the order of their turns. */
  *turns(): Generator<PooledTransaction> {
    let queues = Array.from(this.#queues.values(), (queue) => queue.values());
    while (queues.length > 0) {
      const left: typeof queues = [];
      for (const queue of queues) {
        const { value, done } = queue.next();
        if (done === true) continue;
        left.push(queue);
        yield value;
      }
      queues = left;
    }
  }

  remove({ checked: { sponsor, id } }: PooledTransaction): boolean {
    const queue = this.#queues.get(sponsor);
    if (queue?.delete(id) !== true) return false;
    // Whoever was served goes behind those who were not.
    this.#queues.delete(sponsor);
    if (queue.size > 0) this.#queues.set(sponsor, queue);
    return true;
  }
}

export function createMempool(limits: MempoolLimits = DEFAULT_MEMPOOL_LIMITS): Mempool {
  const lanes = { urgent: new Lane(), ordinary: new Lane() };
  const bySponsor = new Map<string, number>();
  let [count, bytes, ready] = [0, 0, 0];

  function giveBack({ wire, checked }: PooledTransaction): void {
    count--;
    bytes -= wire.length;
    const left = (bySponsor.get(checked.sponsor) ?? 0) - 1;
    if (left > 0) bySponsor.set(checked.sponsor, left);
    else bySponsor.delete(checked.sponsor);
  }

  function peek(block: BlockLimits, timeMs: number): Selection {
    const taken: PooledTransaction[] = [];
    const expired: PooledTransaction[] = [];
    let takenBytes = 0;
    for (const lane of [lanes.urgent, lanes.ordinary]) {
      if (taken.length >= block.transactions || takenBytes >= block.bytes) break;
      for (const transaction of lane.turns()) {
        if (transaction.checked.notAfterMs < timeMs) expired.push(transaction);
        else {
          taken.push(transaction);
          takenBytes += transaction.wire.length;
        }
        if (taken.length >= block.transactions || takenBytes >= block.bytes) break;
      }
    }
    return { taken, expired };
  }

  function remove(transactions: Iterable<PooledTransaction>): void {
    for (const transaction of transactions) {
      if (!lanes[transaction.checked.lane].remove(transaction)) continue;
      giveBack(transaction);
      ready--;
    }
  }

  return {
    reserve({ wire, checked }) {
      const reserve = checked.lane === 'urgent' ? 0 : limits.urgentReserve;
      if (count >= limits.transactions - reserve || bytes + wire.length > limits.bytes)
        throw reject('LEDGER_MEMPOOL_FULL');
      const ofSponsor = bySponsor.get(checked.sponsor) ?? 0;
      const room = checked.lane === 'urgent' ? limits.perSponsor + limits.urgentReserve : limits.perSponsor;
      if (ofSponsor >= room) throw reject('LEDGER_SPONSOR_QUEUE_FULL', { sponsor: checked.sponsor });
      count++;
      bytes += wire.length;
      bySponsor.set(checked.sponsor, ofSponsor + 1);
    },
    giveBack,
    add(transaction) {
      lanes[transaction.checked.lane].add(transaction);
      ready++;
    },
    peek,
    remove,
    take(block, timeMs) {
      const selection = peek(block, timeMs);
      remove(selection.taken);
      remove(selection.expired);
      return selection;
    },
    ready: () => ready,
  };
}
