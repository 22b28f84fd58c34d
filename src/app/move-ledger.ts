import { join } from 'node:path';
import { anchorJournal } from '../capabilities/records/server/anchor-journal.ts';
import { issueStateReceipt } from '../capabilities/records/server/issue-receipt.ts';
import { type Genesis, genesisHash } from '../chain/genesis.ts';
import { createKernel } from '../chain/kernel.ts';
import { receiptToBytes } from '../chain/receipt/receipt.ts';
import { verifyTask } from '../ledger/intake/verify-task.ts';
import { exportLedger } from '../ledger/move/export-ledger.ts';
import type { ExportManifest } from '../ledger/move/export-manifest.ts';
import { openExport } from '../ledger/move/open-export.ts';
import { openCommittedChain } from '../ledger/store/committed-chain.ts';
import type { Json, JsonObject } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { keepCarried } from './carried-state.ts';
import { CODES } from './codes.ts';
import { CONTRACTS } from './contracts.ts';
import { parseValidatorKeys } from './found-moved-network.ts';
import { genesisOf, joinConsortium, openNodeData, readCanonicalFile } from './node-data.ts';
import type { NodeEnvironment } from './node-environment.ts';
import { writeNodeFolder } from './node-folder.ts';
import { openLedger } from './open-ledger.ts';
import { openOrganisations } from './open-organisations.ts';

const reject = rejecter(CODES);

const ANCHOR_ATTEMPTS = 20;

/** What an export comes to: its manifest, and a receipt that its head is the last that the old ledger proved. */
export interface ExportedLedger {
  readonly manifest: ExportManifest;
  /** Exact bytes; checked with the old genesis, it ties the new one to it. */
  readonly tie: Uint8Array;
  readonly genesis: Genesis;
}

/**
 * Exports the ledger of a stopped node that keeps it itself. Journals are anchored first, so that nothing of them is
 * left behind. Throws what opening the node throws, LEDGER_NOT_OWN, EXPORT_UNANCHORED, and what `exportLedger` throws.
 */
export async function exportNodeLedger(
  environment: NodeEnvironment,
  options: { folder: string; out: string; progress(step: string, done: number, total: number): void },
): Promise<ExportedLedger> {
  const { keyFolder, clock, logger: log, engine, vaultDatabase: database } = environment;
  const { folder, out, progress } = options;
  const data = await openNodeData({ folder, keyFolder, clock, mustExist: true, rootKeyMade: () => {} });
  if (data.genesis.operator.kind !== 'embedded' || data.node.follows !== undefined) throw reject('LEDGER_NOT_OWN');
  const { ledger, close } = await openLedger({ folder, keyFolder, data, witnesses: {}, clock, log, engine });
  let tie: Uint8Array;
  try {
    const organisations = await openOrganisations({ ...data, folder, ledger, clock, log, database });
    try {
      for (const organisation of organisations) await anchorAll(organisation);
      tie = receiptToBytes(await issueStateReceipt(ledger, 'chain.rules', ['membership']));
    } finally {
      for (const { vault } of organisations) await vault.close();
    }
  } finally {
    await close();
  }
  const kernel = kernelOf(data.genesis);
  const chain = await openCommittedChain({ folder: join(folder, 'ledger'), kernel, log });
  try {
    const manifest = await exportLedger({
      chain,
      folder: out,
      onProgress: ({ leaves, ofLeaves }) => progress('log entries', leaves, ofLeaves),
    });
    return { manifest, tie, genesis: data.genesis };
  } finally {
    await chain.close();
  }
}

async function anchorAll(organisation: Parameters<typeof anchorJournal>[0]): Promise<void> {
  for (let attempt = 0; attempt < ANCHOR_ATTEMPTS; attempt++) if (await anchorJournal(organisation)) return;
  throw reject('EXPORT_UNANCHORED', { organisation: organisation.slug });
}

function kernelOf(genesis: Genesis) {
  return createKernel({ genesis: genesis as Genesis & JsonObject, contracts: CONTRACTS, verifySignature: verifyTask });
}

/**
 * Turns a stopped node into a validator of the consortium that goes on from its ledger. Vaults and keys stay; the old
 * ledger's folder stays too and is not used any more. The export is taken in at the next start. May be called again
 * after a crash. Throws GENESIS_NOT_MOVED, GENESIS_DIFFERS, NETWORK_WITHOUT_NODE, and what
 * opening the node and the export throw.
 */
export async function moveNode(
  environment: NodeEnvironment,
  options: {
    readonly folder: string;
    readonly genesis: string;
    readonly network: string;
    readonly keys: string;
    readonly exported: string;
    readonly p2pListen?: string;
  },
): Promise<{ readonly chain: string }> {
  const { keyFolder, clock } = environment;
  const { folder } = options;
  const data = await openNodeData({ folder, keyFolder, clock, mustExist: true, rootKeyMade: () => {} });
  const genesis = genesisOf(await readCanonicalFile(options.genesis));
  const previous = genesis.previous;
  if (previous?.treeRoot === undefined || genesis.operator.kind !== 'cometbft') throw reject('GENESIS_NOT_MOVED');
  const isDone = genesisHash(data.genesis) === genesisHash(genesis);
  if (!isDone && previous.head.genesis !== genesisHash(data.genesis)) throw reject('GENESIS_DIFFERS');
  const validator = parseValidatorKeys(await readCanonicalFile(options.keys));
  const consortium = await joinConsortium(options, genesis, validator);
  const { manifest } = await openExport(options.exported);
  if (manifest.treeRoot !== previous.treeRoot) throw reject('GENESIS_DIFFERS');
  await keepCarried(folder, options.exported);
  const { follows: _, ...kept } = data.node;
  const { operatorSeed: __, ...secrets } = data.secrets;
  await writeNodeFolder(folder, {
    node: { ...kept, consortium },
    genesis: genesis as unknown as Json,
    secrets: { ...secrets, validator },
    rootKey: data.rootKey,
  });
  return { chain: genesisHash(genesis) };
}
