import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readBoundedFile } from '../../ledger/store/chunk-folder.ts';
import { isReject } from '../../std/reject.ts';
import { type DatabasePart, openCopy } from '../../vault/backup/copy-database.ts';
import { unwrapMasterKey } from '../../vault/rotation/master-key.ts';
import { readSecrets } from '../node-folder.ts';
import { readMasterFile } from '../rotation/master-key-file.ts';
import { vaultRoot } from '../vault-root.ts';
import { onDisk } from './backup-folder.ts';
import { reject } from './codes.ts';
import { fileChunks } from './file-chunks.ts';
import {
  type BackupFile,
  type BackupManifest,
  isManifestOf,
  MANIFEST_FILE,
  MAX_MANIFEST_BYTES,
  parseManifest,
} from './manifest.ts';

/** A backup's folder whose manifest could be read. */
export interface BackupFolder {
  readonly path: string;
  readonly manifest: BackupManifest;
}

/** Records and, where they were copied apart, keys. */
export interface OpenBackup {
  readonly records: BackupFolder;
  readonly keys: BackupFolder | undefined;
  readonly master: Uint8Array;
}

/** Throws Reject BACKUP_MANIFEST_UNREADABLE, BACKUP_FOLDER_UNUSABLE. */
export async function readBackupFolder(path: string): Promise<BackupFolder> {
  const bytes = await onDisk(() => readBoundedFile(join(path, MANIFEST_FILE), MAX_MANIFEST_BYTES));
  if (bytes === undefined) throw reject('BACKUP_MANIFEST_UNREADABLE');
  return { path, manifest: parseManifest(bytes) };
}

/**
 * The master key of a backup by one of the root keys that may open it, checked against the manifest and the node's
 * secrets. Throws Reject BACKUP_ROOT_KEY_OTHER, BACKUP_DAMAGED.
 */
export async function masterOfBackup(
  { path, manifest }: BackupFolder,
  rootKeys: readonly Uint8Array[],
): Promise<Uint8Array> {
  const text = await readMasterFile(path);
  const masters = rootKeys.flatMap((key) => (text === undefined ? [key] : (unwrapMasterKey(key, text) ?? [])));
  for (const master of masters) {
    if (isManifestOf(master, manifest)) return master;
    // The key is the right one, so the manifest is not what it was.
    const opens = await readSecrets(path, master).then(
      () => true,
      () => false,
    );
    if (opens) throw reject('BACKUP_DAMAGED', { files: [MANIFEST_FILE] });
  }
  throw reject('BACKUP_ROOT_KEY_OTHER');
}

/** Holds records and keys against each other. Throws Reject BACKUP_KEYS_MISSING, BACKUP_KEYS_OTHER, BACKUP_DAMAGED. */
export function pairKeys(records: BackupFolder, keys: BackupFolder | undefined, master: Uint8Array): OpenBackup {
  const { part, node, timeMs, backup } = records.manifest;
  if (part === 'keys') throw reject('BACKUP_MANIFEST_UNREADABLE', { reason: 'this is a key backup' });
  if (keys === undefined) {
    if (part === 'records') throw reject('BACKUP_KEYS_MISSING');
    return { records, keys, master };
  }
  const other = keys.manifest;
  if (!isManifestOf(master, other)) throw reject('BACKUP_KEYS_OTHER');
  const isLater = other.backup === backup || other.timeMs > timeMs;
  if (other.node !== node || other.part === 'records' || !isLater) throw reject('BACKUP_KEYS_OTHER');
  return { records, keys, master };
}

/**
 * Reads every file of a backup, and rows by their seals. Throws Reject BACKUP_DAMAGED {files}: those that are missing,
 * altered, or there without being of it.
 */
export async function verifyFiles(
  folder: BackupFolder,
  master: Uint8Array,
  onBytes: (done: number, total: number) => void,
): Promise<void> {
  const { path, manifest } = folder;
  const total = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
  const damaged: string[] = [];
  let before = 0;
  for (const file of manifest.files) {
    const isSound = await isSoundFile(folder, file, master, (done) => onBytes(before + done, total));
    if (!isSound) damaged.push(file.path);
    before += file.bytes;
    onBytes(before, total);
  }
  const known = new Set([...manifest.files.map((file) => file.path), MANIFEST_FILE]);
  for (const name of await filesBelow(path)) if (!known.has(name)) damaged.push(name);
  if (damaged.length > 0) throw reject('BACKUP_DAMAGED', { files: damaged.slice(0, 20) });
}

async function isSoundFile(
  { path, manifest }: BackupFolder,
  file: BackupFile,
  master: Uint8Array,
  onBytes: (done: number) => void,
): Promise<boolean> {
  const full = join(path, file.path);
  const size = await stat(full).then(
    (entry) => (entry.isFile() ? entry.size : -1),
    () => -1,
  );
  if (size !== file.bytes) return false;
  const hash = createHash('sha256');
  async function* hashed(): AsyncGenerator<Uint8Array> {
    let done = 0;
    for await (const chunk of fileChunks(full)) {
      hash.update(chunk);
      done += chunk.length;
      onBytes(done);
      yield chunk;
    }
  }
  const rows = rowsOf(file.path);
  const owner = manifest.vaults.find(({ slug }) => slug === rows?.slug);
  try {
    const chunks = hashed();
    const read =
      rows === undefined || owner === undefined
        ? chunks
        : openCopy(chunks, { part: rows.part, custodian: owner.custodian, rootKey: vaultRoot(master, rows.slug) });
    for await (const _ of read);
    return hash.digest('hex') === file.sha256;
  } catch (error) {
    if (isReject(error) && error.code === 'BACKUP_ROWS_DAMAGED') return false;
    throw error;
  }
}

/** Which database the sealed rows at a place are of. */
export function rowsOf(path: string): { readonly slug: string; readonly part: DatabasePart } | undefined {
  const [, slug, part] = /^vaults\/([^/]+)\/(vault|keys)\.rows$/.exec(path) ?? [];
  return slug === undefined ? undefined : { slug, part: part as DatabasePart };
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}
