import { chmod, mkdir } from 'node:fs/promises';
import { createAbciServer } from '../../src/ledger/cometbft/abci/abci-server.ts';
import type { AbciApplication } from '../../src/ledger/cometbft/abci/application.ts';
import { createEngine } from '../../src/ledger/cometbft/engine/create-engine.ts';
import { answerAsked } from './asked-process.ts';
import { engineSettings, type NetworkPlan } from './four-validators.ts';
import { loudLog } from './loud-log.ts';

/* A process: one validator whose application takes everything and does nothing, behind the same socket server. */

const { plan, at } = JSON.parse(process.argv[2] as string) as { readonly plan: NetworkPlan; readonly at: number };
const [ACCEPT, APP_HASH] = [1, new Uint8Array(32)];
const OK = {
  ...{ code: 0, data: new Uint8Array(), log: '', info: '' },
  ...{ gasWanted: 0n, gasUsed: 0n, events: [], codespace: '' },
};

const application: AbciApplication = {
  info: async () => ({ appVersion: 1n }),
  initChain: async () => ({ appHash: APP_HASH }),
  checkTx: async () => ({}),
  prepareProposal: async ({ txs }) => ({ txs }),
  processProposal: async () => ({ status: ACCEPT }),
  finalizeBlock: async ({ txs }) => ({ txResults: txs.map(() => OK), appHash: APP_HASH }),
  commit: async () => ({}),
  query: async () => ({}),
  listSnapshots: async () => ({}),
  offerSnapshot: async () => ({}),
  loadSnapshotChunk: async () => ({}),
  applySnapshotChunk: async () => ({}),
};

const settings = engineSettings(plan, at);
const engine = await createEngine(settings, loudLog(`node ${at}:`));
await mkdir(settings.socketFolder, { recursive: true, mode: 0o700 });
await chmod(settings.socketFolder, 0o700);
const server = await createAbciServer({ application, path: engine.abciSocket, log: loudLog(`node ${at}:`) });
await engine.start();

answerAsked({
  enginePid: () => engine.pid() ?? 0,
  async stop() {
    await engine.stop();
    await server.close();
  },
});
