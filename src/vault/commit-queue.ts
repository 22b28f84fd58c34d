import { isReject, type Reject } from '../std/reject.ts';
import { createDraft, type Draft, type OpenDraft } from './commit-draft.ts';
import type { Connection } from './database/connection.ts';
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
 * never a version without its key. Commits follow each other; readers see the last one that is whole.
 */
export interface CommitQueue {
  submit<R>(weight: number, operation: Operation<R>): Promise<R>;
  /** Runs a task between commits, with transactions of its own. */
  alone<R>(task: () => Promise<R>): Promise<R>;
  /** Resolves when all that was submitted is settled. */
  drained(): Promise<void>;
}

/** Weight of a version; an interaction weighs 1. */
export const VERSION_WEIGHT = 4;
/** About 64 versions: more would keep other requests waiting for longer than they save in syncs. */
const MAX_WEIGHT = 256;

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
  let onDrained: (() => void)[] = [];

  function schedule(): void {
    if (isBusy) return;
    isBusy = true;
    setImmediate(run);
  }

  async function run(): Promise<void> {
    const batch = takeBatch();
    const task = batch[0]?.task;
    if (failure !== undefined) for (const one of batch) one.reject(failure);
    else if (task === undefined) await commit(batch);
    else await runAlone(batch[0] as Waiting, task);
    isBusy = false;
    if (queue.length > 0) schedule();
    else {
      for (const done of onDrained) done();
      onDrained = [];
    }
  }

  function takeBatch(): Waiting[] {
    let weight = 0;
    let count = 0;
    for (const one of queue) {
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
      one.resolve((await task()) as never);
    } catch (error) {
      one.reject(judge(error));
    }
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    const before = keyStore.lastKeyId;
    let settle: (() => void)[] = [];
    let keysAreDurable = false;
    try {
      const read = await Promise.allSettled(batch.map((one) => (one.operation as Operation<unknown>)()));
      const draft = createDraft({ generation: log.generation, size: log.size, keys: keyStore.draft() });
      settle = batch.map((one, at) => apply(one, read[at] as (typeof read)[number], draft));
      stands.complete(draft);
      const journal = await log.append(draft.leaves);
      // In the same transaction as the next keys, so that orphans are never between keys that are in use.
      const swept = orphans === undefined ? [] : [keyStore.deleteKeys(orphans.from, orphans.to)];
      if (draft.keys.changes.length > 0) {
        await keys.write([...swept, ...draft.keys.changes]);
        keysAreDurable = true;
        orphans = undefined;
      }
      await vault.write([...draft.changes(), ...journal.changes]);
      journal.adopt();
      draft.adopt();
    } catch (error) {
      if (keysAreDurable && keyStore.lastKeyId > before) orphans = { from: before + 1, to: keyStore.lastKeyId };
      const reason = judge(error);
      for (const one of batch) one.reject(reason);
      return;
    }
    for (const done of settle) done();
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
    drained: () => (isBusy ? new Promise((resolve) => onDrained.push(resolve)) : Promise.resolve()),
  };
}
