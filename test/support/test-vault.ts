import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { sql } from 'kysely';
import type { InteractionHeader } from '../../src/chain/journal-leaf.ts';
import { deriveKey } from '../../src/crypto/node/derive-key.ts';
import { bytesToHex, utf8 } from '../../src/std/bytes.ts';
import { createVault } from '../../src/vault/create-vault.ts';
import type { Connection } from '../../src/vault/database/connection.ts';
import { openPostgres } from '../../src/vault/database/postgres.ts';
import { openSqlite } from '../../src/vault/database/sqlite.ts';
import { NO_ENTRIES } from '../../src/vault/index/index-entries.ts';
import type { VaultDatabase } from '../../src/vault/open-databases.ts';
import type { CustodianVault, NewVersion } from '../../src/vault/vault.ts';
import type { VaultOptions } from '../../src/vault/vault-parts.ts';
import { vaultQueries } from '../../src/vault/vault-schema.ts';
import { sharedPostgres, withoutPostgres } from './test-postgres.ts';

/** Support for the vault's own tests. */
export const CUSTODIAN = 'c0'.repeat(16);
export const ALICE = 'a1'.repeat(16);
export const BOB = 'b0'.repeat(16);
export const ROOT_KEY = new Uint8Array(32).fill(7);
export const TIME_MS = 1_800_000_000_000;

const quiet = { info() {}, warn() {}, error() {} };

/** Where the vaults of a test are kept. */
export type DatabaseKind = 'SQLite' | 'PostgreSQL' | 'PostgreSQL for both';

const kinds = new WeakMap<TestContext, DatabaseKind>();
const opened = new WeakMap<TestContext, CustodianVault[]>();
const databases = new Map<string, VaultDatabase>();

/** A test that runs on each database; `testVault`, `testFolder` and `reopened` keep to its own. */
export function vaultTest(name: string, body: (t: TestContext) => Promise<void>, except?: DatabaseKind): void {
  for (const kind of ['SQLite', 'PostgreSQL', 'PostgreSQL for both'] as const) {
    if (kind === except) continue;
    test(`${name} (${kind})`, { skip: kind === 'SQLite' ? false : withoutPostgres }, (t) => {
      kinds.set(t, kind);
      return body(t);
    });
  }
}

export const databaseKindOf = (t: TestContext): DatabaseKind => kinds.get(t) ?? 'SQLite';

/** A folder that goes with the test, after the vaults in it are closed. */
export function testFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-vault-'));
  t.after(async () => {
    for (const vault of opened.get(t) ?? []) await vault.close();
    rmSync(folder, { recursive: true, force: true });
    databases.delete(folder);
  });
  return folder;
}

/** The database that goes with a folder: empty and its own the first time, the same from then on. */
export async function databaseOf(t: TestContext, folder: string): Promise<{ database?: VaultDatabase }> {
  const kind = databaseKindOf(t);
  if (kind === 'SQLite') return {};
  const known = databases.get(folder);
  if (known !== undefined) return { database: known };
  const server = await sharedPostgres();
  const url = await server.createDatabase();
  const made = kind === 'PostgreSQL' ? { url } : { url, keysUrl: await server.createDatabase() };
  databases.set(folder, made);
  return { database: made };
}

/** A copy of a closed vault, as a backup makes it. */
export async function copiedVault(t: TestContext, folder: string): Promise<string> {
  const copy = testFolder(t);
  cpSync(folder, copy, { recursive: true });
  const { database } = await databaseOf(t, folder);
  if (database === undefined) return copy;
  const server = await sharedPostgres();
  const url = await server.copyDatabase(database.url);
  const keysUrl = database.keysUrl === undefined ? {} : { keysUrl: await server.copyDatabase(database.keysUrl) };
  databases.set(copy, { url, ...keysUrl });
  return copy;
}

/** Gives a closed vault the key store of another closed one. */
export async function copyKeys(t: TestContext, from: string, to: string): Promise<void> {
  const [{ database }, { database: own }] = await Promise.all([databaseOf(t, from), databaseOf(t, to)]);
  if (database?.keysUrl === undefined || own === undefined) cpSync(join(from, 'keys.db'), join(to, 'keys.db'));
  else databases.set(to, { ...own, keysUrl: await (await sharedPostgres()).copyDatabase(database.keysUrl) });
}

/** A database of a closed vault, as one who has its key or password but not the node could open it. */
export async function rawConnection(t: TestContext, folder: string, file: 'vault.db' | 'keys.db'): Promise<Connection> {
  const { database } = await databaseOf(t, folder);
  const url = file === 'vault.db' ? database?.url : database?.keysUrl;
  const schema = `${file === 'vault.db' ? 'vault' : 'keys'}_${CUSTODIAN}`;
  if (url !== undefined) return openPostgres({ url, schema, overwritten: [] });
  const key = bytesToHex(deriveKey(ROOT_KEY, 'aceso/vault/pages/1', utf8(file)));
  return openSqlite(join(folder, file), { key, cacheBytes: 1_000_000 });
}

/** Runs a statement in SQLite's words on either database. */
export function runRaw(connection: Connection, text: string): Promise<void> {
  return connection.execute([sql.raw(wordsOf(connection, text)).compile(vaultQueries(connection.dialect))]);
}

/** Rows of a query in SQLite's words, on either database. */
export function rowsOfRaw<Row>(connection: Connection, text: string): Promise<readonly Row[]> {
  return connection.all(sql.raw<Row>(wordsOf(connection, text)).compile(vaultQueries(connection.dialect)));
}

function wordsOf({ dialect }: Connection, text: string): string {
  if (dialect === 'sqlite') return text;
  return text
    .replace(/x'([0-9a-f]*)'/g, "'\\x$1'::bytea")
    .replace(/zeroblob\((\d+)\)/g, "decode(repeat('00', $1), 'hex')");
}

/** Opens the vault of a folder made by `testFolder`. */
export async function reopened(
  t: TestContext,
  folder: string,
  options: Partial<VaultOptions> = {},
): Promise<CustodianVault> {
  const place = { folder, ...(await databaseOf(t, folder)) };
  const vault = await createVault({ ...place, custodian: CUSTODIAN, rootKey: ROOT_KEY, log: quiet, ...options });
  opened.set(t, [...(opened.get(t) ?? []), vault]);
  return vault;
}

/** A new vault with the accounts of Alice and Bob; closed with the test. */
export async function testVault(
  t: TestContext,
  options: Partial<VaultOptions> = {},
): Promise<{ vault: CustodianVault; folder: string }> {
  const folder = testFolder(t);
  const vault = await reopened(t, folder, options);
  await Promise.all([vault.openAccount(ALICE), vault.openAccount(BOB)]);
  return { vault, folder };
}

/** A version of an Observation of Alice's, with `text` as its bytes. */
export function observation(id: string, version = 1, more: Partial<NewVersion> & { text?: string } = {}): NewVersion {
  const { text = `{"resourceType":"Observation","id":"${id}","n":${version}}`, ...rest } = more;
  return {
    ...{ account: ALICE, type: 'Observation', id, version, action: version === 1 ? 'create' : 'update' },
    ...{ timeMs: TIME_MS + version, author: CUSTODIAN, bytes: utf8(text), labels: [], categories: [] },
    entries: NO_ENTRIES,
    ...rest,
  };
}

/** A permitted read of Alice's records. */
export function interaction(more: Partial<InteractionHeader> = {}): InteractionHeader {
  return {
    ...{ kind: 'read', account: ALICE, timeMs: TIME_MS, actor: BOB, organisation: CUSTODIAN, purpose: 'TREAT' },
    ...{ decision: 'permit', rules: ['default'], versions: [], permit: '' },
    ...more,
  };
}

/** The code that a promise or a call is refused with; '' when it is not. */
export async function codeOf(run: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof run === 'function' ? run() : run);
    return '';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}
