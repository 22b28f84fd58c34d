import { createHash } from 'node:crypto';
import { lstat, mkdir, open, readdir, rename, rm, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { randomBytes } from '#crypto/platform';
import { isDiskFull } from '../../ledger/store/append-folder.ts';
import { syncFolder } from '../../ledger/store/sync-folder.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { isReject } from '../../std/reject.ts';
import { reject } from './codes.ts';
import { type BackupFile, MANIFEST_FILE } from './manifest.ts';

/**
 * A backup that is being written. It has a name of its own, `NAME.partial-…`, until all of it is durable; the manifest is
 * its last file, and the final name comes by one rename. So what a crash or a full disk leaves is never taken for a backup.
 */
export interface BackupWriter {
  /** Where it is until it is finished. */
  readonly path: string;
  /** Writes a file, durably. */
  write(path: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<BackupFile>;
  /** Throws the files away that were written so far. */
  clear(): Promise<void>;
  /** Takes everything away. */
  discard(): Promise<void>;
  /** Writes the manifest and gives the folder its name. */
  finish(manifest: Uint8Array): Promise<void>;
}

const PARTIAL = '.partial-';

/** Throws Reject BACKUP_FOLDER_TAKEN, BACKUP_FOLDER_UNUSABLE. */
export async function createBackupWriter(out: string): Promise<BackupWriter> {
  await requireFree(out);
  const path = `${out}${PARTIAL}${bytesToHex(randomBytes(4))}`;
  await onDisk(() => mkdir(path, { recursive: true, mode: 0o700 }));
  const folders = new Set<string>();
  return {
    path,
    write: (name, chunks) =>
      onDisk(async () => {
        const file = join(path, name);
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        for (let folder = dirname(file); folder !== path; folder = dirname(folder)) folders.add(folder);
        return { path: name, ...(await writeHashed(file, chunks)) };
      }),
    clear: () =>
      onDisk(async () => {
        for (const name of await readdir(path)) await rm(join(path, name), { recursive: true });
        folders.clear();
      }),
    discard: () => rm(path, { recursive: true, force: true }),
    finish: (manifest) =>
      onDisk(async () => {
        for (const folder of folders) await syncFolder(folder);
        await writeHashed(join(path, MANIFEST_FILE), [manifest]);
        await syncFolder(path);
        await requireFree(out);
        await rename(path, out);
        await syncFolder(dirname(out));
      }),
  };
}

/** Folders that backups to the same place have left when they were killed. */
export async function leftOvers(out: string): Promise<string[]> {
  const names = await readdir(dirname(out)).catch(() => []);
  return names.filter((name) => name.startsWith(`${basename(out)}${PARTIAL}`)).map((name) => join(dirname(out), name));
}

/** Throws Reject BACKUP_DISK_FULL unless so many bytes fit beside `out`. */
export async function requireRoom(out: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await onDisk(() => statfs(dirname(out)));
  if (bavail * bsize < bytes) throw reject('BACKUP_DISK_FULL', { needed: bytes, free: bavail * bsize });
}

async function requireFree(out: string): Promise<void> {
  if ((await lstat(out).catch(() => undefined)) !== undefined) throw reject('BACKUP_FOLDER_TAKEN', { folder: out });
}

/** Writes a new file of mode 0600, synced. */
export async function writeHashed(
  file: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = await open(file, 'wx', 0o600);
  try {
    for await (const chunk of chunks) {
      hash.update(chunk);
      await handle.writeFile(chunk);
      bytes += chunk.length;
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Turns what the disk says into refusals. */
export async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isReject(error)) throw error;
    if (isDiskFull(error)) throw reject('BACKUP_DISK_FULL');
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : reject('BACKUP_FOLDER_UNUSABLE', { reason: code ?? 'unknown' });
  }
}
