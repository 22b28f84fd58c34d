import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CompiledQuery, sql } from 'kysely';
import { ROOT_KEY, testFolder } from '../../test/support/test-vault.ts';
import type { Connection } from './database/connection.ts';
import { openSqlite } from './database/sqlite.ts';
import { createDocumentTable } from './document-table.ts';
import { createErasure } from './erasure.ts';
import { createIndexHash } from './index/index-hash.ts';
import { createIndexWriter } from './index/index-writer.ts';
import { createTextSeals } from './index/sealed-texts.ts';
import { createJournalLog } from './journal-log.ts';
import { createJournalTable } from './journal-table.ts';
import { keyTableQueries } from './key-schema.ts';
import { createKeyStore } from './key-store.ts';
import { createMetaTable, metaTableQuery } from './meta-table.ts';
import { createRowMac } from './row-mac.ts';
import { vaultQueries, vaultTableQueries } from './vault-schema.ts';
import { createVersionStore } from './version-table.ts';

/** Tables that are read whole, since they hold a handful of rows at most. */
const SMALL = /^SCAN (erasing|unswept|unsettled|u)$/;
/** A list that was given as one value. */
const GIVEN = /^(LIST SUBQUERY|CO-ROUTINE|MATERIALIZE|SETUP|RECURSIVE STEP|SCAN (n|given|CONSTANT ROW)|SCAN c(hain)?$)/;
/** The versions of one page, put in order. */
const PAGE_SORTED = /^with recursive chain/;
/** Counts every key, for a scrub. */
const COUNT = /^select count\(\*\)/;

test('no query scans a table or sorts: each walks a key or an index', async (t) => {
  const folder = testFolder(t);
  const open = async (file: string, tables: readonly CompiledQuery<unknown>[]) => {
    const connection = await openSqlite(join(folder, file), { key: 'aa', cacheBytes: 1_000_000 });
    await connection.execute([metaTableQuery('sqlite'), ...tables]);
    const queries: CompiledQuery<unknown>[] = [];
    const prepare: Connection['prepare'] = (query) => {
      queries.push(query);
      return connection.prepare(query);
    };
    return { connection, queries, recording: { ...connection, prepare } };
  };
  const vault = await open('vault.db', vaultTableQueries('sqlite'));
  const keys = await open('keys.db', keyTableQueries('sqlite'));
  const mac = createRowMac(ROOT_KEY);
  const keyStore = await createKeyStore(keys.recording, ROOT_KEY);
  createMetaTable(keys.recording);
  const versions = createVersionStore(vault.recording, mac);
  await createJournalLog(vault.recording, createJournalTable(vault.recording, mac), mac);
  createDocumentTable(vault.recording, ROOT_KEY);
  const indexWriter = createIndexWriter(vault.recording, createIndexHash(), createTextSeals());
  const parts = { versions, indexWriter, keyStore, reader: undefined as never, forget: () => {} };
  createErasure({ ...parts, vault: vault.recording, keys: keys.recording });
  let seen = 0;
  for (const { connection, queries } of [vault, keys]) {
    for (const query of queries) {
      if (/^\s*insert/.test(query.sql) || COUNT.test(query.sql)) continue;
      const text = `explain query plan ${query.sql.replaceAll('?', '0')}`;
      for (const { detail } of await connection.all(
        sql.raw<{ detail: string }>(text).compile(vaultQueries('sqlite')),
      )) {
        if (SMALL.test(detail) || GIVEN.test(detail)) continue;
        if (PAGE_SORTED.test(query.sql) && detail === 'USE TEMP B-TREE FOR ORDER BY') continue;
        // Without a condition, the last row of a table in key order is read by SCAN with a limit of one.
        const isLast = query.sql.includes(' desc limit 1') && detail.startsWith('SCAN');
        assert.ok(isLast || detail.startsWith('SEARCH'), `${query.sql}: ${detail}`);
        seen += 1;
      }
    }
    await connection.close();
  }
  assert.ok(seen > 20);
});
