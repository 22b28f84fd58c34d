import type { NodeStarter } from '../cli/node-starter.ts';
import { canonicalBytes, type Json } from '../std/canonical-json.ts';
import { trialFounders } from './demo-network.ts';
import type { NodeEnvironment } from './node-environment.ts';

/**
 * Starts nodes of this process, and finds those of others. What a command does not ask for is not loaded: a node's own
 * start is most of a second of loading, and `aceso verify` needs none of it.
 */
export function createNodeStarter(environment: NodeEnvironment): NodeStarter {
  const backups = async () => (await import('./backup/backup-work.ts')).createBackupWork(environment);
  return {
    backups: {
      backupStopped: async (...given) => (await backups()).backupStopped(...given),
      verify: async (...given) => (await backups()).verify(...given),
      restore: async (...given) => (await backups()).restore(...given),
      rotateRootKey: async (...given) => (await backups()).rotateRootKey(...given),
    },
    async configure(sources) {
      const { readConfiguration } = await import('./configuration/read-configuration.ts');
      return readConfiguration(sources);
    },
    async examine(options) {
      const { examineNode } = await import('./doctor/examine-node.ts');
      return examineNode(environment, options);
    },
    async start(options) {
      const { openStorage } = await import('./open-storage.ts');
      const storage = await openStorage(environment, options);
      const { startNode } = await import('./start-node.ts').catch(async (error) => {
        await storage.close();
        throw error;
      });
      return startNode(environment, options, storage);
    },
    async witness(options) {
      const { startWitness } = await import('./start-witness.ts');
      return startWitness(environment, options);
    },
    async verifyPage() {
      const { verifyPage } = await import('./build-verify-page.ts');
      return (await verifyPage()).html;
    },
    async foundNetwork(plan) {
      const { foundNetwork, parsePlan } = await import('./found-network.ts');
      return foundNetwork(parsePlan(plan), environment.clock());
    },
    trialFounders,
    async newGenesis(plan) {
      const { genesisBytes } = await import('./found-network.ts');
      return genesisBytes({ ...plan, createdMs: environment.clock() });
    },
    async newValidator() {
      const { newValidatorSeeds, validatorOf } = await import('./found-network.ts');
      const seeds = newValidatorSeeds();
      return { seeds, validator: validatorOf(seeds) };
    },
    async exportLedger(options) {
      const { exportNodeLedger } = await import('./move-ledger.ts');
      const { genesis, tie } = await exportNodeLedger(environment, options);
      return { tie, genesis: canonicalBytes(genesis as unknown as Json) };
    },
    async foundMovedNetwork(plan, from) {
      const { foundMovedNetworkFrom } = await import('./found-moved-network.ts');
      return foundMovedNetworkFrom(plan, from, environment.clock());
    },
    async moveNode(options) {
      const { moveNode } = await import('./move-ledger.ts');
      return moveNode(environment, options);
    },
    async requireEngine() {
      const { findCometBft } = await import('../ledger/cometbft/engine/find-cometbft.ts');
      const { program, searchPath } = environment.engine;
      await findCometBft({ override: program, searchPath });
    },
    async running(folder) {
      const { findRunningNode } = await import('./runtime-file.ts');
      return findRunningNode(environment, folder);
    },
  };
}
