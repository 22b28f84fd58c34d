import { reject as rejectTransaction } from '../../chain/codes.ts';
import type { SignatureTask } from '../../chain/kernel-api.ts';
import { isSameTask } from '../../chain/signature.ts';
import { equalBytes } from '../../std/bytes.ts';
import type { Mempool, PooledTransaction } from '../intake/mempool.ts';
import type { SignaturePool } from '../intake/signature-pool.ts';
import type { Committed } from '../ledger.ts';

interface Waiter {
  resolve(committed: Committed): void;
  reject(error: Error): void;
}

interface Candidate extends PooledTransaction {
  readonly waiters: Waiter[];
}

/** Transactions on their way from `submit` to a block, with those who wait for their outcomes. */
export interface Intake {
  /** Resolves with the outcome. One id is taken once: who sends it again waits with the first. */
  submit(transaction: PooledTransaction): Promise<Committed>;
  /** True when a worker verified this very signature of a waiting transaction against this key record. */
  isVerified(id: string, task: SignatureTask): boolean;
  commit(committed: Committed): void;
  refuse(transactions: readonly PooledTransaction[], error: () => Error): void;
  /** Refuses everything that waits for a block. */
  refuseAll(error: () => Error): void;
  /** Transactions that nobody has decided about yet. */
  size(): number;
}

export function createIntake(mempool: Mempool, signatures: SignaturePool, onReady: () => void): Intake {
  /** By id. A copy with other signatures stands beside, so that a forged one cannot make the genuine one fail. */
  const verifying = new Map<string, Candidate[]>();
  const pooled = new Map<string, Candidate>();

  function leaveVerifying(candidate: Candidate): boolean {
    const { id } = candidate.checked;
    const all = verifying.get(id) ?? [];
    const rest = all.filter((one) => one !== candidate);
    if (rest.length > 0) verifying.set(id, rest);
    else verifying.delete(id);
    return rest.length < all.length;
  }

  function verified(candidate: Candidate, holds: boolean): void {
    // Not there any more: refused meanwhile, with everything else.
    if (!leaveVerifying(candidate)) return;
    const same = pooled.get(candidate.checked.id);
    if (holds && same === undefined) {
      pooled.set(candidate.checked.id, candidate);
      mempool.add(candidate);
      onReady();
      return;
    }
    mempool.giveBack(candidate);
    if (holds) same?.waiters.push(...candidate.waiters);
    else for (const waiter of candidate.waiters) waiter.reject(rejectTransaction('SIGNATURE_WRONG'));
  }

  function refuseOne({ checked }: PooledTransaction, error: () => Error): void {
    const candidate = pooled.get(checked.id);
    pooled.delete(checked.id);
    for (const waiter of candidate?.waiters ?? []) waiter.reject(error());
  }

  return {
    submit(transaction) {
      const { id, signatures: tasks } = transaction.checked;
      const same = pooled.get(id) ?? verifying.get(id)?.find(({ wire }) => equalBytes(wire, transaction.wire));
      return new Promise((resolve, reject) => {
        if (same !== undefined) return void same.waiters.push({ resolve, reject });
        const candidate: Candidate = { ...transaction, waiters: [{ resolve, reject }] };
        // Throws when there is no room, which rejects the promise.
        mempool.reserve(candidate);
        const others = verifying.get(id);
        if (others === undefined) verifying.set(id, [candidate]);
        else others.push(candidate);
        void signatures.verify(tasks).then((holds) => verified(candidate, holds));
      });
    },
    isVerified: (id, task) => pooled.get(id)?.checked.signatures.some((one) => isSameTask(one, task)) === true,
    commit(committed) {
      const candidate = pooled.get(committed.outcome.id);
      pooled.delete(committed.outcome.id);
      for (const waiter of candidate?.waiters ?? []) waiter.resolve(committed);
    },
    refuse(transactions, error) {
      for (const transaction of transactions) refuseOne(transaction, error);
    },
    refuseAll(error) {
      for (const candidate of [...verifying.values()].flat()) {
        leaveVerifying(candidate);
        mempool.giveBack(candidate);
        for (const waiter of candidate.waiters) waiter.reject(error());
      }
      mempool.take({ transactions: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }, 0);
      for (const candidate of [...pooled.values()]) refuseOne(candidate, error);
    },
    size: () => verifying.size + pooled.size,
  };
}
