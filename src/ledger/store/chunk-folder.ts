import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MAX_CHUNK_BYTES } from './state-chunks.ts';
import { syncFolder } from './sync-folder.ts';

/** Chunks as files of a folder, by their number. Mode 0700, files 0600: they hold what every member has a copy of. */
export interface ChunkFolder {
  readonly path: string;
  /** Durable with `sync`. */
  write(index: number, bytes: Uint8Array): Promise<void>;
  /** The bytes; undefined when there is no such file, or none that a chunk can be. */
  read(index: number): Promise<Uint8Array | undefined>;
  /** Makes the names durable. */
  sync(): Promise<void>;
}

/** A folder that is there, or an empty one in place of whatever was there. */
export async function emptyChunkFolder(path: string): Promise<ChunkFolder> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true, mode: 0o700 });
  return chunkFolder(path);
}

export function chunkFolder(path: string): ChunkFolder {
  const nameOf = (index: number): string => join(path, `${String(index).padStart(8, '0')}.chunk`);
  return {
    path,
    write: (index, bytes) => writeSynced(nameOf(index), bytes),
    read: (index) => readBoundedFile(nameOf(index), MAX_CHUNK_BYTES),
    sync: () => syncFolder(path),
  };
}

/** Writes a new file and syncs it. */
export async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** A file's bytes; undefined when it is not there or has more than `maxBytes`. */
export async function readBoundedFile(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  try {
    if ((await stat(path)).size > maxBytes) return undefined;
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Gives a folder its final name, durably: after a crash it is there whole or under the old name. */
export async function renameFolder(from: string, to: string): Promise<void> {
  await syncFolder(from);
  await rename(from, to);
  await syncFolder(dirname(to));
}
