import { close, fdatasync, openSync } from 'node:fs';
import { reject } from '../codes.ts';

/** Makes what is in a write-ahead log durable, without keeping the thread waiting for the disk. */
export interface LogSync {
  /**
   * Resolves when all that was written to the log before the call is durable. Rejects with VAULT_STORAGE_FAILED, then and
   * ever after: what a failed sync left behind, only a restart tells.
   */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Over the log of an open database in WAL mode, which stays the same file while the database is open. A log may be synced
 * by whoever has it open: SQLite's own commit does nothing else with `synchronous=FULL` (sqlite.org/pragma.html), but
 * holds the thread up meanwhile, which is a third of the time of a journalled read. Of the log no process holds a lock
 * that closing this handle would take away: those are on the database's own file.
 *
 * One sync at a time, and the next one for all who came meanwhile: a disk says only once that it failed, so a sync beside
 * the one that hears of it would pass.
 */
export function createLogSync(path: string): LogSync {
  let handle: number | undefined;
  let failed: Error | undefined;
  let closed = false;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  function start(): Promise<void> {
    if (failed !== undefined) return Promise.reject(failed);
    const started = new Promise<void>((resolve, refuse) => {
      handle ??= openSync(path, 'r');
      fdatasync(handle, (error) => {
        running = undefined;
        if (error === null) return resolve();
        failed = reject('VAULT_STORAGE_FAILED', { step: 'sync' });
        refuse(failed);
      });
    });
    running = started;
    return started;
  }

  return {
    sync() {
      if (running === undefined) return start();
      next ??= running.then(() => {
        next = undefined;
        return start();
      });
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
