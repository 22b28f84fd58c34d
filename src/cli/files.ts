import { readFile } from 'node:fs/promises';
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
