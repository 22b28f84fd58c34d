import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { testEngine } from '../support/test-engine.ts';

// A whole node, to be killed. It loads its code at once and opens the folder when a line comes on standard input, so
// that the next one can get ready while the one before still runs; then it prints its address and tokens.
const [folder, keyFolder] = process.argv.slice(2) as [string, string];
const logger = pino({ level: 'error' }, pino.destination({ dest: 2, sync: true }));
process.removeAllListeners('warning');
const nodes = createNodeStarter({ keyFolder, clock: Date.now, logger, fetch, version: 'test', engine: testEngine });
await loadDefinitions();
// What a start loads while it goes on.
await Promise.all([import('../../src/app/open-storage.ts'), import('../../src/app/start-node.ts')]);
// A process that is killed leaves no cache behind it otherwise.
flushCompileCache();
writeSync(1, 'loaded\n');
await new Promise((resolve) => process.stdin.once('data', resolve));
const startedMs = performance.now();
const { url, adminTokens } = await nodes.start({
  folder,
  port: 0,
  host: '127.0.0.1',
  seed: false,
  progress: () => {},
  rootKeyMade: () => {},
});
writeSync(1, `${JSON.stringify({ url, adminTokens, startMs: performance.now() - startedMs })}\n`);
