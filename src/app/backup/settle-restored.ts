import { setTimeout as delay } from 'node:timers/promises';
import { readLastAnchor } from '../../capabilities/records/server/settle-journal.ts';
import { createLedgerClient } from '../../ledger/http/ledger-client.ts';
import type { ScrubReport, VaultStatus } from '../../vault/vault.ts';
import type { NodeData } from '../node-data.ts';
import { openNodeData } from '../node-data.ts';
import type { NodeEnvironment } from '../node-environment.ts';
import { type OpenedLedger, openLedger } from '../open-ledger.ts';
import { openOrganisations } from '../open-organisations.ts';
import { reject } from './codes.ts';

export interface RestoredVault {
  readonly slug: string;
  /** Member account of the organisation. */
  readonly account: string;
  readonly status: VaultStatus;
  readonly journal: { readonly generation: number; readonly size: number };
  /** Where the ledger has the journal. */
  readonly anchor: { readonly generation: number; readonly size: number };
  readonly scrub?: ScrubReport;
}

export interface RestoreReport {
  readonly node: string;
  readonly timeMs: number;
  readonly keysTimeMs: number;
  readonly ledgerHeight: number;
  /** Where the ledger goes on: at this node alone, or at others. */
  readonly isOwnLedger: boolean;
  readonly vaults: readonly RestoredVault[];
}

/** How long the other nodes of a ledger have to answer, and to give what is new. */
const CATCH_UP_MS = 120_000;
const ASK_MS = 200;

/**
 * Opens a restored folder as a start does, without serving: blocks are executed again and must lead to the heads that were
 * signed, journals are held against their anchors, and what is marked as erased is erased. Where the ledger goes on at
 * other nodes it is brought to where it is now first.
 */
export async function settleRestored(
  environment: NodeEnvironment,
  folder: string,
  withScrub: boolean,
): Promise<Pick<RestoreReport, 'ledgerHeight' | 'isOwnLedger' | 'vaults'>> {
  const { keyFolder, clock, logger: log, fetch, engine, vaultDatabase: database } = environment;
  const data = await openNodeData({ folder, keyFolder, clock, mustExist: true, rootKeyMade: () => {} });
  const opened = await openLedger({ folder, data, witnesses: {}, clock, log, fetch, engine, keyFolder });
  try {
    await untilCaughtUp(environment, data, opened);
    const { ledger } = opened;
    const organisations = await openOrganisations({ ...data, folder, ledger, clock, log, database });
    try {
      const vaults: RestoredVault[] = [];
      for (const organisation of organisations) {
        const { slug, account, vault } = organisation;
        const { generation, size } = vault.journalHead();
        const anchor = readLastAnchor(organisation);
        const status = vault.status();
        vaults.push({
          ...{ slug, account, status, journal: { generation, size } },
          anchor: { generation: anchor.generation, size: anchor.size },
          ...(withScrub && status === 'serving' ? { scrub: await vault.scrub() } : {}),
        });
      }
      const isOwnLedger = data.node.follows === undefined && opened.consortium === undefined;
      return { vaults, ledgerHeight: ledger.head().height, isOwnLedger };
    } finally {
      for (const { vault } of organisations) await vault.close();
    }
  } finally {
    await opened.close();
  }
}

/** Throws Reject RESTORE_LEDGER_AWAY. */
async function untilCaughtUp(
  { fetch }: NodeEnvironment,
  { node }: NodeData,
  { ledger, consortium }: OpenedLedger,
): Promise<void> {
  if (consortium !== undefined) {
    await consortium.ledger.ready(CATCH_UP_MS).catch((error: unknown) => {
      throw reject('RESTORE_LEDGER_AWAY', { reason: error instanceof Error ? error.message : 'unknown' });
    });
    return;
  }
  if (node.follows === undefined) return;
  const client = createLedgerClient({ url: node.follows, fetch });
  try {
    const { head } = await client.head().catch(() => {
      throw reject('RESTORE_LEDGER_AWAY', { follows: node.follows ?? '' });
    });
    for (const untilMs = performance.now() + CATCH_UP_MS; ledger.head().height < head.height; await delay(ASK_MS)) {
      const { status, reason = '' } = ledger.health();
      if (status === 'stopped' || performance.now() > untilMs) throw reject('RESTORE_LEDGER_AWAY', { reason });
    }
  } finally {
    client.close();
  }
}
