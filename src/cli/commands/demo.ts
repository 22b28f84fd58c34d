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
import { makeTrialNetwork } from '../network/make-network.ts';
import { readNetworkFolder } from '../network/network-folder.ts';
import { startNetwork } from '../network/start-network.ts';
import type { RunningNode } from '../node-starter.ts';
import { createStepProgress } from '../step-progress.ts';

const reject = rejecter(CODES);

/** `aceso demo`: the whole story on nodes of its own, and the receipt of each part, checked offline. */
export const demoCommand: Command = {
  name: 'demo',
  usage: `[--out DIR] [--network]

  --out DIR  new folder for the nodes’ data and the receipts (default ./aceso-demo)
  --network  on a network of four organisations, each with its own node (needs CometBFT), instead of on one node`,
  summary: 'Tell the whole story on a node or a network of its own and leave receipts on disk',
  options: { out: { type: 'string' }, network: { type: 'boolean' } },
  maxArguments: 0,
  async run(context, { out, network }) {
    const folder = pathOf(context, typeof out === 'string' ? out : 'aceso-demo');
    if ((await readdir(folder).catch(() => [])).length > 0) throw reject('DEMO_FOLDER_TAKEN');
    const { nodes, close } = await (network === true ? startTrialNetwork : startNode)(context, folder);
    try {
      await play(context, nodes, join(folder, 'receipts'));
    } finally {
      await close();
    }
  },
};

/** What the story is played on. */
interface Scene {
  readonly nodes: readonly RunningNode[];
  close(): Promise<void>;
}

async function startTrialNetwork(context: CliContext, folder: string): Promise<Scene> {
  await context.nodes.requireEngine();
  const made = join(folder, 'network');
  await makeTrialNetwork(context, { folder: made, name: 'aceso-demo-network', validators: 4, port: 0 });
  const network = await readNetworkFolder(made);
  if (network === undefined) throw reject('NETWORK_FOLDER_DAMAGED');
  const running = await startNetwork(context, network, { seed: true });
  for (const { member, node } of running.nodes) context.print(`${member.name} runs its own node: ${node.url}`);
  context.print('');
  return { nodes: running.nodes.map(({ node }) => node), close: running.close };
}

async function startNode(context: CliContext, folder: string): Promise<Scene> {
  const steps = createStepProgress(context);
  const node = await context.nodes.start({
    folder: join(folder, 'data'),
    port: 0,
    host: '127.0.0.1',
    seed: true,
    progress: steps.update,
    rootKeyMade: () => {},
  });
  steps.stop();
  return { nodes: [node], close: () => node.close() };
}

async function play(context: CliContext, nodes: readonly RunningNode[], receipts: string): Promise<void> {
  const cast = await castOf(context, nodes);
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
  await keepReceipts(context, nodes, { exhibits, folder: receipts });
  context.print(
    `\nKept in ${receipts}. Check them again anywhere: aceso verify ${receipts} --trust ${join(receipts, 'genesis.json')}`,
  );
}

async function keepReceipts(
  context: CliContext,
  nodes: readonly RunningNode[],
  { exhibits, folder }: { exhibits: readonly Exhibit[]; folder: string },
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const genesis = new Uint8Array(await (await context.fetch(`${nodes[0]?.url}/api/genesis`)).arrayBuffer());
  await writeFile(join(folder, 'genesis.json'), genesis);
  const trust = parseTrust(genesis);
  const standings = new Set<string>();
  for (const exhibit of exhibits) {
    const bytes = await whenAnchored(context, exhibit);
    await writeFile(join(folder, `${exhibit.name}.receipt.json`), bytes, { mode: 0o600 });
    const verdict = await verifyReceipt(bytes, trust);
    standings.add(verdict.standing);
    context.print(`  ${exhibit.name.padEnd(24)} verified: ${verdictLines(verdict)[0]}`);
  }
  if (nodes.length > 1) context.print(`stands behind each: ${[...standings].sort().join(', or ')}`);
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
