import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { equalSecret, randomBytes } from '#crypto/platform';
import { lockFolder } from '../../ledger/store/folder-lock.ts';
import { syncFolder } from '../../ledger/store/sync-folder.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { createVault } from '../../vault/create-vault.ts';
import { loadRootKey, rootKeyToText } from '../../vault/root-key.ts';
import type { NodeEnvironment } from '../node-environment.ts';
import { readMasterFile, rootKeyFiles, rootKeyOrNone, writeMasterFile } from '../rotation/master-key-file.ts';
import { vaultRoot } from '../vault-root.ts';
import { onDisk, requireRoom, writeHashed } from './backup-folder.ts';
import { reject } from './codes.ts';
import { cutLedger } from './ledger-copy.ts';
import { masterOfBackup, type OpenBackup, pairKeys, readBackupFolder, verifyFiles } from './open-backup.ts';
import { copyChecked, placeDatabase } from './place-databases.ts';
import { type RestoreReport, settleRestored } from './settle-restored.ts';

export interface BackupPlace {
  readonly from: string;
  /** Key backup, where the records were copied without their keys. */
  readonly keys?: string;
  /** Root key that the node had at that time, where it is not the one in its place. */
  readonly rootKey?: string;
  readonly progress: (step: string, done: number, total: number) => void;
}

export interface RestoreOptions extends BackupPlace {
  /** Data folder that is made. */
  readonly folder: string;
  /** Data folder, of a stopped node, whose ledger outlived its records and goes on in place of the backup's. */
  readonly ledger?: string;
  /** Opens every version once. */
  readonly scrub?: boolean;
}

/** Reads all of a backup and opens it with the root key. Rejects with BACKUP_…; what it says is what was there. */
export async function verifyBackup(environment: NodeEnvironment, place: BackupPlace): Promise<OpenBackup> {
  const records = await readBackupFolder(place.from);
  if (records.manifest.part === 'keys')
    throw reject('BACKUP_KEYS_MISSING', {
      reason: 'this folder is the key backup: name the records, and it with --keys',
    });
  const keys = place.keys === undefined ? undefined : await readBackupFolder(place.keys);
  const master = await masterOfBackup(records, await rootKeysAtHand(environment, place, records.manifest.node));
  if (keys !== undefined) pairKeys(records, keys, master);
  for (const folder of keys === undefined ? [records] : [records, keys]) {
    const step = `checking ${folder === records ? 'records' : 'keys'} (kB)`;
    const onBytes = (done: number, total: number) =>
      place.progress(step, Math.ceil(done / 1024), Math.ceil(total / 1024));
    await onDisk(() => verifyFiles(folder, master, onBytes));
  }
  return { records, keys, master };
}

/** The one named, or those beside each other where the node's lies: the current, the next and old ones. */
async function rootKeysAtHand(
  { keyFolder }: NodeEnvironment,
  { from, rootKey }: BackupPlace,
  node: string,
): Promise<Uint8Array[]> {
  if (rootKey !== undefined) return [(await loadRootKey({ file: rootKey, dataFolder: from, create: false })).key];
  const prefix = `${node}.key`;
  const names = (await readdir(keyFolder).catch(() => []))
    .filter((name) => name === prefix || name === `${prefix}.next` || name.startsWith(`${prefix}.old-`))
    .sort();
  // Says that it is missing, and where it would have to be.
  if (names.length === 0) await loadRootKey({ file: join(keyFolder, prefix), dataFolder: from, create: false });
  const keys = await Promise.all(names.map((name) => rootKeyOrNone(join(keyFolder, name), from)));
  return keys.filter((key): key is Uint8Array => key !== undefined);
}

/**
 * Makes a data folder from a backup: everything is verified first, all is put together beside under another name, opened
 * once, its orphaned keys kept, and what the ledger marks as erased is erased; only then does the folder get its name.
 * Rejects with RESTORE_FOLDER_TAKEN, BACKUP_…, RESTORE_LEDGER_AWAY, and what opening the ledger and the vaults rejects
 * with; then nothing is left, in PostgreSQL neither.
 */
export async function restoreBackup(environment: NodeEnvironment, options: RestoreOptions): Promise<RestoreReport> {
  const { folder, progress } = options;
  await requireEmpty(folder);
  const backup = await verifyBackup(environment, options);
  const opened = pairKeys(backup.records, backup.keys, backup.master);
  const staging = `${folder}.restoring-${bytesToHex(randomBytes(4))}`;
  const undo: (() => Promise<void>)[] = [];
  try {
    const { files } = opened.records.manifest;
    await onDisk(() => mkdir(dirname(folder), { recursive: true }));
    await requireRoom(
      folder,
      files.reduce((sum, file) => sum + file.bytes, 0),
    );
    await onDisk(() => place(environment, options, opened, staging, undo));
    progress('bringing the ledger up, and erasing what it marks as erased', 0, 1);
    const settled = await settleRestored(environment, staging, options.scrub === true);
    await onDisk(async () => {
      await rm(folder, { recursive: true, force: true });
      await rename(staging, folder);
      await syncFolder(dirname(folder));
    });
    progress('bringing the ledger up, and erasing what it marks as erased', 1, 1);
    const { node, timeMs } = opened.records.manifest;
    return { node, timeMs, keysTimeMs: opened.keys?.manifest.timeMs ?? timeMs, ...settled };
  } catch (error) {
    for (const step of undo) await step().catch(() => {});
    await rm(staging, { recursive: true, force: true });
    throw error;
  }
}

async function requireEmpty(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw reject('RESTORE_FOLDER_TAKEN', { folder });
  });
  if (names.length > 0) throw reject('RESTORE_FOLDER_TAKEN', { folder });
}

async function place(
  environment: NodeEnvironment,
  options: RestoreOptions,
  { records, keys, master }: OpenBackup,
  staging: string,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const { vaultDatabase: database, log } = { ...environment, log: environment.logger };
  await mkdir(staging, { recursive: true, mode: 0o700 });
  for (const file of records.manifest.files) {
    const isDatabase = /^vaults\/[^/]+\/(?:vault|keys)\./.test(file.path);
    if (isDatabase || (options.ledger !== undefined && file.path.startsWith('ledger/'))) continue;
    const to = join(staging, file.path);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await copyChecked(records, file, to);
  }
  if (options.ledger !== undefined) await takeLedger(options.ledger, staging);
  const onRows = (step: string, count: number) => options.progress(step, count, count);
  const target = { folder: staging, master, database, onRows };
  for (const vault of records.manifest.vaults) {
    options.progress(`${vault.slug}: putting its databases in place`, 0, 1);
    undo.push(await placeDatabase(target, keys ?? records, vault, 'keys'));
    undo.push(await placeDatabase(target, records, vault, 'vault'));
    const restored = await createVault({
      folder: join(staging, 'vaults', vault.slug),
      custodian: vault.custodian,
      rootKey: vaultRoot(master, vault.slug),
      log,
      restored: true,
      ...(database === undefined ? {} : { database }),
    });
    await restored.close();
    options.progress(`${vault.slug}: putting its databases in place`, 1, 1);
  }
  await placeKey(environment, options, records.manifest.node, staging, master);
}

/** The ledger of a folder that nobody runs on: two nodes that both went on with it would sign different blocks. */
async function takeLedger(from: string, staging: string): Promise<void> {
  const lock = await lockFolder(join(from, 'ledger'));
  try {
    const cut = await cutLedger(from);
    await cut.copy({
      path: staging,
      async write(path, chunks) {
        await mkdir(dirname(join(staging, path)), { recursive: true, mode: 0o700 });
        return { path, ...(await writeHashed(join(staging, path), chunks)) };
      },
    });
  } finally {
    lock.release();
  }
}

/** The master key goes under the node's root key of today; the one that was named becomes that where there is none. */
async function placeKey(
  { keyFolder }: NodeEnvironment,
  { rootKey }: BackupPlace,
  node: string,
  staging: string,
  master: Uint8Array,
): Promise<void> {
  const { current } = rootKeyFiles(keyFolder, node);
  let today = await rootKeyOrNone(current, staging);
  if (today === undefined && rootKey !== undefined) {
    today = (await loadRootKey({ file: rootKey, dataFolder: staging, create: false })).key;
    await mkdir(keyFolder, { recursive: true, mode: 0o700 });
    await writeHashed(current, [Buffer.from(rootKeyToText(today))]);
    await syncFolder(keyFolder);
  }
  if (today === undefined) throw reject('BACKUP_ROOT_KEY_OTHER');
  const isOwnMaster = (await readMasterFile(staging)) === undefined && equalSecret(today, master);
  if (!isOwnMaster) await writeMasterFile(staging, today, master);
}
