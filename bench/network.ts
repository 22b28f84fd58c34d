import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findCometBft } from '../src/ledger/cometbft/engine/find-cometbft.ts';
import { executeSeconds, verifySeconds } from './network/bound-terms.ts';
import { benchGenesis, freePort, type NetworkPlan } from './network/four-validators.ts';
import { installKvstore, startKvstore } from './network/kvstore-network.ts';
import { type Loaded, loadEngines } from './network/load-engines.ts';
import { measureOurs, type OurFigures } from './network/measure-ours.ts';
import { type MeasuredNetwork, startNoOp } from './network/measured-network.ts';

/*
 * `npm run bench:network [-- --json] [-- --idle SECONDS] [-- --only ours,no-op,kvstore]`: four validators on this machine,
 * at 127.0.0.1 to 127.0.0.4, each application and each engine a process of its own. The same engine and settings carry, one
 * after another, an application that does nothing, CometBFT's own `kvstore` in Go, and ours; the bound of ours is
 * 1 / (t_noop + 4 t_verify + 4 t_execute): what the engine takes anyway, and every one of four nodes on this one machine
 * verifying a signature once and executing once. Linux only: processor time is read from /proc.
 */

/** Bytes of the transactions that carry nothing. */
const PLAIN_BYTES = 300;
/** What one core of a server's processor draws under load, its share of memory and board included; an assumption. */
const WATTS_A_CORE = 10;
const WARM_MS = 6_000;
const FOR_MS = 20_000;
/** Ours takes longer for a block, and some of them are large. */
const OURS_FOR_MS = 30_000;
const PACED_MS = 15_000;
/** Where the application that does nothing is not measured: room for what ours may reach. */
const SIGNED_AT_MOST = 18_000;
const SECONDS_A_DAY = 86_400;
const APPLICATIONS: readonly string[] = ['no-op', 'kvstore', 'ours'];

interface Line {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly bound: number | null;
  readonly ratio: number | null;
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    idle: { type: 'string', default: '20' },
    only: { type: 'string', default: APPLICATIONS.join(',') },
    clients: { type: 'string', default: '1000' },
    seconds: { type: 'string' },
  },
});
const wanted = new Set(values.only.split(','));
const askedMs = values.seconds === undefined ? undefined : Number(values.seconds) * 1000;

const unknown = [...wanted].find((name) => !APPLICATIONS.includes(name));
if (unknown === undefined) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  await main();
} else {
  console.error(`No application is called ${unknown}. There are: ${APPLICATIONS.join(', ')}`);
  process.exitCode = 64;
}

async function main(): Promise<void> {
  const program = await findCometBft({ override: process.env.ACESO_COMETBFT, searchPath: process.env.PATH });
  if (values.json !== true) console.log(cells('name', 'value', 'unit', 'bound', 'ratio'));
  const verify = verifySeconds(PLAIN_BYTES);
  print(figure('network.verify', 1e6 * verify, 'us'));
  let noOp: Loaded | undefined;
  if (wanted.has('no-op')) {
    noOp = await onPlain(program, startNoOp);
    printLoaded('network.no-op', noOp);
  }
  if (wanted.has('kvstore')) {
    const kvstore = await installKvstore();
    printLoaded('network.kvstore', await onPlain(program, (plan) => startKvstore(plan, kvstore)));
  }
  if (!wanted.has('ours')) return;
  await withPlan(program, async (plan) => {
    const ours = await measureOurs(plan, {
      ...{ warmMs: WARM_MS, forMs: askedMs ?? OURS_FOR_MS, pacedMs: PACED_MS, idleMs: Number(values.idle) * 1000 },
      ...{ clients: Number(values.clients), signed: SIGNED_AT_MOST },
    });
    const execute = await executeSeconds(plan, Math.max(1, ours.perBlock));
    printOurs(ours, { verify, execute, noOp });
  });
}

interface Terms {
  readonly verify: number;
  readonly execute: number;
  readonly noOp: Loaded | undefined;
}

function printOurs(ours: OurFigures, { verify, execute, noOp }: Terms): void {
  print(figure('network.execute', 1e6 * execute, 'us'));
  const bound = noOp === undefined ? undefined : 1 / (1 / noOp.perSecond + 4 * verify + 4 * execute);
  print({
    ...figure('network.tx', ours.perSecond, '1/s'),
    bound: bound === undefined ? null : round(bound),
    ratio: bound === undefined ? null : round(ours.perSecond / bound),
  });
  print(figure('network.tx.bytes', ours.wireBytes, 'bytes'));
  print(figure('network.tx.per-block', ours.perBlock, 'transactions'));
  print(figure('network.blocks', ours.blocksPerSecond, '1/s'));
  const { own, engines } = ours.cpuSecondsPerThousand;
  const leastCpu = noOp === undefined ? undefined : noOp.cpuSecondsPerThousand + 4000 * (verify + execute);
  print({
    ...figure('network.cpu', own + engines, 's/1000 tx'),
    bound: leastCpu === undefined ? null : round(leastCpu),
    ratio: leastCpu === undefined ? null : round(leastCpu / (own + engines)),
  });
  print(figure('network.cpu.engines', engines, 's/1000 tx'));
  print(figure(`network.energy.${WATTS_A_CORE}-watts-a-core`, (own + engines) * WATTS_A_CORE, 'J/1000 tx'));
  print(figure('network.others', ours.coresOfOthers, 'cores'));
  print(figure('network.half', ours.halfPerSecond, '1/s'));
  for (const [name, { median, p99 }] of Object.entries({ commit: ours.commitMs, receipt: ours.receiptMs })) {
    print(figure(`network.half.${name}.median`, median, 'ms'));
    print(figure(`network.half.${name}.p99`, p99, 'ms'));
  }
  const { blocks, bytes, seconds } = ours.idle;
  print(figure('network.idle.blocks', (blocks * SECONDS_A_DAY) / seconds, '1/day'));
  print(figure('network.idle.disk', (bytes * SECONDS_A_DAY) / seconds / 1e6, 'MB/day'));
  for (const [part, perTransaction] of Object.entries(ours.diskPerTransaction))
    print(figure(`network.disk.${part}`, perTransaction, 'MB/million tx'));
}

function printLoaded(name: string, loaded: Loaded): void {
  print(figure(name, loaded.perSecond, '1/s'));
  print(figure(`${name}.per-block`, loaded.perBlock, 'transactions'));
  print(figure(`${name}.cpu`, loaded.cpuSecondsPerThousand, 's/1000 tx'));
}

async function onPlain(program: string, start: (plan: NetworkPlan) => Promise<MeasuredNetwork>): Promise<Loaded> {
  return await withPlan(program, async (plan) => {
    const network = await start(plan);
    try {
      return await loadEngines(network, { bytes: PLAIN_BYTES, warmMs: WARM_MS, forMs: askedMs ?? FOR_MS });
    } finally {
      await network.stop();
    }
  });
}

async function withPlan<T>(program: string, run: (plan: NetworkPlan) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-network-'));
  try {
    return await run({ genesis: benchGenesis(), folder, program, port: await freePort() });
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function figure(name: string, value: number, unit: string): Line {
  return { name, value: round(value), unit, bound: null, ratio: null };
}

function print({ name, value, unit, bound, ratio }: Line): void {
  if (values.json === true) console.log(JSON.stringify({ name, value, unit, bound, ratio }));
  else console.log(cells(name, String(value), unit, String(bound ?? ''), String(ratio ?? '')));
}

function cells(name: string, value: string, unit: string, bound: string, ratio: string): string {
  return `${name.padEnd(36)}${value.padStart(10)}  ${unit.padEnd(15)}${bound.padStart(10)}${ratio.padStart(8)}`.trimEnd();
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
