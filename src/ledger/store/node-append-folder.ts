import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AppendFile, AppendFolder } from './append-folder.ts';
import { syncFolder } from './sync-folder.ts';

/** A folder of the operating system as the port, made when it is not there. Mode 0700, files 0600. */
export async function openAppendFolder(path: string): Promise<AppendFolder> {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  // The new folder's own name must be durable too, else its files are gone with it.
  if (made !== undefined) await syncFolder(dirname(path));
  return {
    list: async () =>
      (await readdir(path, { withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort(),
    open: async (name) => appendFile(await open(join(path, name), constants.O_RDWR | constants.O_CREAT, 0o600)),
    remove: (name) => unlink(join(path, name)),
    sync: () => syncFolder(path),
  };
}

async function appendFile(handle: FileHandle): Promise<AppendFile> {
  let end = (await handle.stat()).size;
  return {
    async append(bytes) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, end);
        done += bytesWritten;
        end += bytesWritten;
      }
    },
    sync: () => handle.datasync(),
    async read(offset, length) {
      const out = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(out, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return out.subarray(0, done);
    },
    sizeBytes: async () => (await handle.stat()).size,
    async truncate(sizeBytes) {
      await handle.truncate(sizeBytes);
      end = sizeBytes;
    },
    close: () => handle.close(),
  };
}
