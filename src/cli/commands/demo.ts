import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrust } from '../../chain/receipt/trust.ts';
import { verdictLines } from '../../chain/receipt/verdict-text.ts';
import { verifyReceipt } from '../../chain/receipt/verify.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { CliContext, Command } from '../command.ts';
import { castOf, findHeroine } from '../demo/cast.ts';
import {
  account,
  breakGlass,
  claim,
  decide,
  type Exhibit,
  readChart,
  refuseResearch,
  type Stage,
  share,
} from '../demo/story.ts';
import { pathOf } from '../files.ts';
import type { RunningNode } from '../node-starter.ts';
import { createStepProgress } from '../step-progress.ts';

const reject = rejecter(CODES);

/** `aceso demo`: the whole story on a node of its own, and the receipt of each part, checked offline. */
export const demoCommand: Command = {
  name: 'demo',
  usage: '[--out DIR]\n\n  --out DIR  new folder for the node’s data and the receipts (default ./aceso-demo)',
  summary: 'Tell the whole story on a node of its own and leave receipts on disk',
  options: { out: { type: 'string' } },
  maxArguments: 0,
  async run(context, { out }) {
    const folder = pathOf(context, typeof out === 'string' ? out : 'aceso-demo');
    if ((await readdir(folder).catch(() => [])).length > 0) throw reject('DEMO_FOLDER_TAKEN');
    const node = await startNode(context, join(folder, 'data'));
    try {
      await play(context, node, join(folder, 'receipts'));
    } finally {
      await node.close();
    }
  },
};

async function startNode(context: CliContext, folder: string): Promise<RunningNode> {
  const steps = createStepProgress(context);
  const node = await context.nodes.start({
    folder,
    port: 0,
    host: '127.0.0.1',
    seed: true,
    progress: steps.update,
    rootKeyMade: () => {},
  });
  steps.stop();
  return node;
}

async function play(context: CliContext, node: RunningNode, receipts: string): Promise<void> {
  const cast = await castOf(context, node);
  const heroine = await findHeroine(cast.physician, cast.physicianToken);
  const exhibits: Exhibit[] = [];
  let line = 0;
  const tell = (text: string): void =>
    context.print(text.startsWith(' ') || text.endsWith(':') ? text : `${++line}. ${text}`);
  const stage: Stage = { cast, heroine, clock: context.clock, tell, exhibit: (one) => void exhibits.push(one) };
  context.print(`${heroine.name} is a patient of St. Brigid Hospital. All people in this story are invented.\n`);
  await readChart(stage);
  const wallet = await claim(stage);
  await decide(stage, wallet);
  await share(stage);
  await refuseResearch(stage);
  await breakGlass(stage);
  await account(stage, wallet);
  context.print('\nThe receipts, checked with nothing but genesis.json:');
  await keepReceipts(context, node, { exhibits, folder: receipts });
  context.print(
    `\nKept in ${receipts}. Check them again anywhere: aceso verify ${receipts} --trust ${join(receipts, 'genesis.json')}`,
  );
}

async function keepReceipts(
  context: CliContext,
  node: RunningNode,
  { exhibits, folder }: { exhibits: readonly Exhibit[]; folder: string },
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const genesis = new Uint8Array(await (await context.fetch(`${node.url}/api/genesis`)).arrayBuffer());
  await writeFile(join(folder, 'genesis.json'), genesis);
  const trust = parseTrust(genesis);
  for (const exhibit of exhibits) {
    const bytes = await whenAnchored(context, exhibit);
    await writeFile(join(folder, `${exhibit.name}.receipt.json`), bytes, { mode: 0o600 });
    const [first] = verdictLines(await verifyReceipt(bytes, trust));
    context.print(`  ${exhibit.name.padEnd(24)} verified: ${first}`);
  }
}

/** A journal's entry has a receipt once it is anchored, a second or so after it was written. */
async function whenAnchored(context: CliContext, { client, path }: Exhibit): Promise<Uint8Array> {
  const untilMs = context.clock() + 15_000;
  for (;;) {
    try {
      return await client.bytes(path);
    } catch (error) {
      const isEarly = isReject(error) && error.kind === 'unavailable';
      if (!isEarly || context.clock() > untilMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
