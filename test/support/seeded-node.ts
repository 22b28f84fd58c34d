import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { pino } from 'pino';
import { createNodeStarter } from '../../src/app/create-node-starter.ts';
import type { RunningNode, StartOptions } from '../../src/cli/node-starter.ts';
import { testEngine } from './test-engine.ts';

/** A whole node on a socket, with the demo's organisations, staff and synthetic patients. */
export interface SeededNode {
  readonly node: RunningNode;
  /** Address of the FHIR service, without a slash at its end. */
  readonly fhirUrl: string;
  /** Token of a physician of the first hospital. */
  readonly token: string;
}

export async function startSeededNode(t: TestContext, more: Partial<StartOptions> = {}): Promise<SeededNode> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-seeded-'));
  const nodes = createNodeStarter({
    ...{ keyFolder: join(folder, 'keys'), clock: Date.now, logger: pino({ level: 'silent' }), fetch, version: '0' },
    engine: testEngine,
  });
  const node = await nodes.start({
    ...{ folder: join(folder, 'data'), host: '127.0.0.1', port: 0, seed: true, progress() {}, rootKeyMade() {} },
    ...more,
  });
  t.after(async () => {
    await node.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const token = node.seeded?.accounts[0]?.token ?? '';
  return { node, fhirUrl: `${node.baseUrl}/fhir`, token };
}
