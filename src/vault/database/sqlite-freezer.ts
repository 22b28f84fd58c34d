import { type FileHandle, open } from 'node:fs/promises';
import type { Frozen } from './connection.ts';

/**
 * After a checkpoint the file holds all that was committed, and nothing but the next checkpoint changes it: while none is
 * made, commits go to the log alone. The file is opened once and closed after the database: POSIX takes a process's locks
 * on a file away when it closes any of its handles of that file (sqlite.org/howtocorrupt.html §2.2). `checkpointPages` is
 * how long the log may become at other times.
 */
export function createFreezer(path: string, checkpointPages: number, pragma: (text: string) => Promise<unknown>) {
  let handle: Promise<FileHandle> | undefined;
  let current: { isIntact: boolean } | undefined;
  return {
    /** To be called before the file is changed. */
    disturb(): void {
      if (current !== undefined) current.isIntact = false;
    },
    async freeze(): Promise<Frozen> {
      if (current !== undefined) throw new Error('the database is frozen already');
      const mine = { isIntact: true };
      current = mine;
      try {
        await pragma('wal_autocheckpoint=0');
        handle ??= open(path, 'r');
        const file = await handle;
        const { size } = await file.stat();
        return {
          file: {
            sizeBytes: size,
            async read(offset, length) {
              const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
              let done = 0;
              while (done < bytes.length) {
                const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
                if (bytesRead === 0) break;
                done += bytesRead;
              }
              return bytes.subarray(0, done);
            },
          },
          isIntact: () => mine.isIntact,
          async release() {
            if (current !== mine) return;
            current = undefined;
            await resume();
          },
        };
      } catch (error) {
        current = undefined;
        handle = undefined;
        await resume();
        throw error;
      }
    },
    async close(): Promise<void> {
      await (await handle?.catch(() => undefined))?.close();
    },
  };

  /** Also when the database is closed already. */
  async function resume(): Promise<void> {
    try {
      await pragma(`wal_autocheckpoint=${checkpointPages}`);
    } catch {
      // Closed: nothing is written any more.
    }
  }
}
