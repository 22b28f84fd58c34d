import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CopyOf, type DatabasePart, openCopy } from '../../vault/backup/copy-database.ts';
import { dropDatabase, fillDatabase, rowsOfFile } from '../../vault/backup/fill-database.ts';
import type { VaultDatabase } from '../../vault/open-databases.ts';
import { vaultRoot } from '../vault-root.ts';
import { writeHashed } from './backup-folder.ts';
import { reject } from './codes.ts';
import { fileChunks } from './file-chunks.ts';
import type { BackupFile } from './manifest.ts';
import type { BackupFolder } from './open-backup.ts';

/** Where the databases of a restored node go. */
export interface DatabaseTarget {
  /** The data folder that is being made. */
  readonly folder: string;
  readonly master: Uint8Array;
  /** PostgreSQL; files of the folder unless it is given. */
  readonly database: VaultDatabase | undefined;
  readonly onRows: (step: string, count: number) => void;
}

/**
 * Puts one database of a vault in its place: a file as a file, rows into either database, a file's rows into PostgreSQL.
 * Resolves to what takes it away again where that is not in the folder. Rejects with BACKUP_DAMAGED, BACKUP_TARGET_TAKEN.
 */
export async function placeDatabase(
  target: DatabaseTarget,
  from: BackupFolder,
  vault: { readonly slug: string; readonly custodian: string },
  part: DatabasePart,
): Promise<() => Promise<void>> {
  const { slug, custodian } = vault;
  const file = from.manifest.files.find(({ path }) => new RegExp(`^vaults/${slug}/${part}\\.(?:db|rows)$`).test(path));
  if (file === undefined) throw reject('BACKUP_DAMAGED', { files: [`vaults/${slug}/${part}`] });
  const { folder, master, database } = target;
  const home = join(folder, 'vaults', slug);
  const rootKey = vaultRoot(master, slug);
  const isFile = file.path.endsWith('.db');
  const toServer = part === 'vault' ? database !== undefined : database?.keysUrl !== undefined;
  if (isFile && !toServer) {
    await copyChecked(from, file, join(home, `${part}.db`));
    return async () => {};
  }
  const options = { folder: home, custodian, rootKey, ...(database === undefined ? {} : { database }) };
  const of: CopyOf = { part, custodian, rootKey };
  const onRows = (count: number) => target.onRows(`${slug}: ${part === 'vault' ? 'records' : 'keys'} (rows)`, count);
  if (!isFile) await fillDatabase(part, options, openCopy(fileChunks(join(from.path, file.path)), of), onRows);
  else {
    // Opening a SQLite file writes to it, and the backup is not to be touched.
    const beside = join(folder, 'taken', slug);
    await mkdir(beside, { recursive: true, mode: 0o700 });
    await copyChecked(from, file, join(beside, `${part}.db`));
    await fillDatabase(part, options, rowsOfFile(beside, part, rootKey), onRows);
    await rm(join(folder, 'taken'), { recursive: true });
  }
  return toServer ? () => dropDatabase(part, options) : async () => {};
}

/** Copies a file of a backup, its hash checked over what was read. Throws Reject BACKUP_DAMAGED. */
export async function copyChecked({ path }: BackupFolder, file: BackupFile, to: string): Promise<void> {
  const { bytes, sha256 } = await writeHashed(to, fileChunks(join(path, file.path)));
  if (bytes !== file.bytes || sha256 !== file.sha256) throw reject('BACKUP_DAMAGED', { files: [file.path] });
}
