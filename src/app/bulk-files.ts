import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BulkPlace, BulkStorage } from '../fhir/bulk/bulk-storage.ts';
import { rejectBulk } from '../fhir/bulk/codes.ts';

const JOB = /^[ei][0-9a-f]{32}$/;
const ACCOUNT = /^[0-9a-f]{32}$/;

/**
 * Files of bulk exports and imports: `<folder>/<slug>/<job>/<number>`, readable by the node's user alone. They are
 * encrypted before they come here. No file of theirs is in a backup: who needs one exports anew.
 */
export function createBulkFiles(folder: string, slugs: ReadonlyMap<string, string>): BulkStorage {
  const opened = new Map<string, Map<number, Promise<FileHandle>>>();

  function folderOf({ custodian, job }: BulkPlace): string {
    const slug = slugs.get(custodian);
    if (slug === undefined || !ACCOUNT.test(custodian) || !JOB.test(job)) throw new TypeError('no place of a bulk job');
    return join(folder, slug, job);
  }

  /** Open for writing, with the name and its folder durable, and nothing behind what is counted on. */
  async function openedAt(place: BulkPlace, file: number, offset: number): Promise<FileHandle> {
    const path = folderOf(place);
    await mkdir(path, { recursive: true, mode: 0o700 });
    const handle = await open(join(path, String(file)), offset === 0 ? 'w' : 'r+', 0o600).catch(
      damagedWhereAbsent(file),
    );
    try {
      if ((await handle.stat()).size < offset) throw rejectBulk('EXPORT_FILE_DAMAGED', { file });
      await handle.truncate(offset);
      if (offset === 0) for (const one of [path, join(path, '..'), folder]) await syncFolder(one);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  function handleOf(place: BulkPlace, file: number, offset: number): Promise<FileHandle> {
    const files = opened.get(place.job) ?? new Map<number, Promise<FileHandle>>();
    opened.set(place.job, files);
    const known = files.get(file);
    if (known !== undefined) return known;
    const opening = openedAt(place, file, offset);
    files.set(file, opening);
    opening.catch(() => files.delete(file));
    return opening;
  }

  async function release({ job }: BulkPlace): Promise<void> {
    const files = [...(opened.get(job)?.values() ?? [])];
    opened.delete(job);
    for (const one of await Promise.allSettled(files)) if (one.status === 'fulfilled') await one.value.close();
  }

  return {
    append: (place, file, offset, bytes) =>
      orRefused(async () => {
        const handle = await handleOf(place, file, offset);
        for (let at = 0; at < bytes.length; )
          at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
        await handle.datasync();
      }),
    read: (place, file) =>
      orRefused(async () => {
        const handle = await open(join(folderOf(place), String(file)), 'r').catch(damagedWhereAbsent(file));
        return {
          read: (offset, length) =>
            orRefused(async () => {
              const bytes = new Uint8Array(length);
              let at = 0;
              for (let read = 1; read > 0 && at < length; at += read)
                read = (await handle.read(bytes, at, length - at, offset + at)).bytesRead;
              return bytes.subarray(0, at);
            }),
          close: () => handle.close(),
        };
      }),
    release: (place) => orRefused(() => release(place)),
    remove: (place) =>
      orRefused(async () => {
        await release(place);
        await rm(folderOf(place), { recursive: true, force: true });
      }),
    jobs: (custodian) =>
      orRefused(async () => {
        const slug = slugs.get(custodian);
        const names = slug === undefined ? [] : await readdir(join(folder, slug)).catch(noneWhereAbsent);
        return names.filter((name) => JOB.test(name));
      }),
  };
}

function noneWhereAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

/** A file that was counted on and is not there, as after a restore: exports are in no backup. */
function damagedWhereAbsent(file: number): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw error.code === 'ENOENT' ? rejectBulk('EXPORT_FILE_DAMAGED', { file }) : error;
  };
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** An error of the file system is the operator's to mend, and no bug; its message names paths, its code does not. */
async function orRefused<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : rejectBulk('EXPORT_DISK_FAILED', { reason: code ?? 'unknown' });
  }
}
