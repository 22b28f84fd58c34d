import { existsSync } from 'node:fs';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from '#crypto/platform';
import { deriveKey } from '../crypto/node/derive-key.ts';
import { bytesToHex } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { reject } from './codes.ts';
import { type Connection, openDatabase } from './database.ts';
import { createKeyTables } from './key-schema.ts';
import { createMetaTable } from './meta-table.ts';
import { createVaultTables } from './vault-schema.ts';

const FORMAT = 'aceso.vault/1';
const CHECK_FILE = 'key-check';
const VAULT_CACHE_BYTES = 32 * 1024 * 1024;
const KEYS_CACHE_BYTES = 8 * 1024 * 1024;

/** The two files of a vault, open and of one kind. */
export interface Databases {
  readonly vault: Connection;
  readonly keys: Connection;
  close(): void;
}

/**
 * Opens the vault of a folder, or makes it. Throws Reject VAULT_IN_USE, VAULT_KEY_WRONG, VAULT_DAMAGED: also when one
 * of the files is missing or belongs to another vault, and none is ever made anew beside one that holds something.
 */
export async function openDatabases(options: {
  folder: string;
  custodian: string;
  rootKey: Uint8Array;
  maxBytes?: number;
}): Promise<Databases> {
  const { folder, rootKey, maxBytes } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkKey(folder, rootKey);
  const pageKey = (file: string) =>
    bytesToHex(deriveKey(rootKey, 'aceso/vault/pages/1', new TextEncoder().encode(file)));
  const hadVault = existsSync(join(folder, 'vault.db'));
  // The key store first: its lock is the folder's.
  const keys = openChecked(folder, 'keys.db', { key: pageKey('keys.db'), cacheBytes: KEYS_CACHE_BYTES });
  try {
    const limit = maxBytes === undefined ? {} : { maxBytes };
    const vault = openChecked(folder, 'vault.db', {
      key: pageKey('vault.db'),
      cacheBytes: VAULT_CACHE_BYTES,
      ...limit,
    });
    try {
      agree(keys, vault, options.custodian, hadVault);
    } catch (error) {
      vault.close();
      throw error;
    }
    return {
      vault,
      keys,
      close() {
        vault.close();
        keys.close();
      },
    };
  } catch (error) {
    keys.close();
    throw error;
  }
}

function openChecked(
  folder: string,
  file: string,
  options: { key: string; cacheBytes: number; maxBytes?: number },
): Connection {
  try {
    return openDatabase(join(folder, file), options);
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
 * Makes the tables of a new vault, or checks that both files are of one. The key store is complete before the vault's
 * first row, so a vault that says what it is has its key store, and a key store with keys has had its vault.
 */
function agree(keys: Connection, vault: Connection, custodian: string, hadVault: boolean): void {
  for (const [connection, create] of [
    [keys, createKeyTables],
    [vault, createVaultTables],
  ] as const) {
    connection.begin();
    create(connection);
    connection.commit();
  }
  const [keyMeta, vaultMeta] = [createMetaTable(keys), createMetaTable(vault)];
  const id = keyMeta.get('vault');
  const found = vaultMeta.get('vault');
  if (id === undefined && found !== undefined) throw reject('VAULT_DAMAGED', { file: 'keys.db' });
  if (found === undefined && id !== undefined && !hadVault) throw reject('VAULT_DAMAGED', { file: 'vault.db' });
  if (found !== undefined) {
    const same = found === id && vaultMeta.get('custodian') === custodian && keyMeta.get('custodian') === custodian;
    if (!same || vaultMeta.get('format') !== FORMAT || keyMeta.get('format') !== FORMAT) {
      throw reject('VAULT_DAMAGED', { file: 'keys.db', reason: 'not of this vault' });
    }
    return;
  }
  const made = id ?? bytesToHex(randomBytes(16));
  for (const [connection, meta] of [
    [keys, keyMeta],
    [vault, vaultMeta],
  ] as const) {
    connection.begin();
    for (const [name, value] of [
      ['format', FORMAT],
      ['custodian', custodian],
      ['vault', made],
    ] as const)
      meta.set(name, value);
    connection.commit();
  }
}
