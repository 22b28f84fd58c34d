import { join } from 'node:path';
import { sql } from 'kysely';
import { deriveKey } from '../../crypto/node/derive-key.ts';
import { bytesToHex, utf8 } from '../../std/bytes.ts';
import type { Connection } from '../database/connection.ts';
import { openSqlite } from '../database/sqlite.ts';
import { QUERIES } from '../index/sql-dialect.ts';
import { keyTableQueries } from '../key-schema.ts';
import { metaTableQuery } from '../meta-table.ts';
import { type OpenOptions, openKeys, openVault } from '../open-databases.ts';
import { vaultTableQueries } from '../vault-schema.ts';
import { reject } from './codes.ts';
import type { DatabasePart } from './copy-database.ts';
import { dumpRows } from './dump-rows.ts';
import { loadRows } from './load-rows.ts';
import { tablesOf } from './table-catalogue.ts';

/**
 * Makes a database of a vault from rows: the one that `options` name, which must hold nothing. What it says of itself is
 * written last, and a PostgreSQL schema that could not be filled is dropped again. Rejects with BACKUP_TARGET_TAKEN,
 * BACKUP_ROWS_DAMAGED, and what opening a database rejects with.
 */
export async function fillDatabase(
  part: DatabasePart,
  options: OpenOptions,
  rows: AsyncIterable<Uint8Array>,
  onRows?: (count: number) => void,
): Promise<number> {
  const connection = await (part === 'keys' ? openKeys(options) : openVault(options));
  try {
    const schema = `${part}_${options.custodian}`;
    if ((await tablesOf(connection)).length > 0) throw reject('BACKUP_TARGET_TAKEN', { schema });
    try {
      const { dialect } = connection;
      const tables = part === 'keys' ? keyTableQueries(dialect) : vaultTableQueries(dialect);
      await connection.execute([metaTableQuery(dialect), ...tables]);
      return await loadRows(connection, rows, onRows);
    } catch (error) {
      await dropSchema(connection, schema);
      throw error;
    }
  } finally {
    await connection.close();
  }
}

/** Takes a PostgreSQL schema away that `fillDatabase` filled. */
export async function dropDatabase(part: DatabasePart, options: OpenOptions): Promise<void> {
  const connection = await (part === 'keys' ? openKeys(options) : openVault(options));
  try {
    await dropSchema(connection, `${part}_${options.custodian}`);
  } finally {
    await connection.close();
  }
}

async function dropSchema(connection: Connection, schema: string): Promise<void> {
  if (connection.dialect === 'sqlite') return;
  await connection.execute([sql`drop schema ${sql.ref(schema)} cascade`.compile(QUERIES.postgres)]).catch(() => {});
}

/** Rows of a SQLite copy that nobody has open, for a database of the other kind. */
export async function* rowsOfFile(folder: string, part: DatabasePart, rootKey: Uint8Array): AsyncGenerator<Uint8Array> {
  const file = `${part}.db`;
  const key = bytesToHex(deriveKey(rootKey, 'aceso/vault/pages/1', utf8(file)));
  const connection = await openSqlite(join(folder, file), { key, cacheBytes: 8 * 1024 * 1024 });
  try {
    yield* dumpRows(connection);
  } finally {
    await connection.close();
  }
}
