import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ChildNode, startChildNode } from './child-server.ts';
import { benchCreate, benchDecision, benchRead } from './fhir-http.ts';
import { benchImport } from './import-resources.ts';
import { benchLedgerTx } from './ledger-tx.ts';
import { benchReceipts } from './receipt-verify.ts';
import { type BenchResult, figure } from './result.ts';

/*
 * `npm run bench [-- --json] [-- --only NAME]`: what this node does on this machine, each figure beside what the
 * machine could do at best, measured in the same run. The node is a process of its own with the demo's synthetic
 * patients; figures over HTTP come from clients in this process, which share the machine with it.
 */

/** Starts measured for `start.ready`; the middle one is printed. */
const STARTS = 5;
/** What settles after a start (anchors, compiled code, garbage) has settled by then. */
const SETTLE_MS = 10_000;

interface Bench {
  readonly name: string;
  run(node: ChildNode): Promise<BenchResult>;
}

/** In this order: the node is idle before it is loaded. */
const ON_ONE_NODE: readonly Bench[] = [
  { name: 'memory.idle', run: idleMemory },
  { name: 'access.decision.p99', run: benchDecision },
  { name: 'fhir.read', run: benchRead },
  { name: 'fhir.create', run: benchCreate },
  { name: 'import.resources', run: benchImport },
  { name: 'receipt.verify', run: benchReceipts },
];
const NAMES = ['start.ready', ...ON_ONE_NODE.map(({ name }) => name), 'ledger.tx'];

const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string', multiple: true } } });
const unknown = values.only?.find((name) => !NAMES.includes(name));
if (unknown === undefined) await main();
else {
  console.error(`No benchmark is called ${unknown}. There are: ${NAMES.join(', ')}`);
  process.exitCode = 64;
}

async function main(): Promise<void> {
  if (values.json !== true) console.log(`${cells('name', 'value', 'unit', 'bound', 'ratio')}`);
  const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-'));
  try {
    await onNode(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (isWanted('ledger.tx')) for (const result of await benchLedgerTx()) print(result);
}

async function onNode(folder: string): Promise<void> {
  const wanted = ON_ONE_NODE.filter(({ name }) => isWanted(name));
  if (wanted.length === 0 && !isWanted('start.ready')) return;
  const first = await startChildNode(folder);
  await first.stop();
  if (isWanted('start.ready')) print(await startTime(folder));
  if (wanted.length === 0) return;
  const again = await startChildNode(folder);
  // A start that finds its data prints no demo accounts: the first one's are good for a year.
  const node = { ...again, staffTokens: first.staffTokens };
  try {
    for (const bench of wanted) print(await bench.run(node));
  } finally {
    await node.stop();
  }
}

/** `start.ready`: from spawn to the line that says ready, of a node that has its data; the middle of five. */
async function startTime(folder: string): Promise<BenchResult> {
  const times: number[] = [];
  for (let at = 0; at < STARTS; at++) {
    const node = await startChildNode(folder);
    times.push(node.readyMs);
    await node.stop();
  }
  return figure('start.ready', times.sort((a, b) => a - b)[Math.floor(STARTS / 2)] as number, 'ms');
}

/** `memory.idle`: resident memory of a node that was just started and asked nothing. */
async function idleMemory(node: ChildNode): Promise<BenchResult> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return figure('memory.idle', node.residentBytes() / 1e6, 'MB');
}

function isWanted(name: string): boolean {
  return values.only === undefined || values.only.includes(name);
}

function print(result: BenchResult): void {
  const { name, value, unit, bound, ratio } = result;
  if (values.json === true) console.log(JSON.stringify({ name, value, unit, bound, ratio }));
  else console.log(cells(name, String(value), unit, String(bound ?? ''), String(ratio ?? '')));
}

function cells(name: string, value: string, unit: string, bound: string, ratio: string): string {
  return `${name.padEnd(22)}${value.padStart(10)}  ${unit.padEnd(13)}${bound.padStart(10)}${ratio.padStart(8)}`.trimEnd();
}
