import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ChildNode, startBareServer, startChildNode } from '../child-server.ts';
import { boundOfLoad, loadPatients } from './loaded-patients.ts';
import { boundOf, measureOperation, type Pace } from './measure-operation.ts';
import { measuredOperations } from './operations.ts';
import { type Row, round, type Section } from './result-table.ts';

const SWITCH_OFF = new URL('./switch-off.ts', import.meta.url).href;
const POSTGRES = fileURLToPath(new URL('./throwaway-postgres.ts', import.meta.url));
const PHYSICIAN = 0;

/** What is measured on one node. */
export interface Setup {
  readonly database: 'postgres' | 'sqlite';
  readonly patients: number;
  readonly off: readonly string[];
  readonly pace: Pace;
  /** Bounds that were measured already, by operation: the requests are the same. */
  readonly bounds: Map<string, number>;
  note(text: string): void;
}

/** Starts a node, loads patients, measures everything, and leaves nothing behind. */
export async function runNode(setup: Setup): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-fhir-'));
  const postgres = setup.database === 'postgres' ? await startPostgres() : undefined;
  const report = join(folder, 'switched-off');
  const env = {
    ACESO_BENCH_REPORT: report,
    ACESO_BENCH_OFF: setup.off.join(','),
    ...(postgres !== undefined && { ACESO_BENCH_POSTGRES: postgres.addresses }),
  };
  const isPlain = setup.off.length === 0 && postgres === undefined;
  const start = async () => {
    const node = await startChildNode(folder, { isQuiet: true, ...(isPlain ? {} : { preload: SWITCH_OFF, env }) });
    const inPlace = existsSync(report) ? readFileSync(report, 'utf8').split('\n') : [];
    const missing = standIns(setup).filter((file) => !inPlace.includes(file));
    if (missing.length === 0) return node;
    await node.stop();
    throw new Error(`nothing was switched off by ${missing.join(', ')}: the module that it stands for was moved`);
  };
  try {
    return { ...setup, rows: await measureNode(setup, start) };
  } finally {
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Files of this folder that must have taken the place of the product's own. */
function standIns({ off, database }: Setup): string[] {
  const files = { encryption: ['./plain-pages.ts', './plain-blobs.ts'], consent: ['./permit-all.ts'] };
  const needsVault = off.includes('journal') || database === 'postgres';
  return [
    ...(off.includes('encryption') ? files.encryption : []),
    ...(off.includes('consent') ? files.consent : []),
    ...(needsVault ? ['./bench-vault.ts'] : []),
  ];
}

async function measureNode(setup: Setup, start: () => Promise<ChildNode>): Promise<Row[]> {
  const { patients, note } = setup;
  const first = await start();
  const token = first.staffTokens[PHYSICIAN] as string;
  let loaded: Awaited<ReturnType<typeof loadPatients>>;
  let loadedBytes: number;
  try {
    loaded = await loadPatients(first, token, patients, (done) => {
      if (done % 50 === 0 || done === patients) note(`loading patient ${done} of ${patients}`);
    });
    loadedBytes = first.residentBytes();
  } finally {
    await first.stop();
  }
  const rows: Row[] = [await importRow(setup, loaded)];
  // A start that finds its data; what was loaded above is not in its memory any more.
  const node = await start();
  try {
    await delay(2000);
    const idleBytes = node.residentBytes();
    for (const operation of measuredOperations({ url: node.url, token }, loaded)) {
      note(operation.name);
      const measured = await measureOperation(node.url, operation, setup.pace);
      if ('none' in measured) {
        rows.push({ name: operation.name, value: null, unit: '1/s', bound: null, ratio: null, note: measured.none });
        continue;
      }
      const { perSecond, p99Ms, answerBytes } = measured;
      const bound = await remembered(setup, operation.name, () => boundOf(operation, answerBytes, setup.pace));
      rows.push({ ...rateRow(operation.name, perSecond, bound), p99Ms });
    }
    rows.push(
      figureRow('start', node.readyMs, 'ms'),
      figureRow('memory idle', idleBytes / 1e6, 'MB'),
      figureRow('memory after import', loadedBytes / 1e6, 'MB'),
      figureRow('memory after requests', node.residentBytes() / 1e6, 'MB'),
    );
    return rows;
  } finally {
    await node.stop();
  }
}

async function importRow(setup: Setup, loaded: Awaited<ReturnType<typeof loadPatients>>): Promise<Row> {
  const bound = await remembered(setup, 'import', async () => {
    const server = await startBareServer(10_000);
    try {
      return await boundOfLoad(server.url, loaded);
    } finally {
      await server.stop();
    }
  });
  return rateRow('import, resources', loaded.resourcesPerSecond, bound);
}

async function remembered({ bounds, patients }: Setup, name: string, measure: () => Promise<number>): Promise<number> {
  const key = `${name} ${patients}`;
  const bound = bounds.get(key) ?? (await measure());
  bounds.set(key, bound);
  return bound;
}

function rateRow(name: string, value: number, bound: number): Row {
  return { name, value: round(value), unit: '1/s', bound: round(bound), ratio: round(value / bound) };
}

function figureRow(name: string, value: number, unit: string): Row {
  return { name, value: round(value), unit, bound: null, ratio: null };
}

/** Two databases, vault and key store, on a server of their own. */
async function startPostgres(): Promise<{ readonly addresses: string; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [POSTGRES], { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  const addresses = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`PostgreSQL did not start: ${said.slice(0, 300)}`)));
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /ready at (\S+ \S+)\.\n/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    addresses,
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
