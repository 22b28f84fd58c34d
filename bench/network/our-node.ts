import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CometBftLedger } from '../../src/ledger/cometbft/cometbft-ledger.ts';
import { createCometBftLedger } from '../../src/ledger/cometbft/cometbft-ledger.ts';
import { createEngine } from '../../src/ledger/cometbft/engine/create-engine.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { notesKernel } from '../../test/support/test-ledger.ts';
import { answerAsked } from './asked-process.ts';
import { engineSettings, type NetworkPlan, nodeFolder, ownNode } from './four-validators.ts';
import { loudLog } from './loud-log.ts';
import { cpuSeconds } from './process-figures.ts';
import { type SignedStock, signStock } from './signed-stock.ts';

/*
 * A process: one validator with our application, its engine, and the clients that submit at it. The clients' transactions
 * are signed before a clock starts.
 */

/** Where a load stands when a block's outcomes begin to be returned. */
export interface Mark {
  /** Since the epoch. */
  readonly timeMs: number;
  /** Transactions whose outcome was returned here since the load began, those of this block left out. */
  readonly committed: number;
  /** Processor seconds so far, of this process and of its engine. */
  readonly ownCpu: number;
  readonly engineCpu: number;
}

export interface Saturated {
  readonly marks: readonly Mark[];
  readonly blocks: readonly { readonly height: number; readonly timeMs: number; readonly transactions: number }[];
}

/** Milliseconds from submission until the outcome was returned, and until a receipt could be made. */
export interface Latencies {
  readonly commitMs: readonly number[];
  readonly receiptMs: readonly number[];
}

export interface NodeState {
  readonly height: number;
  readonly transactions: number;
  readonly enginePid: number;
}

const { plan, at } = JSON.parse(process.argv[2] as string) as { readonly plan: NetworkPlan; readonly at: number };
const folder = nodeFolder(plan, at);
const engine = await createEngine(engineSettings(plan, at), loudLog(`node ${at}:`));
const genesis = plan.genesis as unknown as JsonObject;
let stock: SignedStock | undefined;
let committedTransactions = 0;

const ledger: CometBftLedger = await createCometBftLedger({
  folder: join(folder, 'ledger'),
  kernel: notesKernel(genesis),
  genesis,
  engine,
  ownNode: ownNode(at),
  members: { entries: async () => [], signedHeader: async () => undefined },
  clock: Date.now,
  log: loudLog(`node ${at}:`),
  threads: 1,
});
const blocks: { height: number; timeMs: number; transactions: number }[] = [];
ledger.subscribe((block) => {
  committedTransactions += block.transactions.length;
  blocks.push({ height: block.height, timeMs: Date.now(), transactions: block.transactions.length });
});

function nextWire(): Uint8Array {
  const wire = stock?.next();
  if (wire === undefined) throw new Error('the signed transactions ran out');
  return wire;
}

async function submitOne(): Promise<{ readonly height: number }> {
  const committed = await ledger.submit(nextWire());
  if (committed.outcome.code !== 'OK') throw new Error(`outcome ${committed.outcome.code}`);
  return committed;
}

answerAsked({
  ready: () => ledger.ready(30_000),
  sign(count: number) {
    stock = signStock(plan, at, count);
    return stock.wireBytes;
  },
  state: (): NodeState => ({
    height: ledger.head().height,
    transactions: committedTransactions,
    enginePid: engine.pid() ?? 0,
  }),

  /** So many clients, each submitting its next transaction when the last was committed, until a time. */
  async saturate({ clients, untilMs }: { clients: number; untilMs: number }): Promise<Saturated> {
    const marks: Mark[] = [];
    let committed = 0;
    let markedHeight = 0;
    blocks.length = 0;
    const mark = (): void => {
      const engineCpu = cpuSeconds([engine.pid() ?? process.pid]);
      marks.push({ timeMs: Date.now(), committed, ownCpu: cpuSeconds([process.pid]), engineCpu });
    };
    const note = (height: number): void => {
      if (height !== markedHeight) mark();
      markedHeight = height;
      committed++;
    };
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (Date.now() < untilMs) {
          note((await submitOne()).height);
        }
      }),
    );
    mark();
    return { marks, blocks: [...blocks] };
  },

  /** Submits at a rate, evenly, whether or not earlier ones were committed. */
  async pace({ perSecond, untilMs }: { perSecond: number; untilMs: number }): Promise<Latencies> {
    const commitMs: number[] = [];
    const receiptMs: number[] = [];
    const proofs = new Map<number, Promise<number>>();
    const proved = (height: number): Promise<number> => {
      const known = proofs.get(height);
      const proof = known ?? ledger.signedHead(height).then(() => performance.now());
      if (known === undefined) proofs.set(height, proof);
      return proof;
    };
    const one = async (): Promise<void> => {
      const startMs = performance.now();
      const { height } = await submitOne();
      commitMs.push(performance.now() - startMs);
      receiptMs.push((await proved(height)) - startMs);
    };
    const underWay: Promise<void>[] = [];
    const startMs = performance.now();
    let sent = 0;
    while (Date.now() < untilMs) {
      const due = ((performance.now() - startMs) * perSecond) / 1000;
      for (; sent < due; sent++) underWay.push(one());
      await delay(2);
    }
    await Promise.all(underWay);
    return { commitMs, receiptMs };
  },

  stop: () => ledger.close(),
});
