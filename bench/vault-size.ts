/**
 * Bytes on disk per 1,000 resources of the Synthea bundles in `../shared/data/synthea` (or the folder given), by table,
 * beside the bytes of the resources themselves as compact JSON. Says so and ends well where there are none.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { randomBytes } from '#crypto/platform';
import { deriveKey } from '../src/crypto/node/derive-key.ts';
import { bytesToHex, utf8 } from '../src/std/bytes.ts';
import { createVault } from '../src/vault/create-vault.ts';
import { openSqlite } from '../src/vault/database/sqlite.ts';
import { NO_ENTRIES } from '../src/vault/index/index-entries.ts';
import type { NewVersion } from '../src/vault/vault.ts';
import { vaultQueries } from '../src/vault/vault-schema.ts';

type Resource = { resourceType: string; id?: string; identifier?: { system?: string; value?: string }[] };
type Bundle = { entry?: { resource: Resource }[] };

const CUSTODIAN = '00'.repeat(16);
const source =
  process.argv.slice(2).find((argument) => !argument.startsWith('-')) ??
  fileURLToPath(new URL('../../shared/data/synthea', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'aceso-bench-size-'));
try {
  if (existsSync(source)) await measure();
  else console.log(`skipped: ${source} is absent`);
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<void> {
  const rootKey = randomBytes(32);
  const vault = await createVault({ folder, custodian: CUSTODIAN, rootKey, log: { info() {}, warn() {}, error() {} } });
  let count = 0;
  let plain = 0;
  const started = performance.now();
  for (const file of readdirSync(source).filter((name) => name.endsWith('.json'))) {
    const bundle: Bundle = JSON.parse(readFileSync(join(source, file), 'utf8'));
    const account = bytesToHex(randomBytes(16));
    await vault.openAccount(account);
    const versions = (bundle.entry ?? []).map(({ resource }) => resourceToVersion(resource, account));
    await vault.write(versions, []);
    count += versions.length;
    plain += versions.reduce((sum, version) => sum + version.bytes.length, 0);
  }
  const perSecond = (count * 1000) / (performance.now() - started);
  await vault.close();
  const size = ['vault.db', 'keys.db'].reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  const per1000 = (bytes: number) => Math.round((bytes / count) * 1000);
  print('vault.size.per1000', per1000(size), 'B', per1000(plain));
  print('vault.size.count', count, '1', null);
  print('vault.size.written', Math.round(perSecond), '1/s', null);
  if (process.argv.includes('--json')) return;
  for (const file of ['vault.db', 'keys.db']) {
    const key = bytesToHex(deriveKey(rootKey, 'aceso/vault/pages/1', utf8(file)));
    const connection = await openSqlite(join(folder, file), { key, cacheBytes: 1_000_000 });
    const query = sql<{
      value: string;
      size: number;
    }>`select cast(name as blob) as value, sum(pgsize) as size from dbstat group by name order by 2 desc`;
    for (const row of await connection.all(query.compile(vaultQueries('sqlite'))))
      console.log(`  ${file} ${row.value}: ${per1000(row.size)} B per 1,000`);
    await connection.close();
  }
}

function resourceToVersion(resource: Resource, account: string): NewVersion {
  const id = bytesToHex(randomBytes(16)).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const tokens = (resource.identifier ?? []).map(({ system, value }) => ({
    parameter: 'identifier',
    value: `${system}|${value}`,
  }));
  return {
    ...{
      account,
      type: resource.resourceType,
      id,
      version: 1,
      action: 'create',
      timeMs: 1_700_000_000_000,
      author: CUSTODIAN,
    },
    ...{
      bytes: utf8(JSON.stringify({ ...resource, id })),
      labels: [],
      categories: [`urn:type|${resource.resourceType}`],
    },
    entries: { ...NO_ENTRIES, tokens: [...tokens, { parameter: 'patient', value: account }] },
  };
}

function print(name: string, value: number, unit: string, bound: number | null): void {
  const ratio = bound === null ? null : Number((value / bound).toPrecision(3));
  const row = { name, value, unit, bound, ratio };
  console.log(
    process.argv.includes('--json')
      ? JSON.stringify(row)
      : `${name}: ${value} ${unit} (bound ${bound}, ratio ${ratio})`,
  );
}
