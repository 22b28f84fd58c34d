import { close, fdatasync, fdatasyncSync, openSync } from 'node:fs';
import { reject } from '../codes.ts';

/** Makes what is in a write-ahead log durable. */
export interface LogSync {
  /**
   * Resolves when all that was written to the log before the call is durable. Rejects with VAULT_STORAGE_FAILED, then and
   * ever after: what a failed sync left behind, only a restart tells.
   */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** A disk that syncs within this, in milliseconds, is done before the thread pool would have begun and told of it. */
const QUICK_MS = 0.5;
/** Weight of the last sync in the mean: some ten of them tell what a disk is like. */
const NEWEST = 0.1;

/**
 * Over the log of an open database in WAL mode, which stays the same file while the database is open. A log may be synced
 * by whoever has it open: SQLite's own commit does nothing else with `synchronous=FULL` (sqlite.org/pragma.html), but
 * knows no disk that is slow, for which other requests should not wait. Of the log no process holds a lock that closing
 * this handle would take away: those are on the database's own file.
 *
 * One sync at a time, and the next one for all who came meanwhile: a disk says only once that it failed, so a sync beside
 * the one that hears of it would pass.
 */
export function createLogSync(path: string): LogSync {
  let handle: number | undefined;
  let failed: Error | undefined;
  let closed = false;
  let meanMs = 2 * QUICK_MS;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function ended(fromMs: number, error: unknown): void {
    meanMs += NEWEST * (performance.now() - fromMs - meanMs);
    if (error === null) return;
    failed = reject('VAULT_STORAGE_FAILED', { step: 'sync' });
    throw failed;
  }

  function syncHere(file: number, fromMs: number): void {
    let error: unknown = null;
    try {
      fdatasyncSync(file);
    } catch (thrown) {
      error = thrown;
    }
    ended(fromMs, error);
  }

  function syncAside(file: number, fromMs: number): Promise<void> {
    running = new Promise<unknown>((resolve) => fdatasync(file, resolve)).then((error) => {
      running = undefined;
      ended(fromMs, error);
    });
    return running;
  }

  async function start(): Promise<void> {
    if (failed !== undefined) throw failed;
    handle ??= openSync(path, 'r');
    const fromMs = performance.now();
    if (meanMs < QUICK_MS) syncHere(handle, fromMs);
    else await syncAside(handle, fromMs);
  }

  return {
    sync() {
      if (running === undefined) return start();
      const startNext = () => {
        next = undefined;
        return start();
      };
      next ??= running.then(startNext, startNext);
      return next;
    },
    async close() {
      await Promise.allSettled([running, next]);
      if (closed || handle === undefined) return;
      closed = true;
      const mine = handle;
      await new Promise<void>((resolve) => close(mine, () => resolve()));
    },
  };
}
