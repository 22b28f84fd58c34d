import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cometBftForTest } from '../../src/ledger/cometbft/engine/engine-for-test.ts';
import { seededRandom } from '../../src/ledger/store/simulated-disk.ts';
import { createNetwork, type Network, until } from '../support/network-harness.ts';
import type { NetworkNode } from '../support/network-node.ts';
import { askNode } from './ask-node.ts';
import { join, leave } from './change-members.ts';
import { checkAcknowledged, checkOneHistory, checkReceipt, longestGapSeconds, watchReceipts } from './checks.ts';
import { isAtHead } from './faults.ts';
import { type Acknowledged, startLoad } from './load.ts';
import { lieToClients, lieToTheEngine } from './lying-validator.ts';
import { type Span, sufferLong, sufferOnce } from './schedule.ts';
import { summaryOf } from './summary.ts';
import { hirePhysician, standStill } from './without-quorum.ts';

/*
 * The short form is a part of every run. `ACESO_LONG=1` takes faults in random order from ACESO_SEED for
 * ACESO_FAULT_MINUTES (10), and says how it goes. `ACESO_KEEP=1` keeps the folder with the nodes' data and logs.
 */
const isLong = process.env.ACESO_LONG === '1';
const seed = Number(process.env.ACESO_SEED ?? 1);
const FAULTS_MS = Number(process.env.ACESO_FAULT_MINUTES ?? 10) * 60_000;
const PER_SECOND = isLong ? 50 : 20;
const LONGEST_GAP_SECONDS = 15;
const LONGEST_RECOVERY_SECONDS = 45;
const CHILD = fileURLToPath(new URL('./network-child.ts', import.meta.url));

/** Nothing acknowledged is lost at `nodes`, and each of them gives receipts that hold, of old transactions too. */
async function checkTold(
  network: Network,
  nodes: readonly NetworkNode[],
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  const [first] = acknowledged as [Acknowledged, ...Acknowledged[]];
  // One that joined fetches what was before its snapshot beside its work, the newest first.
  await until('the first transaction at all', 120_000, async () => {
    const answers = await Promise.all(nodes.map((node) => askNode(node, `/ledger/transactions/${first.id}`)));
    return answers.every((answer) => answer?.status === 200);
  });
  await checkAcknowledged(nodes, acknowledged);
  const some = [0, acknowledged.length >> 1, acknowledged.length - 1].map((at) => acknowledged[at] as Acknowledged);
  for (const node of nodes)
    for (const told of some) assert.ok(await checkReceipt(network, node, told), `${node.slug} has no receipt`);
  // The check has to see one that is lost.
  const never = { ...(some[0] as Acknowledged), id: '00'.repeat(32) };
  await assert.rejects(checkAcknowledged(nodes, [never]), /acknowledged transactions are lost/);
}

const story = isLong ? `${FAULTS_MS / 60_000} minutes of faults` : 'a few faults';
test(`four organisations’ ledger survives ${story}, a standstill, a joiner, a leaver and a liar (ACESO_SEED=${seed})`, {
  timeout: isLong ? FAULTS_MS + 20 * 60_000 : 5 * 60_000,
}, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const begunMs = Date.now();
  const say = (text: string): void => {
    const line = `${((Date.now() - begunMs) / 1000).toFixed(0)} s: ${text}`;
    // Diagnostics are shown when a test has ended, which for the long form is late.
    if (isLong) console.log(line);
    else t.diagnostic(line);
  };
  const slugs = ['ash', 'birch', 'cedar', 'dogwood'];
  const keep = process.env.ACESO_KEEP === '1';
  const network = await createNetwork({ slugs, program, script: CHILD, snapshotEveryBlocks: 20, keep });
  t.after(() => network.destroy());
  const founders = network.nodes as [NetworkNode, NetworkNode, NetworkNode, NetworkNode];
  const [ash, birch, cedar, dogwood] = founders;
  await Promise.all(founders.map((node) => node.start()));
  const physician = await hirePhysician(birch);

  const honest = new Set<NetworkNode>(founders);
  const load = startLoad(network, PER_SECOND, () => [...honest]);
  t.after(() => load.stop());
  const askable = () => [...honest].filter((node) => node.isRunning() && !node.isPaused());
  const receipts = watchReceipts(network, load.acknowledged, askable, 200);
  t.after(() => receipts.stop());
  await until('the load moves', 30_000, () => load.acknowledged.length > 20);
  const loadedMs = Date.now();
  say('four nodes are up, under load');

  const { recoveries, splits } = isLong
    ? await sufferLong(network, seededRandom(seed), FAULTS_MS, say)
    : { recoveries: await sufferOnce(network, say), splits: [] as Span[] };

  const still = await standStill(network, [birch, cedar], [ash, dogwood], physician);
  say(`two of four down: said so in ${still.saidSoSeconds.toFixed(1)} s`);
  say(`one of them back: next block ${still.nextBlockSeconds.toFixed(1)} s`);
  await until('all at the head', 60_000, () => founders.every((node) => isAtHead(network, node)));

  const { node: elm, baseHeight, toHeadSeconds } = await join(network, founders);
  honest.add(elm);
  say(`elm began from a snapshot at ${baseHeight}, was at the head in ${toHeadSeconds.toFixed(1)} s, and signs`);
  honest.delete(ash);
  await leave(network, ash, [...founders, elm]);
  say('ash is no validator any more');
  say(`the journal of the standstill was anchored ${(await still.anchored).toFixed(1)} s after it`);

  honest.delete(cedar);
  const codes = await lieToClients(network, cedar, birch);
  await lieToTheEngine(network, cedar, [birch, dogwood, elm]);
  say(`cedar lied to clients (${[...new Set(codes)].join(', ')}) and to its engine`);

  const endedMs = Date.now();
  await load.stop();
  await receipts.stop();
  const survivors = [birch, dogwood, elm];
  await until('one height', 30_000, () => survivors.every((node) => node.height() === network.height()));
  assert.deepEqual(load.wrong, [], 'refusals that no fault explains');
  assert.deepEqual(receipts.refused, [], 'receipts of honest nodes that were refused');
  assert.ok(receipts.counts.verified > 20, `only ${receipts.counts.verified} receipts were verified`);
  await checkTold(network, survivors, load.acknowledged);
  const compared = checkOneHistory(network.nodes.filter((node) => node !== cedar));
  const gap = longestGapSeconds(network.firstExecutedMs, [loadedMs, endedMs], [...splits, still.span]);
  const survivor = birch;
  for (const line of await summaryOf({ network, load, receipts, recoveries, gap, compared, survivor }))
    t.diagnostic(line);
  assert.ok(gap < LONGEST_GAP_SECONDS, `no block for ${gap} s while more than two thirds were up`);
  const slow = recoveries.filter(({ atHeadSeconds }) => atHeadSeconds > LONGEST_RECOVERY_SECONDS);
  assert.deepEqual(slow, [], 'nodes that took too long to come back');
});
