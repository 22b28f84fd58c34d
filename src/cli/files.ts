import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { CliContext } from './command.ts';

const reject = rejecter(CODES);

/** Absolute path of what the command line names. */
export function pathOf({ cwd }: CliContext, path: string): string {
  return resolve(cwd, path);
}

/** A file named on the command line. Throws Reject FILE_UNREADABLE. */
export async function readNamedFile(context: CliContext, path: string): Promise<Uint8Array> {
  try {
    return await readFile(pathOf(context, path));
  } catch (error) {
    throw reject('FILE_UNREADABLE', { reason: (error as NodeJS.ErrnoException).code ?? 'unknown' });
  }
}

/** Names in a folder named on the command line, in order. Throws Reject FILE_UNREADABLE. */
export async function readNamedFolder(context: CliContext, path: string): Promise<string[]> {
  try {
    return (await readdir(pathOf(context, path))).sort();
  } catch (error) {
    throw reject('FILE_UNREADABLE', { reason: (error as NodeJS.ErrnoException).code ?? 'unknown' });
  }
}

/** Makes a folder named on the command line, for its owner alone, if it is not there. Throws Reject FILE_UNWRITABLE. */
export async function makeNamedFolder(context: CliContext, path: string): Promise<void> {
  await mkdir(pathOf(context, path), { recursive: true, mode: 0o700 }).catch(unwritable);
}

/**
 * Writes a file named on the command line, readable for its owner alone where `isSecret`, and over none that is there
 * where `isNew`. Throws Reject FILE_EXISTS, FILE_UNWRITABLE.
 */
export async function writeNamedFile(
  context: CliContext,
  path: string,
  bytes: Uint8Array,
  { isSecret = false, isNew = false }: { isSecret?: boolean; isNew?: boolean } = {},
): Promise<void> {
  const options = { mode: isSecret ? 0o600 : 0o644, flag: isNew ? 'wx' : 'w' };
  await writeFile(pathOf(context, path), bytes, options).catch(unwritable);
}

function unwritable(error: NodeJS.ErrnoException): never {
  if (error.code === 'EEXIST' && error.syscall === 'open') throw reject('FILE_EXISTS');
  throw reject('FILE_UNWRITABLE', { reason: error.code ?? 'unknown' });
}
