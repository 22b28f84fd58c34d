import { writeSync } from 'node:fs';
import { flushCompileCache, registerHooks } from 'node:module';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import type { NetworkChildLine, NetworkChildOrder, NetworkChildPlan } from '../support/network-node.ts';

// A whole node of a consortium as its own process, whose kernel is watched: what it executes goes to standard output,
// a line a block. Orders come on standard input; when that ends, the node and its engine end at once.
const plan = JSON.parse(process.argv[2] ?? '') as NetworkChildPlan;
const logger = pino({ level: 'info' }, pino.destination({ dest: 2, sync: true }));
process.removeAllListeners('warning');

const SOUND = new URL('../../src/chain/kernel.ts', import.meta.url).href;
const OBSERVED = new URL('./observed-kernel.ts', import.meta.url).href;
registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    const isMeant = found.url === SOUND && context.parentURL !== OBSERVED;
    return isMeant ? { ...found, url: OBSERVED, shortCircuit: true } : found;
  },
});
// Only now, so that they get the watched kernel.
const { observation } = await import('./observed-kernel.ts');
const { createNodeStarter } = await import('../../src/app/create-node-starter.ts');

const tell = (line: NetworkChildLine): void => void writeSync(1, `${JSON.stringify(line)}\n`);
observation.onExecuted = (height, appHash) => tell({ kind: 'executed', height, appHash, atMs: Date.now() });

const { folder, keyFolder, runtimeFolder, program, host, port, genesis, keys, network, snapshotEveryBlocks } = plan;
const engine = { program, searchPath: undefined, runtimeFolder };
const nodes = createNodeStarter({ keyFolder, clock: Date.now, logger, fetch, version: 'test', engine });
const starting = nodes.start({
  ...{ folder, host, port, genesis, keys, network, snapshotEveryBlocks, seed: false },
  progress: () => {},
  rootKeyMade: () => {},
});
const orders: Record<NetworkChildOrder, () => unknown> = {
  close: () => starting.then((node) => node.close()).then(() => process.exit(0)),
  'lie outcome': () => {
    observation.lie = 'outcome';
  },
  'lie app-hash': () => {
    observation.lie = 'app-hash';
  },
};
createInterface({ input: process.stdin })
  .on('line', (line) => orders[line as NetworkChildOrder]())
  // The whole group: this process leads it.
  .on('close', () => process.kill(-process.pid, 'SIGKILL'));
const { adminTokens } = await starting;
tell({ kind: 'ready', adminTokens });
flushCompileCache();
