import { existsSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { randomBytes } from '#crypto/platform';
import { deriveKey } from '../crypto/node/derive-key.ts';
import { bytesToHex, utf8 } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { reject } from './codes.ts';
import type { Connection } from './database/connection.ts';
import { openPostgres } from './database/postgres.ts';
import { openSqlite } from './database/sqlite.ts';
import { keyTableQueries } from './key-schema.ts';
import { createMetaTable, metaTableQuery } from './meta-table.ts';
import { createRowMac } from './row-mac.ts';
import { dropOldTables, OLD_FORMAT, upgradeTables } from './upgrade-format.ts';
import { vaultQueries, vaultTableQueries } from './vault-schema.ts';

const FORMAT = 'aceso.vault/2';
const CHECK_FILE = 'key-check';
/** Taken as pages are read: the index of ten thousand patients is a gigabyte, and a page that is not here is decrypted. */
const VAULT_CACHE_BYTES = 128 * 1024 * 1024;
const KEYS_CACHE_BYTES = 8 * 1024 * 1024;

/** A vault beyond one file: PostgreSQL, in a schema of its own for each custodian. */
export interface VaultDatabase {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string;
  /** Database of the key store, another than the vault's, with a backup of its own; keys.db in the folder unless it is given. */
  readonly keysUrl?: string;
}

/** The two databases of a vault, open and of one kind. */
export interface Databases {
  readonly vault: Connection;
  readonly keys: Connection;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly folder: string;
  readonly custodian: string;
  readonly rootKey: Uint8Array;
  readonly database?: VaultDatabase;
  readonly maxBytes?: number;
}

/**
 * Opens the databases of a vault, or makes them. Rejects with VAULT_IN_USE, VAULT_KEY_WRONG, VAULT_DAMAGED: also when one
 * of them is missing or belongs to another vault, and none is ever made anew beside one that holds something.
 */
export async function openDatabases(options: OpenOptions): Promise<Databases> {
  const { folder, rootKey } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkKey(folder, rootKey);
  // The key store first: its lock is the vault's.
  const keys = await openKeys(options);
  try {
    const hadFile = existsSync(join(folder, 'vault.db'));
    const vault = await openVault(options);
    try {
      const hadVault = options.database === undefined ? hadFile : await hasTables(vault);
      await agree(keys, vault, options, hadVault);
    } catch (error) {
      await vault.close();
      throw error;
    }
    return {
      vault,
      keys,
      async close() {
        await vault.close();
        await keys.close();
      },
    };
  } catch (error) {
    await keys.close();
    throw error;
  }
}

export async function openKeys({ folder, custodian, rootKey, database }: OpenOptions): Promise<Connection> {
  if (database?.keysUrl === undefined) return openChecked(folder, 'keys.db', rootKey, { cacheBytes: KEYS_CACHE_BYTES });
  const schema = `keys_${custodian}`;
  return openPostgres({ url: database.keysUrl, schema, overwritten: ['version_key'] });
}

export async function openVault({ folder, custodian, rootKey, database, maxBytes }: OpenOptions): Promise<Connection> {
  if (database !== undefined) {
    const overwritten = ['version', 'resource', 'blob', 'token', 'ordinal', 'link', 'indexed'];
    return openPostgres({ url: database.url, schema: `vault_${custodian}`, overwritten });
  }
  const limit = maxBytes === undefined ? {} : { maxBytes };
  return openChecked(folder, 'vault.db', rootKey, { cacheBytes: VAULT_CACHE_BYTES, ...limit });
}

/** True when the tables of a vault are in the schema. */
async function hasTables(connection: Connection): Promise<boolean> {
  const query = sql<{ there: boolean }>`select to_regclass('entry') is not null as there`;
  return (await connection.all(query.compile(vaultQueries('postgres'))))[0]?.there === true;
}

async function openChecked(
  folder: string,
  file: string,
  rootKey: Uint8Array,
  options: { cacheBytes: number; maxBytes?: number },
): Promise<Connection> {
  const key = bytesToHex(deriveKey(rootKey, 'aceso/vault/pages/1', new TextEncoder().encode(file)));
  try {
    return await openSqlite(join(folder, file), { key, ...options });
  } catch (error) {
    // The check file has shown the key to be right, so a file that does not open under it is a damaged one.
    throw isReject(error) && error.code === 'VAULT_KEY_WRONG' ? reject('VAULT_DAMAGED', { file }) : error;
  }
}

/**
 * A value derived from the root key beside the files: it tells a wrong key from a damaged page, and tells nothing of the
 * key. It is durable before the first page is written; a folder without it is a new one.
 */
async function checkKey(folder: string, rootKey: Uint8Array): Promise<void> {
  const path = join(folder, CHECK_FILE);
  const check = `${bytesToHex(deriveKey(rootKey, 'aceso/vault/key-check/1'))}\n`;
  const found = await readIfThere(path);
  if (found === check) return;
  if (found?.length === check.length) throw reject('VAULT_KEY_WRONG');
  if (existsSync(join(folder, 'keys.db')) || existsSync(join(folder, 'vault.db')))
    throw reject('VAULT_DAMAGED', { file: CHECK_FILE });
  // Missing, or cut short by a crash before any page was written.
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(check);
    await file.sync();
  } finally {
    await file.close();
  }
  const directory = await open(folder, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes the tables of a new vault, or checks that both databases are of one. The key store is complete before the vault's
 * first row, so a vault that says what it is has its key store, and a key store with keys has had its vault.
 */
async function agree(
  keys: Connection,
  vault: Connection,
  { custodian, rootKey }: OpenOptions,
  hadVault: boolean,
): Promise<void> {
  await Promise.all([keys, vault].map((one) => one.execute([metaTableQuery(one.dialect)])));
  const [keyMeta, vaultMeta] = [createMetaTable(keys), createMetaTable(vault)];
  const [id, found] = await Promise.all([keyMeta.get('vault'), vaultMeta.get('vault')]);
  if (id === undefined && found !== undefined) throw reject('VAULT_DAMAGED', { file: 'keys.db' });
  if (found === undefined && id !== undefined && !hadVault) throw reject('VAULT_DAMAGED', { file: 'vault.db' });
  if (found !== undefined) {
    for (const [name, value] of [
      ['vault', found],
      ['custodian', custodian],
    ] as const) {
      const both = await Promise.all([keyMeta.get(name), vaultMeta.get(name)]);
      if (both.some((one) => one !== value))
        throw reject('VAULT_DAMAGED', { file: 'keys.db', reason: 'not of this vault' });
    }
    const formats = await Promise.all([keyMeta.get('format'), vaultMeta.get('format')]);
    if (formats[1] === OLD_FORMAT && (formats[0] === OLD_FORMAT || formats[0] === FORMAT)) {
      await upgradeTables(vault, createRowMac(deriveKey(rootKey, 'aceso/vault/row-mac/1', utf8(custodian))));
      // The vault's last: as long as it says that it is of the old format, the upgrade is not over.
      await keys.write([keyMeta.set('format', FORMAT)]);
      await vault.write([vaultMeta.set('format', FORMAT)]);
    } else if (formats.some((one) => one !== FORMAT)) throw reject('VAULT_FORMAT_OTHER', { expected: FORMAT });
    await dropOldTables(vault);
  }
  await keys.execute(keyTableQueries(keys.dialect));
  await vault.execute(vaultTableQueries(vault.dialect));
  if (found !== undefined) return;
  const made = id ?? bytesToHex(randomBytes(16));
  for (const [connection, meta] of [
    [keys, keyMeta],
    [vault, vaultMeta],
  ] as const) {
    const rows = { format: FORMAT, custodian, vault: made };
    await connection.write(Object.entries(rows).map(([name, value]) => meta.set(name, value)));
  }
}
