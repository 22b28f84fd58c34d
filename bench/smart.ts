import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ChildNode, startChildNode } from './child-server.ts';
import type { BenchResult } from './result.ts';
import { benchDecisionShare } from './smart/decision.ts';
import { benchEvents } from './smart/events.ts';
import { benchExport } from './smart/export.ts';
import { benchIntrospect, benchIssue, registerService } from './smart/tokens.ts';

/*
 * `npm run bench:smart [-- --json] [-- --patients 200]`: the way in and the way out. Tokens issued and introspected per
 * second, the decision's part of a read, resources exported per second, how long events
 * take at 200 writes a second. The node is a process of its own; its clients are
 * in this one and share the machine with it.
 */

const SCOPE = 'system/*.rs';

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, patients: { type: 'string', default: '200' } },
});

const results = [...(await onOneNode()), await benchDecisionShare()];
for (const result of results) print(result);

async function onOneNode(): Promise<BenchResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-'));
  const node: ChildNode = await startChildNode(folder);
  try {
    const service = await registerService(node, SCOPE);
    return [
      await benchIssue(node, service, SCOPE),
      await benchIntrospect(node, service, SCOPE),
      await benchExport(node, Number(values.patients)),
      ...(await benchEvents(node, { perSecond: 200, seconds: 10 })),
    ];
  } finally {
    await node.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function print({ name, value, unit, bound, ratio }: BenchResult): void {
  if (values.json === true) console.log(JSON.stringify({ name, value, unit, bound, ratio }));
  else
    console.log(
      `${name.padEnd(20)} ${String(value).padStart(8)} ${unit.padEnd(4)} of ${bound ?? '-'} (${ratio ?? '-'})`,
    );
}
