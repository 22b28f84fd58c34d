import { join } from 'node:path';
import { genesisHash } from '../../chain/genesis.ts';
import type { BackupRequest, BackupSummary, BackupWork } from '../../cli/backup-work.ts';
import { lockFolder } from '../../ledger/store/folder-lock.ts';
import { createVault } from '../../vault/create-vault.ts';
import type { CustodianVault } from '../../vault/vault.ts';
import { openNodeData } from '../node-data.ts';
import type { NodeEnvironment } from '../node-environment.ts';
import { rotateRootKey } from '../rotation/rotate-root-key.ts';
import { vaultRoot } from '../vault-root.ts';
import { type BackupOptions, type BackupReport, makeBackup } from './make-backup.ts';
import { KEYS_KEPT_MS } from './manifest.ts';
import { restoreBackup, verifyBackup } from './restore-backup.ts';

/** Backups and root keys of the nodes of this machine, for the commands. */
export function createBackupWork(environment: NodeEnvironment): BackupWork {
  return {
    backupStopped: (folder, request, progress) =>
      backupStopped(environment, folder, { ...optionsOf(request), progress }),
    async verify(places) {
      const { records, keys } = await verifyBackup(environment, places);
      const bytes = [records, ...(keys === undefined ? [] : [keys])]
        .flatMap(({ manifest }) => manifest.files)
        .reduce((sum, file) => sum + file.bytes, 0);
      const summary = summaryOf({ manifest: records.manifest, bytes, leftOvers: [] });
      return { ...summary, keysAway: records.manifest.part === 'records' && keys === undefined };
    },
    restore: (request) => restoreBackup(environment, request),
    rotateRootKey: (folder) => rotateRootKey({ folder, ...environment }),
  };
}

export function optionsOf({ out, keysOut, withoutKeys }: BackupRequest): Pick<BackupOptions, 'out' | 'keys'> {
  if (keysOut !== undefined) return { out, keys: { out: keysOut } };
  return withoutKeys === true ? { out, keys: 'none' } : { out };
}

export function summaryOf({ manifest, bytes, leftOvers }: BackupReport): BackupSummary {
  const { node, part, timeMs, pauseMs, files, ledgerHeight } = manifest;
  return {
    ...{ node, part, timeMs, pauseMs, bytes, files: files.length, leftOvers },
    ...(ledgerHeight === undefined ? {} : { ledgerHeight }),
    vaults: manifest.vaults.map(({ slug, journal }) => ({
      slug,
      entries: journal.size,
      generation: journal.generation,
    })),
    keysUntilMs: timeMs + KEYS_KEPT_MS,
  };
}

/** Holds the locks that the node would hold, so nobody starts it meanwhile. Vaults that are behind are copied as they are. */
async function backupStopped(
  environment: NodeEnvironment,
  folder: string,
  options: BackupOptions,
): Promise<BackupSummary> {
  const { keyFolder, clock, logger: log, version, vaultDatabase: database } = environment;
  const data = await openNodeData({ folder, keyFolder, clock, mustExist: true, rootKeyMade: () => {} });
  const hasLedgerFiles = data.genesis.operator.kind === 'embedded';
  const lock = await lockFolder(join(folder, hasLedgerFiles ? 'ledger' : 'consortium'));
  const vaults: { slug: string; vault: CustodianVault }[] = [];
  try {
    for (const { slug, account } of data.node.organisations) {
      const vault = await createVault({
        folder: join(folder, 'vaults', slug),
        custodian: account,
        rootKey: vaultRoot(data.rootKey, slug),
        log,
        ...(database === undefined ? {} : { database }),
      });
      vaults.push({ slug, vault });
    }
    const source = {
      ...{ folder, vaults, clock, hasLedgerFiles, software: version },
      ...{ node: data.node.node, chain: genesisHash(data.genesis), master: data.rootKey },
    };
    return summaryOf(await makeBackup(source, options));
  } finally {
    for (const { vault } of vaults) await vault.close();
    lock.release();
  }
}
