import { setTimeout as delay } from 'node:timers/promises';
import type { StartOptions } from '../cli/node-starter.ts';
import { rejecter } from '../std/reject.ts';
import type { CustodianVault } from '../vault/vault.ts';
import { CODES } from './codes.ts';
import { type NodeData, openNodeData } from './node-data.ts';
import type { NodeEnvironment } from './node-environment.ts';
import { type OpenedLedger, openLedger } from './open-ledger.ts';
import { closeVaults, openVaults } from './open-organisations.ts';

const reject = rejecter(CODES);

/** The vaults' first files are read by then, and the thread that SQLite runs on is started. */
const VAULTS_BEGUN_MS = 5;

/** What a node stands on. */
export interface NodeStorage {
  readonly data: NodeData;
  readonly opened: OpenedLedger;
  /** Of the organisations, in their order; on their way while the rest of the program is loaded. */
  readonly vaults: Promise<readonly CustodianVault[]>;
  /** The vaults first, once they are open. */
  close(): Promise<void>;
}

/** Opens the data folder and its ledger, whose lock keeps other processes away, and begins to open the vaults. */
export async function openStorage(environment: NodeEnvironment, options: StartOptions): Promise<NodeStorage> {
  const { keyFolder, clock, logger: log, fetch, engine, vaultDatabase: database } = environment;
  const { folder, snapshotEveryBlocks } = options;
  if (options.logLevel !== undefined) log.level = options.logLevel;
  const data = await openNodeData({ ...options, keyFolder, clock }).catch(refuseFolder);
  const opened = await openLedger({
    ...{ folder, data, clock, log, fetch, engine, keyFolder },
    witnesses: options.witnesses ?? {},
    confirmClock: options.confirmClock === true,
    ...(snapshotEveryBlocks === undefined ? {} : { snapshotEveryBlocks }),
  });
  const vaults = openVaults({ ...data, folder, log, database });
  // Whoever waits for them hears of it.
  vaults.catch(() => undefined);
  await delay(VAULTS_BEGUN_MS);
  return {
    ...{ data, opened, vaults },
    async close() {
      try {
        await closeVaults(vaults);
      } finally {
        await opened.close();
      }
    },
  };
}

/** An error of the file system is the operator's to mend, and no bug. */
function refuseFolder(error: unknown): never {
  const { code, syscall } = error as NodeJS.ErrnoException;
  throw syscall === undefined ? error : reject('NODE_FOLDER_UNUSABLE', { reason: code ?? 'unknown' });
}
