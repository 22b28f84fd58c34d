import { createHash } from 'node:crypto';
import { reject as rejectTransaction } from '../../chain/codes.ts';
import type { CheckedTransaction, SignatureTask } from '../../chain/kernel-api.ts';
import { isSameTask } from '../../chain/signature.ts';
import { REPLAY_WINDOW_MS } from '../../chain/transaction.ts';
import { createMempool, type MempoolLimits, type PooledTransaction } from '../embedded/mempool.ts';
import type { SignaturePool } from '../embedded/signature-pool.ts';

/** What was found of a transaction once, for all the times that the engine shows it: pool, proposal, block. */
export interface KnownTransactions {
  /**
   * Checks a transaction, verifies its signatures in a worker and gives it a place in the pool; the same bytes again
   * share the first result. Rejects with what the kernel's check refuses, SIGNATURE_WRONG, TRANSACTION_REPLAYED for
   * other bytes of one that is in the pool, LEDGER_MEMPOOL_FULL, LEDGER_SPONSOR_QUEUE_FULL.
   */
  take(wire: Uint8Array): Promise<PooledTransaction>;
  /** The transaction of these bytes, when it is in the pool. */
  pooled(wire: Uint8Array): PooledTransaction | undefined;
  /**
   * Verifies the signatures of a proposal's transactions that are not in the pool. False when one is no transaction of
   * this ledger or a signature does not hold; what state refuses otherwise is for the block to say.
   */
  verifyProposed(wires: readonly Uint8Array[], timeMs: number): Promise<boolean>;
  /** The bytes as they were parsed first: the kernel then need not parse them again. */
  intern(wire: Uint8Array): Uint8Array;
  isVerified(id: string, task: SignatureTask): boolean;
  /** What a proposal takes of the pool: lanes and members in turn, at most so many bytes as the engine counts them. */
  select(limits: { readonly transactions: number; readonly bytes: number }, timeMs: number): readonly Uint8Array[];
  /** A block was committed: its transactions, and what has expired by its time, leave. */
  settle(ids: readonly string[], timeMs: number): void;
  size(): number;
}

export interface KnownTransactionsOptions {
  /** The kernel's check at the latest committed state and a time, by default the node's clock. Throws Reject. */
  check(wire: Uint8Array, timeMs?: number): CheckedTransaction;
  readonly signatures: SignaturePool;
  readonly limits?: MempoolLimits;
}

interface Entry extends PooledTransaction {
  readonly key: string;
  holds: Promise<PooledTransaction>;
  isPooled: boolean;
}

const NOT_YET = new Promise<never>(() => {});

/** Bytes that the engine's encoding adds to a transaction of a block (Data.txs: tag and length). */
const ENCODING_BYTES = 5;

export function createKnownTransactions(options: KnownTransactionsOptions): KnownTransactions {
  const { check, signatures, limits } = options;
  const mempool = createMempool(limits);
  const byKey = new Map<string, Entry>();
  const byId = new Map<string, Entry>();
  /** Of proposals at the present height; forgotten with the next block. */
  const proposed = new Map<string, { readonly wire: Uint8Array; readonly checked: CheckedTransaction | undefined }>();
  const proposedTasks = new Map<string, SignatureTask[]>();
  /** Blocks that were settled. */
  let blocks = 0;

  function forget(entry: Entry): void {
    byKey.delete(entry.key);
    if (byId.get(entry.checked.id) === entry) byId.delete(entry.checked.id);
  }

  async function verify(entry: Entry): Promise<PooledTransaction> {
    const { wire, checked } = entry;
    const since = blocks;
    try {
      if (!(await signatures.verify(checked.signatures))) throw rejectTransaction('SIGNATURE_WRONG');
      // A block may have taken other bytes of it meanwhile.
      if (blocks !== since) check(wire);
      if (byId.has(checked.id)) throw rejectTransaction('TRANSACTION_REPLAYED');
    } catch (error) {
      mempool.giveBack(entry);
      byKey.delete(entry.key);
      throw error;
    }
    byId.set(checked.id, entry);
    entry.isPooled = true;
    mempool.add(entry);
    return entry;
  }

  function begin(wire: Uint8Array, key: string): Promise<PooledTransaction> {
    const own = wire.slice();
    const checked = check(own);
    if (byId.has(checked.id)) throw rejectTransaction('TRANSACTION_REPLAYED');
    const entry: Entry = { wire: own, checked, key, isPooled: false, holds: NOT_YET };
    mempool.reserve(entry);
    byKey.set(key, entry);
    entry.holds = verify(entry);
    return entry.holds;
  }

  async function isAcceptable(wire: Uint8Array, timeMs: number): Promise<boolean> {
    const key = keyOf(wire);
    if (byKey.get(key)?.isPooled === true || proposed.has(key)) return true;
    const own = wire.slice();
    let checked: CheckedTransaction | undefined;
    try {
      checked = check(own, timeMs);
    } catch (error) {
      // Refused by state is an outcome; what is no transaction of this ledger has no business in a block.
      const { code } = error as { code?: string };
      if (code === undefined) throw error;
      if (code === 'TRANSACTION_MALFORMED' || code === 'TRANSACTION_OTHER_LEDGER') return false;
    }
    if (checked !== undefined && !(await signatures.verify(checked.signatures))) return false;
    proposed.set(key, { wire: own, checked });
    if (checked !== undefined)
      proposedTasks.set(checked.id, [...(proposedTasks.get(checked.id) ?? []), ...checked.signatures]);
    return true;
  }

  return {
    async take(wire) {
      const key = keyOf(wire);
      return byKey.get(key)?.holds ?? begin(wire, key);
    },
    pooled(wire) {
      const entry = byKey.get(keyOf(wire));
      return entry?.isPooled === true ? entry : undefined;
    },
    async verifyProposed(wires, timeMs) {
      const answers = await Promise.all(wires.map((wire) => isAcceptable(wire, timeMs)));
      return answers.every((one) => one);
    },
    intern(wire) {
      const key = keyOf(wire);
      return byKey.get(key)?.wire ?? proposed.get(key)?.wire ?? wire;
    },
    isVerified(id, task) {
      const known = byId.get(id)?.checked.signatures ?? [];
      return [...known, ...(proposedTasks.get(id) ?? [])].some((one) => isSameTask(one, task));
    },
    select({ transactions, bytes }, timeMs) {
      const wires: Uint8Array[] = [];
      let size = 0;
      for (const { wire, checked } of mempool.peek({ transactions, bytes }, timeMs).taken) {
        // Not timely before block time has come nearer: the next block will take it.
        if (checked.notAfterMs > timeMs + REPLAY_WINDOW_MS) continue;
        size += wire.length + ENCODING_BYTES;
        if (size > bytes) break;
        wires.push(wire);
      }
      return wires;
    },
    settle(ids, timeMs) {
      blocks++;
      const gone: Entry[] = [];
      for (const id of ids) {
        const entry = byId.get(id);
        if (entry !== undefined) gone.push(entry);
      }
      for (const entry of byId.values()) if (entry.checked.notAfterMs < timeMs) gone.push(entry);
      mempool.remove(gone);
      for (const entry of gone) forget(entry);
      proposed.clear();
      proposedTasks.clear();
    },
    size: () => byId.size,
  };
}

/** The bytes by their hash: a forged copy under the same id is another key. */
function keyOf(wire: Uint8Array): string {
  return createHash('sha256').update(wire).digest('base64url');
}
