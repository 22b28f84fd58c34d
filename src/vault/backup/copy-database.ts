import { deriveKey } from '../../crypto/node/derive-key.ts';
import { utf8 } from '../../std/bytes.ts';
import type { Frozen } from '../database/connection.ts';
import { dumpRows } from './dump-rows.ts';
import { openStream, sealStream } from './sealed-stream.ts';

/** Which database of a vault. */
export type DatabasePart = 'vault' | 'keys';

const READ_BYTES = 1024 * 1024;

/** Name of a database's copy: a SQLite file as it was, encrypted by its pages, or rows that are sealed in pieces. */
export function copyName(part: DatabasePart, frozen: Frozen): string {
  return `${part}.${frozen.file === undefined ? 'rows' : 'db'}`;
}

/** Key that the rows of a database are sealed under. */
function rowsKey(rootKey: Uint8Array, custodian: string, part: DatabasePart): Uint8Array {
  return deriveKey(rootKey, 'aceso/vault/backup-rows/1', utf8(custodian), utf8(part));
}

/** Whose vault a copy is of, and what opens it. */
export interface CopyOf {
  readonly part: DatabasePart;
  readonly custodian: string;
  /** The vault's, 32 bytes. */
  readonly rootKey: Uint8Array;
}

/** Bytes of a database's copy. `onProgress` is told bytes of a file, or rows. */
export function copyDatabase(
  frozen: Frozen,
  { part, custodian, rootKey }: CopyOf,
  onProgress?: (done: number, total?: number) => void,
): AsyncGenerator<Uint8Array> {
  if (frozen.file !== undefined) return fileBytes(frozen.file, onProgress);
  if (frozen.all === undefined) throw new TypeError('a frozen database has a file or rows');
  const source = { dialect: 'postgres' as const, all: frozen.all };
  return sealStream(rowsKey(rootKey, custodian, part), dumpRows(source, onProgress));
}

/** The plain rows of a sealed copy; to be loaded, or read to the end to check it. Throws Reject BACKUP_ROWS_DAMAGED. */
export function openCopy(sealed: AsyncIterable<Uint8Array>, of: CopyOf): AsyncGenerator<Uint8Array> {
  return openStream(rowsKey(of.rootKey, of.custodian, of.part), sealed);
}

async function* fileBytes(
  file: NonNullable<Frozen['file']>,
  onProgress?: (done: number, total?: number) => void,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.sizeBytes; ) {
    const bytes = await file.read(at, READ_BYTES);
    if (bytes.length === 0) throw new Error('a database file became shorter while it was copied');
    yield bytes;
    at += bytes.length;
    onProgress?.(at, file.sizeBytes);
  }
}
