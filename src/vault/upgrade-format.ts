import { sql } from 'kysely';
import { reject } from './codes.ts';
import type { Connection } from './database/connection.ts';
import { QUERIES, readAs } from './index/sql-dialect.ts';
import { createMetaTable } from './meta-table.ts';
import type { RowMac } from './row-mac.ts';
import { UNINDEXED_ROW } from './vault-index.ts';
import { vaultTableQueries } from './vault-schema.ts';
import { createVersionStore } from './version-table.ts';

/** The format before this one: SQLite only, resources without numbers, tokens by id. */
export const OLD_FORMAT = 'aceso.vault/1';

const PAGE = 500;
/** The table of resources as it was, until all of them have numbers. */
const OLD_RESOURCES = 'resource_v1';

interface OldResource {
  readonly account: string;
  readonly version: number;
  readonly position: number;
  readonly tokens: Uint8Array;
  readonly mac: Uint8Array;
}

/**
 * Brings a vault of the old format to this one: the tables are made, resources are numbered in the order of their first
 * writing, and none is indexed until `reindex` has run. After a crash the next start does it again from its first step
 * that is not done: numbers come out the same. Writes nothing but vault.db; the caller notes the new format.
 * Throws Reject VAULT_DAMAGED for rows that the vault did not write.
 */
export async function upgradeTables(vault: Connection, mac: RowMac): Promise<void> {
  if (vault.dialect !== 'sqlite') throw reject('VAULT_DAMAGED', { reason: 'no such format' });
  if (!(await hasOldResources(vault))) {
    const statements = [sql`alter table resource rename to ${sql.ref(OLD_RESOURCES)}`, sql`drop table token`];
    const queries = statements.map((one) => one.compile(QUERIES.sqlite));
    await vault.execute([...queries, ...vaultTableQueries('sqlite')]);
  }
  const { numbered, live } = await numberResources(vault, mac);
  const count = sql<{ count: number }>`select count(*) as count from ${sql.ref(OLD_RESOURCES)}`;
  const [old] = await vault.all(count.compile(QUERIES.sqlite));
  if (old?.count !== numbered) throw reject('VAULT_DAMAGED', { table: 'resource' });
  if (live > 0) await vault.write([createMetaTable(vault).set(UNINDEXED_ROW, String(live))]);
}

/** What the upgrade leaves behind, once the new format is noted. */
export async function dropOldTables(vault: Connection): Promise<void> {
  if (vault.dialect !== 'sqlite' || !(await hasOldResources(vault))) return;
  await vault.execute([sql`drop table ${sql.ref(OLD_RESOURCES)}`.compile(QUERIES.sqlite)]);
}

async function hasOldResources(vault: Connection): Promise<boolean> {
  const query = sql<{ count: number }>`select count(*) as count from sqlite_schema where name = ${OLD_RESOURCES}`;
  return (await vault.all(query.compile(QUERIES.sqlite)))[0]?.count === 1;
}

async function numberResources(vault: Connection, mac: RowMac): Promise<{ numbered: number; live: number }> {
  const versions = createVersionStore(vault, mac);
  let [numbered, live, last] = [0, 0, -1];
  for (;;) {
    const page = sql<{ position: number }>`select ${readAs('sqlite', sql`position`, 'integer', 'position')} from version
      where before = -1 and version.position > ${last} order by version.position limit ${PAGE}`;
    const firsts = await vault.all(page.compile(QUERIES.sqlite));
    if (firsts.length === 0) return { numbered, live };
    const rows = await Promise.all(firsts.map(({ position }) => currentOfFirst(vault, mac, versions, position)));
    const changes = rows.map((row, at) => versions.putResource({ ...row, rid: numbered + at + 1 }));
    await vault.write(changes);
    numbered += rows.length;
    live += rows.filter((row) => row.live).length;
    last = firsts.at(-1)?.position ?? last;
  }
}

/** The row of the resource whose first version is at a position. */
async function currentOfFirst(
  vault: Connection,
  mac: RowMac,
  versions: ReturnType<typeof createVersionStore>,
  first: number,
) {
  const damage = () => reject('VAULT_DAMAGED', { table: 'resource' });
  const { type, id } = (await versions.versionAt(first))?.row ?? {};
  if (type === undefined || id === undefined) throw damage();
  const column = (name: string, as: 'text' | 'bytes' | 'integer') => readAs('sqlite', sql.ref(name), as, name);
  const columns = [
    ...[column('account', 'text'), column('version', 'integer'), column('position', 'integer')],
    ...[column('tokens', 'bytes'), column('mac', 'bytes')],
  ];
  const query = sql<OldResource>`select ${sql.join(columns)} from ${sql.ref(OLD_RESOURCES)}
    where type = ${type} and id = ${id}`;
  const [old] = await vault.all(query.compile(QUERIES.sqlite));
  if (old === undefined) throw damage();
  const { account, version, position } = old;
  mac.check(old.mac, 'resource', [type, id, account, version, position], old.tokens);
  const current = (await versions.versionAt(position))?.row;
  if (current?.type !== type || current.id !== id || current.version !== version) throw damage();
  const nothing = { protected: false, indexKey: 0, indexFormat: 0, digest: new Uint8Array(0) };
  return { type, id, account, version, position, live: !current.deleted && !current.erased, ...nothing };
}
