/**
 * Versions written, reads journalled and versions opened per second on one core, beside what the disk and AES-GCM allow
 * in the same run. `--json` prints one object a line.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from '#crypto/platform';
import type { InteractionHeader } from '../src/chain/journal-leaf.ts';
import { sealAes256Gcm } from '../src/crypto/node/aead.ts';
import { utf8 } from '../src/std/bytes.ts';
import { createVault } from '../src/vault/create-vault.ts';
import { NO_ENTRIES } from '../src/vault/index/index-entries.ts';
import type { NewVersion } from '../src/vault/vault.ts';

const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const CLIENTS = 8;
const ACCOUNTS = 64;
const CUSTODIAN = '00'.repeat(16);
/** Mean size of a resource in the Synthea bundles, as compact JSON. */
const RESOURCE_BYTES = 1100;
const quiet = { info() {}, warn() {}, error() {} };

const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-vault-'));
try {
  await measure();
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<void> {
  const vault = await createVault({
    folder: join(folder, 'vault'),
    custodian: CUSTODIAN,
    rootKey: randomBytes(32),
    log: quiet,
  });
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => i.toString(16).padStart(32, '0'));
  await Promise.all(accounts.map((account) => vault.openAccount(account)));
  let next = 0;
  const write = async (count: number) => {
    const versions = Array.from({ length: count }, () => newVersion(accounts, next++));
    await vault.write(versions, []);
    return count;
  };
  const gcmPerSecond = sealsPerSecond();
  const syncsPerSecond = syncs();
  print('vault.write.bundle', await run(() => write(50)), '1/s', gcmPerSecond);
  print('vault.write.single', await run(() => write(1)), '1/s', syncsPerSecond);
  const header = interactionOf(accounts[0] as string);
  print('vault.journal', await run(() => vault.journal([header]).then(() => 1)), '1/s', syncsPerSecond * CLIENTS);
  let at = 0;
  const open = async () => {
    const row = await vault.current('Observation', `o${at++ % next}`);
    if (row === undefined) throw new Error('lost');
    await vault.open(row);
    return 1;
  };
  print('vault.open', await run(open), '1/s', null);
  const size = next;
  await vault.close();
  const bytes = ['vault.db', 'keys.db'].reduce((sum, file) => sum + statSync(join(folder, 'vault', file)).size, 0);
  print('vault.size.per1000', (bytes / size) * 1000, 'B', 1000 * RESOURCE_BYTES);
}

/** Calls per second with CLIENTS in flight; `call` says how many it did. */
async function run(call: () => Promise<number>): Promise<number> {
  const started = performance.now();
  const until = started + SECONDS * 1000;
  let done = 0;
  const client = async () => {
    while (performance.now() < until) {
      // Not `done += await …`: that reads `done` before the others have added to it.
      const count = await call();
      done += count;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return (done * 1000) / (performance.now() - started);
}

function newVersion(accounts: readonly string[], number: number): NewVersion {
  const id = `o${number}`;
  const body = { resourceType: 'Observation', id, note: 'x'.repeat(RESOURCE_BYTES - 60) };
  return {
    ...{ account: accounts[number % accounts.length] as string, type: 'Observation', id, version: 1, action: 'create' },
    ...{ timeMs: 1_700_000_000_000 + number, author: CUSTODIAN, bytes: utf8(JSON.stringify(body)) },
    ...{ labels: [], categories: ['http://loinc.org|11506-3'] },
    entries: {
      ...NO_ENTRIES,
      tokens: [
        { parameter: 'identifier', value: `urn:x|${number}` },
        { parameter: 'patient', value: `Patient/${number % accounts.length}` },
      ],
    },
  };
}

function interactionOf(account: string): InteractionHeader {
  return {
    ...{
      kind: 'read',
      account,
      timeMs: 1_700_000_000_000,
      actor: CUSTODIAN,
      organisation: CUSTODIAN,
      purpose: 'TREAT',
    },
    ...{ decision: 'permit', rules: ['default'], versions: ['ab'.repeat(32)], permit: '' },
  };
}

function sealsPerSecond(): number {
  const [key, plain, aad] = [randomBytes(32), randomBytes(RESOURCE_BYTES), randomBytes(64)];
  const started = performance.now();
  const count = 20_000;
  for (let i = 0; i < count; i++) sealAes256Gcm(key, plain, aad);
  return (count * 1000) / (performance.now() - started);
}

function syncs(): number {
  const file = openSync(join(folder, 'sync'), 'w');
  const page = randomBytes(4096);
  const started = performance.now();
  const count = 500;
  for (let i = 0; i < count; i++) {
    writeSync(file, page, 0, page.length, i * page.length);
    fdatasyncSync(file);
  }
  closeSync(file);
  return (count * 1000) / (performance.now() - started);
}

function print(name: string, value: number, unit: string, bound: number | null): void {
  const round = (figure: number) => Number(figure.toPrecision(4));
  const ratio = bound === null ? null : round(value / bound);
  const row = { name, value: round(value), unit, bound: bound === null ? null : round(bound), ratio };
  console.log(
    process.argv.includes('--json')
      ? JSON.stringify(row)
      : `${name}: ${row.value} ${unit} (bound ${row.bound}, ratio ${ratio})`,
  );
}
