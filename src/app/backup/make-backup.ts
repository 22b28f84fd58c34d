import { readdir, readFile } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { randomBytes } from '#crypto/platform';
import { bytesToHex } from '../../std/bytes.ts';
import { reject as rejectVault } from '../../vault/backup/codes.ts';
import { copyDatabase, copyName, type DatabasePart } from '../../vault/backup/copy-database.ts';
import type { CustodianVault, FrozenVault } from '../../vault/vault.ts';
import { vaultRoot } from '../vault-root.ts';
import { type BackupWriter, createBackupWriter, leftOvers, onDisk, requireRoom } from './backup-folder.ts';
import { reject } from './codes.ts';
import { fileChunks } from './file-chunks.ts';
import { copiedHeight, cutLedger, type LedgerCut } from './ledger-copy.ts';
import { type BackupFile, type BackupManifest, manifestToBytes } from './manifest.ts';

/** The node that is copied, its vaults open. */
export interface BackupSource {
  readonly folder: string;
  readonly node: string;
  readonly chain: string;
  readonly software: string;
  readonly master: Uint8Array;
  /** True where it keeps or follows the ledger in `ledger/`; members of a consortium get it from each other. */
  readonly hasLedgerFiles: boolean;
  readonly vaults: readonly {
    readonly slug: string;
    readonly vault: Pick<CustodianVault, 'custodian' | 'whilePaused' | 'journalHead'>;
  }[];
  readonly clock: () => number;
}

export interface BackupOptions {
  /** Absolute path of a folder that is not there yet. */
  readonly out: string;
  /** Where the key stores go: beside the records unless it is given, or nowhere. */
  readonly keys?: { readonly out: string } | 'none';
  readonly progress: (step: string, done: number, total: number) => void;
}

export interface BackupReport {
  readonly manifest: Omit<BackupManifest, 'mac'>;
  readonly bytes: number;
  readonly leftOvers: readonly string[];
}

/** A database file that an erasure had to change is copied anew; so often at most. */
const ATTEMPTS = 5;
const NODE_FILES = ['node.json', 'genesis.json', 'secrets.sealed', 'master.sealed'];

/**
 * Makes one consistent set of all that a node keeps but its root key. Writers wait for a moment, in which the databases are
 * frozen and the ledger's place is noted, all of one instant: each acknowledged write is in it, each version has its key,
 * each anchor that the ledger's copy holds is of a journal that is there, and each anchor that a vault knows is in that
 * copy. Everything is copied after the pause. Rejects with BACKUP_…; then nothing is left.
 */
export async function makeBackup(source: BackupSource, options: BackupOptions): Promise<BackupReport> {
  const { out, keys } = options;
  const places = typeof keys === 'object' ? [out, keys.out] : [out];
  for (const place of places) requireOutside(place, source.folder);
  if (new Set(places).size !== places.length) throw reject('BACKUP_FOLDER_UNFIT');
  const writers: BackupWriter[] = [];
  try {
    for (const place of places) writers.push(await createBackupWriter(place));
    const [records, apart] = writers as [BackupWriter, BackupWriter?];
    for (let attempt = 1; ; attempt++) {
      const copied = await copyOnce(source, options, { records, apart });
      if (copied !== undefined) return await finish(source, options, { records, apart }, copied);
      if (attempt === ATTEMPTS) throw rejectVault('BACKUP_DISTURBED');
      for (const writer of writers) await writer.clear();
    }
  } catch (error) {
    for (const writer of writers) await writer.discard();
    throw error;
  }
}

function requireOutside(place: string, folder: string): void {
  const path = relative(resolve(folder), resolve(place));
  const isInside = path === '' || !(path === '..' || path.startsWith('../') || isAbsolute(path));
  if (!isAbsolute(place) || resolve(place) !== place || isInside) throw reject('BACKUP_FOLDER_UNFIT');
}

interface Writers {
  readonly records: BackupWriter;
  readonly apart: BackupWriter | undefined;
}

interface Moment {
  readonly timeMs: number;
  readonly pauseMs: number;
  readonly frozen: readonly FrozenVault[];
  readonly journals: BackupManifest['vaults'];
  readonly ledger: LedgerCut | undefined;
}

interface Copied {
  readonly moment: Moment;
  readonly files: readonly BackupFile[];
  readonly keyFiles: readonly BackupFile[];
}

/** Undefined when an erasure came in between. */
async function copyOnce(source: BackupSource, options: BackupOptions, writers: Writers): Promise<Copied | undefined> {
  const moment = await freezeAll(source);
  const databases = moment.frozen.flatMap(({ vault, keys }) => [vault, keys]);
  try {
    await requireRoom(options.out, sizeOf(moment));
    const keyFiles: BackupFile[] = [];
    const files: BackupFile[] = [];
    for (const [at, { slug, vault }] of source.vaults.entries()) {
      const frozen = moment.frozen[at] as FrozenVault;
      const copy = (part: DatabasePart, writer: BackupWriter) =>
        copyPart({ source, options, slug, custodian: vault.custodian, part, frozen, writer });
      if (options.keys !== 'none') {
        const file = await copy('keys', writers.apart ?? writers.records);
        (writers.apart === undefined ? files : keyFiles).push(file);
      }
      files.push(await copy('vault', writers.records));
      const check = `vaults/${slug}/key-check`;
      files.push(await writers.records.write(check, fileChunks(join(source.folder, check))));
    }
    if (!databases.every((one) => one.isIntact())) return undefined;
    return { moment, keyFiles, files: [...files, ...(await copyRest(source, options, moment, writers.records))] };
  } catch (error) {
    if (!databases.every((one) => one.isIntact())) return undefined;
    throw error;
  } finally {
    for (const one of databases) await one.release();
  }
}

function sizeOf({ frozen, ledger }: Moment): number {
  const files = frozen.flatMap(({ vault, keys }) => [vault.file?.sizeBytes ?? 0, keys.file?.sizeBytes ?? 0]);
  return files.reduce((sum, size) => sum + size, ledger?.sizeBytes ?? 0);
}

/**
 * Brings each vault's logs into its files by itself, so that little is left to do while all of them wait. Resolves to the
 * longest pause, in milliseconds.
 */
async function flushEach({ vaults }: BackupSource): Promise<number> {
  let longestMs = 0;
  for (const { vault } of vaults) {
    await vault.whilePaused(async (freeze) => {
      const startedMs = performance.now();
      const { vault: records, keys } = await freeze();
      await Promise.all([records.release(), keys.release()]);
      longestMs = Math.max(longestMs, performance.now() - startedMs);
    });
  }
  return Math.ceil(longestMs);
}

/** Pauses one vault within the pause of the one before, then takes everything as it is. */
async function freezeAll(source: BackupSource): Promise<Moment> {
  const { vaults, folder, hasLedgerFiles, clock } = source;
  const flushed = await flushEach(source);
  let startedMs = 0;
  const frozen: FrozenVault[] = [];
  const descend = (at: number, freezes: readonly (() => Promise<FrozenVault>)[]): Promise<Moment> => {
    const next = vaults[at];
    if (next !== undefined)
      return next.vault.whilePaused((freeze) => {
        if (startedMs === 0) startedMs = performance.now();
        return descend(at + 1, [...freezes, freeze]);
      });
    return take(freezes);
  };
  const take = async (freezes: readonly (() => Promise<FrozenVault>)[]): Promise<Moment> => {
    const timeMs = clock();
    for (const freeze of freezes) frozen.push(await freeze());
    const ledger = hasLedgerFiles ? await cutLedger(folder) : undefined;
    const journals = vaults.map(({ slug, vault }) => {
      const { generation, size, root } = vault.journalHead();
      return { slug, custodian: vault.custodian, journal: { generation, size, root: bytesToHex(root) } };
    });
    const pauseMs = Math.max(flushed, startedMs === 0 ? 0 : Math.ceil(performance.now() - startedMs));
    return { timeMs, pauseMs, frozen, journals, ledger };
  };
  try {
    return await descend(0, []);
  } catch (error) {
    for (const { vault, keys } of frozen) await Promise.all([vault.release(), keys.release()]);
    throw error;
  }
}

function copyPart(work: {
  source: BackupSource;
  options: BackupOptions;
  slug: string;
  custodian: string;
  part: DatabasePart;
  frozen: FrozenVault;
  writer: BackupWriter;
}): Promise<BackupFile> {
  const { source, options, slug, custodian, part, frozen, writer } = work;
  const rootKey = vaultRoot(source.master, slug);
  const step = `${slug}: ${part === 'vault' ? 'records' : 'keys'}`;
  const chunks = copyDatabase(frozen[part], { part, custodian, rootKey }, (done, total) =>
    options.progress(
      total === undefined ? `${step} (rows)` : `${step} (kB)`,
      toShow(done, total),
      toShow(total ?? done, total),
    ),
  );
  return writer.write(`vaults/${slug}/${copyName(part, frozen[part])}`, chunks);
}

/** Kilobytes of a file, or rows, of which nobody knows the number beforehand. */
const toShow = (count: number, total: number | undefined): number =>
  total === undefined ? count : Math.ceil(count / 1024);

async function copyRest(
  { folder }: BackupSource,
  { progress }: BackupOptions,
  { ledger }: Moment,
  writer: BackupWriter,
): Promise<BackupFile[]> {
  progress('ledger and the node’s own files', 0, 1);
  const files = (await ledger?.copy(writer)) ?? [];
  for (const name of NODE_FILES) {
    const bytes = await readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (bytes !== undefined) files.push(await writer.write(name, [bytes]));
  }
  for (const name of (await readdir(join(folder, 'packages')).catch(() => [])).sort())
    if (/\.(?:tgz|jsonl)$/.test(name))
      files.push(await writer.write(`packages/${name}`, fileChunks(join(folder, 'packages', name))));
  progress('ledger and the node’s own files', 1, 1);
  return files;
}

/** The keys' part is finished first: records that have a name have their keys. */
async function finish(
  source: BackupSource,
  options: BackupOptions,
  { records, apart }: Writers,
  { moment, files, keyFiles }: Copied,
): Promise<BackupReport> {
  const { node, chain, software, master, hasLedgerFiles } = source;
  const { timeMs, pauseMs, journals: vaults } = moment;
  const backup = bytesToHex(randomBytes(16));
  const about = { format: 'aceso.backup/1', backup, timeMs, software, node, chain, vaults, pauseMs } as const;
  const manifest: Omit<BackupManifest, 'mac'> = {
    ...about,
    ...(hasLedgerFiles ? { ledgerHeight: await onDisk(() => copiedHeight(records.path)) } : {}),
    part: options.keys === undefined ? 'all' : 'records',
    files: [...files],
  };
  const bytes = manifestToBytes(master, manifest);
  if (apart !== undefined)
    await apart.finish(manifestToBytes(master, { ...about, part: 'keys', files: [...keyFiles] }));
  await records.finish(bytes);
  return {
    manifest,
    bytes: [...files, ...keyFiles].reduce((sum, file) => sum + file.bytes, 0),
    leftOvers: await leftOvers(options.out),
  };
}
