import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChildNode } from '../child-server.ts';
import { closedLoop, httpRequest, type WireRequest } from '../http-clients.ts';
import type { BenchResult } from '../result.ts';
import { registerService, serviceToken } from './tokens.ts';

const TIMED = fileURLToPath(new URL('./timed-decision.ts', import.meta.url));
const WARM_UP = 2_000;
const READS = 5_000;
const SCOPE = 'system/*.rs';

/**
 * `decision.share`: the part of a read's time, by an app's token, that the decision takes: scope, policy, consent. One
 * client asks, one read after the other, so that nothing else runs meanwhile; the median of each.
 */
export async function benchDecisionShare(): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-'));
  const report = join(folder, 'decisions.json');
  try {
    const node = await startChildNode(folder, { preload: TIMED, env: { ACESO_BENCH_REPORT: report } });
    let reads: readonly number[];
    try {
      const token = await serviceToken(node, await registerService(node, SCOPE), SCOPE);
      const requests = await readsOf(node.url, token);
      const load = (count: number) =>
        closedLoop({
          ...{ url: node.url, clients: 1, count, status: 200 },
          request: (at) => requests[at % requests.length] as WireRequest,
        });
      await load(WARM_UP);
      reads = (await load(READS)).latenciesMs;
    } finally {
      await node.stop();
    }
    const decisions = (JSON.parse(readFileSync(report, 'utf8')) as number[]).slice(-READS);
    if (decisions.length < READS) throw new Error('the decision was not timed; was its module moved?');
    const [decisionMs, readMs] = [median(decisions), median(reads)];
    return {
      ...{ name: 'decision.share', value: Math.round(decisionMs * 1000), unit: 'µs' },
      bound: Math.round(readMs * 1000),
      ratio: Math.round((decisionMs / readMs) * 1000) / 1000,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function readsOf(url: string, token: string): Promise<WireRequest[]> {
  const answer = await fetch(`${url}/fhir/Observation?_count=200`, { headers: { authorization: `Bearer ${token}` } });
  const { entry = [] } = (await answer.json()) as { entry?: { resource: { id: string } }[] };
  if (entry.length === 0) throw new Error(`no observations to work with: ${answer.status}`);
  return entry.map(({ resource: { id } }) =>
    httpRequest({ url, method: 'GET', path: `/fhir/Observation/${id}`, token }),
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
}
