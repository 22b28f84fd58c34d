import { hash } from 'node:crypto';
import { reject as rejectTransaction } from '../../chain/codes.ts';
import type { CheckedTransaction, SignatureTask } from '../../chain/kernel-api.ts';
import { isSameTask } from '../../chain/signature.ts';
import { REPLAY_WINDOW_MS } from '../../chain/transaction.ts';
import { createMempool, type MempoolLimits, type PooledTransaction } from '../intake/mempool.ts';
import type { SignaturePool } from '../intake/signature-pool.ts';

/** What was found of a transaction once, for all the times that the engine shows it: pool, proposal, block. */
export interface KnownTransactions {
  /**
   * Checks a transaction, verifies its signatures in a worker and gives it a place in the pool; the same bytes again
   * share the first result. The bytes are kept and must not change. Rejects with what the kernel's check refuses,
   * SIGNATURE_WRONG, TRANSACTION_REPLAYED for other bytes of one that is in the pool, LEDGER_MEMPOOL_FULL,
   * LEDGER_SPONSOR_QUEUE_FULL.
   */
  take(wire: Uint8Array): Promise<PooledTransaction>;
  /** The transaction of these bytes, when it is in the pool. */
  pooled(wire: Uint8Array): PooledTransaction | undefined;
  /**
   * Verifies the signatures of a proposal's or block's transactions that are not in the pool. The bytes are kept and must
   * not change. The same list again at the same height, as of a block that was proposed before, costs a comparison.
   */
  verifyProposed(wires: readonly Uint8Array[], timeMs: number): Promise<Proposed>;
  isVerified(id: string, task: SignatureTask): boolean;
  /** What a proposal takes of the pool: lanes and members in turn, at most so many bytes as the engine counts them. */
  select(limits: { readonly transactions: number; readonly bytes: number }, timeMs: number): readonly Uint8Array[];
  /** A block was committed: its transactions, and what has expired by its time, leave. */
  settle(ids: readonly string[], timeMs: number): void;
  size(): number;
}

/** What was found of a list of transactions. */
export interface Proposed {
  /**
   * False when one is no transaction of this ledger or a signature does not hold; what state refuses otherwise is for the
   * block to say.
   */
  readonly isSound: boolean;
  /** The bytes as they were parsed first: the kernel then need not parse them again. */
  readonly wires: readonly Uint8Array[];
}

export interface KnownTransactionsOptions {
  /** The kernel's check at the latest committed state and a time, by default the node's clock. Throws Reject. */
  check(wire: Uint8Array, timeMs?: number): CheckedTransaction;
  readonly signatures: SignaturePool;
  readonly limits?: MempoolLimits;
}

interface Entry extends PooledTransaction {
  readonly key: string;
  /** Whether the signatures hold. */
  readonly isSigned: Promise<boolean>;
  holds: Promise<PooledTransaction>;
  isPooled: boolean;
}

/** A transaction of a proposal. */
interface Shown {
  readonly wire: Uint8Array;
  /** Undefined when state refuses it, and then its signatures are nobody's concern. */
  readonly checked: CheckedTransaction | undefined;
  readonly isSound: boolean | Promise<boolean>;
}

const NOT_YET = new Promise<never>(() => {});
const NO_TASKS: readonly SignatureTask[] = [];

/** Transactions of proposals at one height that are remembered: four full blocks. */
const MAX_PROPOSED = 20_000;

/** Bytes that the engine's encoding adds to a transaction of a block (Data.txs: tag and length). */
const ENCODING_BYTES = 5;

export function createKnownTransactions(options: KnownTransactionsOptions): KnownTransactions {
  const { check, signatures, limits } = options;
  const mempool = createMempool(limits);
  const byKey = new Map<string, Entry>();
  const byId = new Map<string, Entry>();
  /** Of proposals at the present height; forgotten with the next block. */
  const proposed = new Map<string, Shown>();
  let lastSound: readonly Uint8Array[] = [];
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
      if (!(await entry.isSigned)) throw rejectTransaction('SIGNATURE_WRONG');
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
    const checked = check(wire);
    if (byId.has(checked.id)) throw rejectTransaction('TRANSACTION_REPLAYED');
    const place = { wire, checked };
    mempool.reserve(place);
    const entry: Entry = { ...place, key, isSigned: isSigned(key, checked), isPooled: false, holds: NOT_YET };
    byKey.set(key, entry);
    entry.holds = verify(entry);
    return entry.holds;
  }

  /** A proposal may have shown it before the engine asked about it: then its signatures are being verified already. */
  function isSigned(key: string, { signatures: tasks }: CheckedTransaction): Promise<boolean> {
    const shown = proposed.get(key);
    const known = shown?.checked?.signatures ?? NO_TASKS;
    const isSame =
      tasks.length === known.length && tasks.every((task, at) => isSameTask(known[at] as typeof task, task));
    return shown !== undefined && isSame ? Promise.resolve(shown.isSound) : signatures.verify(tasks);
  }

  function show(wire: Uint8Array, timeMs: number): Shown {
    const key = keyOf(wire);
    const entry = byKey.get(key);
    if (entry?.isPooled === true) return { wire: entry.wire, checked: entry.checked, isSound: true };
    const before = proposed.get(key);
    if (before !== undefined) return before;
    const shown =
      entry === undefined
        ? checkProposed(wire, timeMs)
        : { wire: entry.wire, checked: entry.checked, isSound: noteSigned(entry.checked, entry.isSigned) };
    // Rounds that come to nothing could go on for ever: forgetting costs verifying again.
    if (proposed.size >= MAX_PROPOSED) {
      proposed.clear();
      proposedTasks.clear();
    }
    proposed.set(key, shown);
    return shown;
  }

  function checkProposed(wire: Uint8Array, timeMs: number): Shown {
    let checked: CheckedTransaction;
    try {
      checked = check(wire, timeMs);
    } catch (error) {
      // Refused by state is an outcome; what is no transaction of this ledger has no business in a block.
      const { code } = error as { code?: string };
      if (code === undefined) throw error;
      const isSound = code !== 'TRANSACTION_MALFORMED' && code !== 'TRANSACTION_OTHER_LEDGER';
      return { wire, checked: undefined, isSound };
    }
    return { wire, checked, isSound: noteSigned(checked, signatures.verify(checked.signatures)) };
  }

  async function noteSigned({ id, signatures: tasks }: CheckedTransaction, signed: Promise<boolean>): Promise<boolean> {
    const holds = await signed;
    if (holds) proposedTasks.set(id, [...(proposedTasks.get(id) ?? NO_TASKS), ...tasks]);
    return holds;
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
      if (isSameList(wires, lastSound)) return { isSound: true, wires: lastSound };
      const shown = wires.map((wire) => show(wire, timeMs));
      const answers = await Promise.all(shown.filter(({ isSound }) => isSound !== true).map(({ isSound }) => isSound));
      const found = { isSound: answers.every((one) => one), wires: shown.map(({ wire }) => wire) };
      if (found.isSound) lastSound = found.wires;
      return found;
    },
    isVerified(id, task) {
      for (const one of byId.get(id)?.checked.signatures ?? NO_TASKS) if (isSameTask(one, task)) return true;
      for (const one of proposedTasks.get(id) ?? NO_TASKS) if (isSameTask(one, task)) return true;
      return false;
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
      lastSound = [];
    },
    size: () => byId.size,
  };
}

/** The bytes by their hash: a forged copy under the same id is another key. */
function keyOf(wire: Uint8Array): string {
  return hash('sha256', wire, 'base64url');
}

function isSameList(wires: readonly Uint8Array[], others: readonly Uint8Array[]): boolean {
  if (wires.length !== others.length) return false;
  return wires.every((wire, at) => Buffer.compare(wire, others[at] as Uint8Array) === 0);
}
