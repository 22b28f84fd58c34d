import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AskedProcess, startAsked } from './asked-process.ts';
import { type NetworkPlan, nodeFolder, VALIDATORS } from './four-validators.ts';
import { middle, quantile } from './load-engines.ts';
import type { Latencies, Mark, NodeState, Saturated } from './our-node.ts';
import { diskBytes, machineSeconds } from './process-figures.ts';

export interface OurOptions {
  readonly warmMs: number;
  readonly forMs: number;
  readonly pacedMs: number;
  readonly idleMs: number;
  /** Clients at each validator, each with one transaction under way. */
  readonly clients: number;
  /** Transactions that are signed beforehand, at each validator. */
  readonly signed: number;
}

export interface OurFigures {
  /** Transactions whose outcome was returned, per second, at all four together. */
  readonly perSecond: number;
  readonly perBlock: number;
  readonly blocksPerSecond: number;
  readonly wireBytes: number;
  readonly cpuSecondsPerThousand: { readonly own: number; readonly engines: number };
  /** Processor cores that other processes of the machine took meanwhile. */
  readonly coresOfOthers: number;
  readonly halfPerSecond: number;
  readonly commitMs: { readonly median: number; readonly p99: number };
  readonly receiptMs: { readonly median: number; readonly p99: number };
  readonly idle: { readonly blocks: number; readonly bytes: number; readonly seconds: number };
  /** Bytes on one node's disk for a transaction, before anything is pruned. */
  readonly diskPerTransaction: Disk;
}

export interface Disk {
  readonly blocks: number;
  readonly state: number;
  /** The engine's blocks and its own state. */
  readonly engine: number;
  /** The engine's write-ahead log, which it cuts to 1 GB. */
  readonly wal: number;
}

/** What settles after a load (last blocks, flushes, compaction) has settled by then. */
const SETTLE_MS = 4_000;

/** Four validators with our application, each in a process of its own, through saturation, half of it, and rest. */
export async function measureOurs(plan: NetworkPlan, options: OurOptions): Promise<OurFigures> {
  const places = Array.from({ length: VALIDATORS }, (_, at) => at);
  const nodes = places.map((at) => startAsked(new URL('./our-node.ts', import.meta.url), { plan, at }));
  try {
    const all = <T>(name: string, argument?: unknown) => Promise.all(nodes.map((node) => node.ask<T>(name, argument)));
    await all('ready');
    const [wireBytes = 0] = await all<number>('sign', options.signed);
    const before = await diskOf(plan);
    const saturated = await saturate(nodes, options);
    await delay(SETTLE_MS);
    const after = await diskOf(plan);
    const halfPerSecond = saturated.perSecond / 2;
    const latencies = await all<Latencies>('pace', {
      perSecond: halfPerSecond / VALIDATORS,
      untilMs: Date.now() + options.pacedMs,
    });
    await delay(SETTLE_MS);
    const idle = await rest(plan, nodes[0] as AskedProcess, options.idleMs);
    const { total, ...rates } = saturated;
    const each = (part: keyof Disk): number => Math.max(0, after[part] - before[part]) / total;
    return {
      ...rates,
      wireBytes,
      halfPerSecond,
      commitMs: spread(latencies.flatMap(({ commitMs }) => commitMs)),
      receiptMs: spread(latencies.flatMap(({ receiptMs }) => receiptMs)),
      idle,
      diskPerTransaction: { blocks: each('blocks'), state: each('state'), engine: each('engine'), wal: each('wal') },
    };
  } finally {
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** One load, of which the first part warms up; rates are of the blocks between. */
async function saturate(nodes: readonly AskedProcess[], { warmMs, forMs, clients }: OurOptions) {
  const fromMs = Date.now() + warmMs;
  const untilMs = fromMs + forMs;
  const running = Promise.all(nodes.map((node) => node.ask<Saturated>('saturate', { clients, untilMs })));
  await delay(warmMs);
  const machineBefore = machineSeconds();
  await delay(untilMs - Date.now());
  const machine = (machineSeconds() - machineBefore) / (forMs / 1000);
  const found = await running;
  const [blocks] = found.map((one) => one.blocks.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= untilMs));
  const rates = found.map(({ marks }) => ratesBetween(marks, fromMs, untilMs));
  const sum = (name: keyof (typeof rates)[number]): number => rates.reduce((all, one) => all + one[name], 0);
  const perSecond = sum('committed');
  const thousands = perSecond / 1000;
  return {
    perSecond,
    perBlock: middle((blocks ?? []).map(({ transactions }) => transactions)),
    blocksPerSecond: ((blocks ?? []).length * 1000) / forMs,
    cpuSecondsPerThousand: { own: sum('ownCpu') / thousands, engines: sum('engineCpu') / thousands },
    coresOfOthers: machine - sum('ownCpu') - sum('engineCpu'),
    total: found.reduce((all, { marks }) => all + (marks.at(-1)?.committed ?? 0), 0),
  };
}

/** Per second, from one block's outcomes to a later one's: between them lie whole blocks and what they cost. */
function ratesBetween(marks: readonly Mark[], fromMs: number, untilMs: number) {
  const within = marks.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= untilMs);
  const [first, last] = [within[0], within.at(-1)];
  if (first === undefined || last === undefined || first === last) throw new Error('no blocks came under load');
  const rate = (name: keyof Mark): number => ((last[name] - first[name]) * 1000) / (last.timeMs - first.timeMs);
  return { committed: rate('committed'), ownCpu: rate('ownCpu'), engineCpu: rate('engineCpu') };
}

async function rest(plan: NetworkPlan, node: AskedProcess, idleMs: number): Promise<OurFigures['idle']> {
  const before = await node.ask<NodeState>('state');
  const bytesBefore = diskBytes(nodeFolder(plan, 0));
  await delay(idleMs);
  const after = await node.ask<NodeState>('state');
  const bytes = diskBytes(nodeFolder(plan, 0)) - bytesBefore;
  return { blocks: after.height - before.height, bytes, seconds: idleMs / 1000 };
}

async function diskOf(plan: NetworkPlan): Promise<Disk> {
  const [ledger, data] = [join(nodeFolder(plan, 0), 'ledger'), join(nodeFolder(plan, 0), 'engine', 'data')];
  const wal = diskBytes(join(data, 'cs.wal'));
  return {
    blocks: diskBytes(join(ledger, 'blocks')),
    state: diskBytes(join(ledger, 'state')),
    engine: diskBytes(data) - wal,
    wal,
  };
}

function spread(values: readonly number[]): { median: number; p99: number } {
  return { median: middle(values), p99: quantile(values, 0.99) };
}
