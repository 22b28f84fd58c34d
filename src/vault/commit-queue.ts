import { isReject, type Reject } from '../std/reject.ts';
import { createDraft, type Draft, type OpenDraft } from './commit-draft.ts';
import type { Applied, Change, Connection } from './database/connection.ts';
import type { JournalLog } from './journal-log.ts';
import type { KeyStore } from './key-store.ts';

/**
 * A call's part of a commit, in three steps. The first reads what is committed, for all calls of a commit side by side.
 * The second checks and computes, in the order of the calls: it sees in the draft what earlier ones put there, changes
 * nothing, and may throw, as may the first; that refuses this call alone. The third puts its rows into the draft, and must
 * not refuse. Nothing else commits between the first step and the write.
 */
export type Operation<R> = () => Promise<Step<R>>;
type Step<R = unknown> = (draft: Draft) => () => R;

/**
 * Group commit. Calls made while a commit is under way share the next one: one transaction in the key store, durable
 * first, and then one in the vault. A crash between the two leaves keys that no version names (swept at the next start),
 * never a version without its key. Commits follow each other; readers see the last one that is whole. Over a database that
 * keeps the order, the next one is prepared while the last one is written and synced. It is durable after it, and nobody is
 * answered before his own commit is; one that is refused takes those that follow it along.
 */
export interface CommitQueue {
  submit<R>(weight: number, operation: Operation<R>): Promise<R>;
  /** Runs a task between commits, with transactions of its own; all that came before is durable. */
  alone<R>(task: () => Promise<R>): Promise<R>;
  /** Resolves when all that was submitted is settled. */
  drained(): Promise<void>;
}

/** Weight of a version; an interaction weighs 1. */
export const VERSION_WEIGHT = 4;
/** About 64 versions: more would keep other requests waiting for longer than they save in syncs. */
const MAX_WEIGHT = 256;
/** Commits whose rows are in memory on their way to the disk. */
const MAX_UNDER_WAY = 4;

interface Waiting {
  readonly weight: number;
  readonly operation: Operation<unknown> | undefined;
  readonly task: (() => Promise<unknown>) | undefined;
  resolve(value: never): void;
  reject(error: unknown): void;
}

export function createCommitQueue(stands: {
  keys: Connection;
  vault: Connection;
  keyStore: KeyStore;
  log: JournalLog;
  /** Adds what follows from the resources in a draft: their rows and those of the index. */
  complete(draft: OpenDraft): void;
  /** Called once when the disk failed in a way that leaves open what is durable. */
  onFailure(reason: Reject): void;
}): CommitQueue {
  const { keys, vault, keyStore, log } = stands;
  let queue: Waiting[] = [];
  let isBusy = false;
  let orphans: { from: number; to: number } | undefined;
  let failure: Reject | undefined;
  /** Commits that are written, or synced, while the next ones are prepared. */
  const underWay = new Set<Promise<void>>();
  /** What to tell those whose commits were refused, once the log is again where it was before them. */
  let refusals: (() => void)[] = [];
  const isInOrder = keys.inOrder && vault.inOrder;
  let idle = Promise.withResolvers<void>();
  idle.resolve();
  let isIdle = true;

  function schedule(): void {
    if (isBusy) return;
    isBusy = true;
    if (isIdle) idle = Promise.withResolvers();
    isIdle = false;
    setImmediate(run);
  }

  async function run(): Promise<void> {
    while (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
    if (refusals.length > 0) await revert();
    const batch = takeBatch();
    const task = batch[0]?.task;
    if (failure !== undefined) for (const one of batch) one.reject(failure);
    else if (task === undefined) await commit(batch);
    else await runAlone(batch[0] as Waiting, task);
    isBusy = false;
    if (queue.length > 0) return schedule();
    isIdle = true;
    idle.resolve();
  }

  /**
   * All that wait, since each commit costs a trip to the disk; but half of them when commits need not wait for each other
   * and nothing is under way. Else those who were answered together ask together again and wait together, and either
   * this thread or the database's always has nothing to do.
   */
  function takeBatch(): Waiting[] {
    const most = isInOrder && underWay.size === 0 ? Math.ceil(queue.length / 2) : queue.length;
    let weight = 0;
    let count = 0;
    for (const one of queue) {
      if (count >= most) break;
      if (count > 0 && (one.task !== undefined || weight + one.weight > MAX_WEIGHT)) break;
      weight += one.weight;
      count += 1;
      if (one.task !== undefined) break;
    }
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    return batch;
  }

  async function runAlone(one: Waiting, task: () => Promise<unknown>): Promise<void> {
    try {
      await Promise.all(underWay);
      if (refusals.length > 0) await revert();
      if (failure !== undefined) throw failure;
      one.resolve((await task()) as never);
    } catch (error) {
      one.reject(judge(error));
    }
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 0) return;
    const before = keyStore.lastKeyId;
    // In the same transaction as the next keys, so that orphans are never between keys that are in use.
    const sweep = orphans;
    let takeBack = () => {};
    let keysAreWritten = false;
    const refuse = (error: unknown) => {
      takeBack();
      if (sweep !== undefined) leaveKeys(sweep.from, sweep.to);
      if (keysAreWritten) leaveKeys(before + 1, keyStore.lastKeyId);
      const reason = judge(error);
      for (const one of batch) one.reject(reason);
    };
    try {
      const read = await Promise.allSettled(batch.map((one) => (one.operation as Operation<unknown>)()));
      const draft = createDraft({ generation: log.generation, size: log.size, keys: keyStore.draft() });
      const settle = batch.map((one, at) => apply(one, read[at] as (typeof read)[number], draft));
      stands.complete(draft);
      const journal = await log.append(draft.leaves);
      const hasKeys = draft.keys.changes.length > 0;
      const keyChanges =
        sweep === undefined ? draft.keys.changes : [keyStore.deleteKeys(sweep.from, sweep.to), ...draft.keys.changes];
      const changes = [...draft.changes(), ...journal.changes];
      if (hasKeys) orphans = undefined;
      takeBack = draft.keys.takeBack;
      const written = writeBoth(hasKeys ? keyChanges : [], changes, () => {
        keysAreWritten = true;
      });
      if (!isInOrder) await written;
      draft.keys.adopt();
      const becameDurable = journal.adopt();
      follow(written, refuse, draft.adopt, () => {
        becameDurable();
        for (const done of settle) done();
      });
    } catch (error) {
      refuse(error);
    }
  }

  /** Keys, and the vault's changes once the keys are durable; resolves when reads see the changes. */
  async function writeBoth(
    keyChanges: readonly Change[],
    changes: readonly Change[],
    keysWritten: () => void,
  ): Promise<Applied> {
    if (keyChanges.length === 0) return vault.apply(changes);
    if (!isInOrder) {
      await keys.write(keyChanges);
      keysWritten();
      return vault.apply(changes);
    }
    // What refuses the keys refuses the rest too, and is told first.
    const [first, second] = await Promise.allSettled([keys.apply(keyChanges), vault.apply(changes, keys)]);
    if (first.status === 'rejected') throw first.reason;
    keysWritten();
    if (second.status === 'rejected') throw second.reason;
    return second.value;
  }

  /** Keys that no version will name, for the next commit to sweep. */
  function leaveKeys(from: number, to: number): void {
    if (from <= to) orphans = { from: Math.min(from, orphans?.from ?? from), to: Math.max(to, orphans?.to ?? to) };
  }

  /** Answers a commit's calls once it is durable. A disk that fails then has failed the vault, for the commits after it too. */
  function follow(
    written: Promise<Applied>,
    refuse: (error: unknown) => void,
    adopt: () => void,
    settle: () => void,
  ): void {
    const followed = (async () => {
      try {
        const { durable } = await written;
        adopt();
        await durable;
        settle();
      } catch (error) {
        refusals.push(() => refuse(error));
        schedule();
      }
    })();
    underWay.add(followed);
    void followed.then(() => underWay.delete(followed));
  }

  /** After a write that was refused: what was to follow it is refused as well, and then the log is where it was before. */
  async function revert(): Promise<void> {
    await Promise.all(underWay);
    log.revert();
    keys.resume();
    vault.resume();
    for (const refuse of refusals) refuse();
    refusals = [];
  }

  /** Applies one call to the draft; returns what settles it. */
  function apply(one: Waiting, read: PromiseSettledResult<Step>, draft: Draft): () => void {
    if (read.status === 'rejected') return () => one.reject(read.reason);
    let put: () => unknown;
    try {
      put = read.value(draft);
    } catch (error) {
      return () => one.reject(error);
    }
    const value = put();
    return () => one.resolve(value as never);
  }

  /** Says what to refuse with. After anything but a full disk nothing more is written. */
  function judge(error: unknown): unknown {
    // A row that fails its MAC concerns those who read it; a database that does not fit together concerns every write.
    const isFault =
      isReject(error) &&
      (error.code === 'VAULT_STORAGE_FAILED' || error.data.sqlite !== undefined || error.data.sqlstate !== undefined);
    if (isFault && failure === undefined) {
      failure = error;
      stands.onFailure(failure);
    }
    return error;
  }

  function enqueue<R>(
    weight: number,
    operation: Operation<R> | undefined,
    task: (() => Promise<R>) | undefined,
  ): Promise<R> {
    return new Promise<R>((resolve, refuse) => {
      queue.push({ weight, operation, task, resolve: resolve as (value: never) => void, reject: refuse });
      schedule();
    });
  }

  // A database that goes away between commits fails the vault at once, not at the next call.
  for (const { lost } of [keys, vault]) void lost.then(judge);

  return {
    submit: (weight, operation) => enqueue(weight, operation, undefined),
    alone: (task) => enqueue(0, undefined, task),
    async drained() {
      // What is refused begins again with taking itself back.
      while (!isIdle || underWay.size > 0) {
        await idle.promise;
        await Promise.all(underWay);
      }
    },
  };
}
