import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';

const reject = rejecter(CODES);

export interface FolderLock {
  release(): void;
}

/**
 * Makes this process the only one on a folder. Throws DATA_FOLDER_IN_USE {folder} when another holds it, in this
 * process too. It is SQLite's exclusive lock on an empty database: the operating system drops it with the process,
 * however that ends, so there is nothing to clean up after a kill, and no race between looking and taking.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const database = new Database(join(folder, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { code?: string }).code?.startsWith('SQLITE_BUSY')) throw reject('DATA_FOLDER_IN_USE', { folder });
    throw error;
  }
  return { release: () => void database.close() };
}
