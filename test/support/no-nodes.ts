import assert from 'node:assert/strict';
import { readConfiguration } from '../../src/app/configuration/read-configuration.ts';
import type { NodeStarter, RunningNode } from '../../src/cli/node-starter.ts';

/** For command lines that must start and make nothing: each call fails the test. */
export const noNodes: NodeStarter = {
  running: async () => undefined,
  backups: {
    backupStopped: () => assert.fail('no folder is to be copied'),
    verify: () => assert.fail('no backup is to be read'),
    restore: () => assert.fail('no backup is to be restored'),
    rotateRootKey: () => assert.fail('no root key is to be changed'),
  },
  configure: readConfiguration,
  examine: () => assert.fail('no node is to be looked at'),
  start: () => assert.fail('no node is to be started'),
  witness: () => assert.fail('no witness is to be started'),
  verifyPage: () => assert.fail('no page is to be written'),
  foundNetwork: () => assert.fail('no network is to be founded'),
  trialFounders: () => assert.fail('no network is to be made'),
  newGenesis: () => assert.fail('no genesis is to be made'),
  exportLedger: () => assert.fail('no ledger is to be exported'),
  foundMovedNetwork: () => assert.fail('no network is to be founded'),
  moveNode: () => assert.fail('no node is to be moved'),
  newValidator: () => assert.fail('no validator is to be made'),
  requireEngine: () => assert.fail('no engine is to be looked for'),
};

/** The same beside a node that runs. */
export function nodeAt(running: Pick<RunningNode, 'url' | 'node' | 'adminTokens'>): NodeStarter {
  return { ...noNodes, running: async () => running };
}
