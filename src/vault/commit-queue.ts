import { isReject, type Reject } from '../std/reject.ts';
import { reject } from './codes.ts';
import type { Connection } from './database.ts';
import type { JournalLog } from './journal-log.ts';
import type { KeyStore } from './key-store.ts';

/** The journal as a commit extends it. */
export interface JournalTail {
  readonly generation: number;
  /** Adds a leaf; returns its index. */
  push(leaf: Uint8Array): number;
}

/**
 * A call's part of a commit. The first step checks and computes, sees what earlier calls of the same commit wrote, and
 * may throw, which refuses this call alone. The second step writes, and must not refuse.
 */
export type Operation<R> = () => (journal: JournalTail) => R;

/**
 * Group commit. Calls made while the loop is busy share one transaction in the key store, durable first, and then one
 * in the vault. A crash between the two leaves keys that no version names (swept at the next start), never a version
 * without its key. The work is synchronous: readers of the same process never see half a commit.
 */
export interface CommitQueue {
  submit<R>(weight: number, operation: Operation<R>): Promise<R>;
  /** Runs a task between commits, with transactions of its own. */
  alone<R>(task: () => R): Promise<R>;
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
  readonly task: (() => unknown) | undefined;
  resolve(value: never): void;
  reject(error: unknown): void;
}

export function createCommitQueue(stands: {
  keys: Connection;
  vault: Connection;
  keyStore: KeyStore;
  log: JournalLog;
  /** Called once when the disk failed in a way that leaves open what is durable. */
  onFailure(reason: Reject): void;
}): CommitQueue {
  const { keys, vault, keyStore, log } = stands;
  let queue: Waiting[] = [];
  let scheduled = false;
  let orphans: { from: number; to: number } | undefined;
  let failure: Reject | undefined;
  let onDrained: (() => void)[] = [];

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(run);
  }

  function run(): void {
    scheduled = false;
    const batch = takeBatch();
    const task = batch[0]?.task;
    if (failure !== undefined) for (const one of batch) one.reject(failure);
    else if (task === undefined) commit(batch);
    else runAlone(batch[0] as Waiting, task);
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

  function runAlone(one: Waiting, task: () => unknown): void {
    try {
      one.resolve(task() as never);
    } catch (error) {
      one.reject(abandon(error));
    }
  }

  function commit(batch: readonly Waiting[]): void {
    const settle: (() => void)[] = [];
    const leaves: Uint8Array[] = [];
    const before = keyStore.lastKeyId;
    let keysAreDurable = false;
    try {
      keys.begin();
      vault.begin();
      // In the same transaction as the next keys, so that orphans are never between keys that are in use.
      if (orphans !== undefined) keyStore.deleteKeys(orphans.from, orphans.to);
      const tail: JournalTail = {
        generation: log.generation,
        push: (leaf) => log.size + leaves.push(leaf) - 1,
      };
      for (const one of batch) settle.push(apply(one, tail));
      const adopt = log.append(leaves);
      keys.commit();
      keysAreDurable = true;
      orphans = undefined;
      vault.commit();
      adopt();
    } catch (error) {
      if (keysAreDurable && keyStore.lastKeyId > before) orphans = { from: before + 1, to: keyStore.lastKeyId };
      const reason = abandon(error);
      for (const one of batch) one.reject(reason);
      return;
    }
    for (const done of settle) done();
  }

  /** Applies one call; returns what settles it. Throws what fails the whole commit. */
  function apply(one: Waiting, tail: JournalTail): () => void {
    let write: (journal: JournalTail) => unknown;
    try {
      write = (one.operation as Operation<unknown>)();
    } catch (error) {
      // A storage fault in the first step has ended a transaction that others have written in.
      if (!keys.inTransaction || !vault.inTransaction) throw error;
      return () => one.reject(error);
    }
    const value = write(tail);
    return () => one.resolve(value as never);
  }

  /** Ends what is open; says what to refuse with. After anything but a full disk nothing more is written. */
  function abandon(error: unknown): unknown {
    for (const connection of [vault, keys]) {
      try {
        connection.rollback();
      } catch {
        failure ??= reject('VAULT_STORAGE_FAILED', { step: 'rollback' });
      }
    }
    keyStore.forget();
    // A row that fails its MAC concerns those who read it; a file whose pages do not fit concerns every write.
    const isFault = isReject(error) && (error.code === 'VAULT_STORAGE_FAILED' || error.data.sqlite !== undefined);
    if (isFault) failure ??= error;
    if (failure !== undefined) stands.onFailure(failure);
    return error;
  }

  function enqueue<R>(weight: number, operation: Operation<R> | undefined, task: (() => R) | undefined): Promise<R> {
    return new Promise<R>((resolve, refuse) => {
      queue.push({ weight, operation, task, resolve: resolve as (value: never) => void, reject: refuse });
      schedule();
    });
  }

  return {
    submit: (weight, operation) => enqueue(weight, operation, undefined),
    alone: (task) => enqueue(0, undefined, task),
    drained: () => (scheduled ? new Promise((resolve) => onDrained.push(resolve)) : Promise.resolve()),
  };
}
