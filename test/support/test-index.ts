import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sql } from 'kysely';
import type { Connection } from '../../src/vault/database/connection.ts';
import { openPostgres } from '../../src/vault/database/postgres.ts';
import { openSqlite } from '../../src/vault/database/sqlite.ts';
import { createFinder, type Finder } from '../../src/vault/index/find.ts';
import { type IndexEntries, NO_ENTRIES } from '../../src/vault/index/index-entries.ts';
import { createIndexHash, type Scope } from '../../src/vault/index/index-hash.ts';
import type { IndexQuery } from '../../src/vault/index/index-query.ts';
import { indexTableQueries } from '../../src/vault/index/index-schema.ts';
import { createIndexWriter, type IndexWriter } from '../../src/vault/index/index-writer.ts';
import { createTextSeals } from '../../src/vault/index/sealed-texts.ts';
import { QUERIES } from '../../src/vault/index/sql-dialect.ts';
import type { VersionRow } from '../../src/vault/vault.ts';
import { sharedPostgres, withoutPostgres } from './test-postgres.ts';

/** Support for the tests of the index: an index over resources without content, on either database. */
export interface TestResource {
  readonly type: string;
  readonly id: string;
  readonly account: string;
  readonly sensitive: boolean;
  readonly entries: IndexEntries;
}

export interface TestIndex {
  readonly connection: Connection;
  finder: Finder;
  readonly writer: IndexWriter;
  /** Generations of the custodian's key, the one that is written under first; to be changed by a test. */
  readonly generations: { list: Scope[] };
  put(...resources: TestResource[]): Promise<void>;
  remove(type: string, id: string): Promise<void>;
  /** Another finder over the same index; sets of `smallSet` resources and more are walked, and the texts of so many resources opened. */
  finderOf(smallSet: number, maxCandidates?: number): Finder;
  /** Everything goes; sets of `smallSet` resources and more are walked from now on. */
  clear(smallSet?: number): Promise<void>;
  /** `Type/id` of the hits. */
  ids(query: Partial<IndexQuery> & { type: string }): Promise<string[]>;
  /** The version that a resource is at. */
  rowOf(type: string, id: string): VersionRow;
}

export const generation = (number: number): Scope => ({ id: `g${number}`, key: new Uint8Array(32).fill(number) });

export async function sqliteConnection(t: TestContext): Promise<Connection> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-index-'));
  const connection = await openSqlite(join(folder, 'index.db'), { key: 'ab'.repeat(32), cacheBytes: 8_000_000 });
  t.after(async () => {
    await connection.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return connection;
}

/** `settings`: of the server's sessions, as `-c name=value`. */
export async function postgresConnection(t: TestContext, settings = ''): Promise<Connection> {
  const made = await (await sharedPostgres()).createDatabase();
  const url = `${made}${made.includes('?') ? '&' : '?'}options=${encodeURIComponent(settings)}`;
  const connection = await openPostgres({ url, schema: 'index_test', overwritten: [] });
  t.after(() => connection.close());
  return connection;
}

/** What tests of both databases are run over. */
export const DATABASES: readonly {
  readonly name: string;
  readonly skip: string | false;
  readonly open: (t: TestContext, settings?: string) => Promise<Connection>;
}[] = [
  { name: 'SQLite', skip: false, open: sqliteConnection },
  { name: 'PostgreSQL', skip: withoutPostgres, open: postgresConnection },
];

export async function testIndex(connection: Connection): Promise<TestIndex> {
  const { dialect } = connection;
  const { integer, text, bytes } =
    dialect === 'sqlite'
      ? { integer: sql`integer`, text: sql`text`, bytes: sql`blob` }
      : { integer: sql`bigint`, text: sql`text`, bytes: sql`bytea` };
  const versions = sql`create table if not exists version (position ${integer} primary key, before ${integer}, type ${text},
    id ${text}, version ${integer}, account ${text}, action ${text}, time_ms ${integer}, author ${text}, previous ${bytes},
    leaf ${bytes}, blob ${bytes}, key_id ${integer}, labels ${text}, categories ${text}, erased ${integer}, mac ${bytes})`;
  await connection.execute([...indexTableQueries(dialect), versions.compile(QUERIES[dialect])]);
  const prepare = (statement: ReturnType<typeof sql>) => connection.prepare(statement.compile(QUERIES[dialect]));
  const addVersion = prepare(sql`insert into version (position, before, type, id, version, account, action, time_ms,
    author, previous, leaf, blob, key_id, labels, categories, erased, mac) values (${0}, -1, ${0}, ${0}, ${0}, ${0}, 'create', 0,
    '', ${0}, ${0}, ${0}, 0, '[]', '[]', 0, ${0})`);
  const putResource =
    prepare(sql`insert into resource (rid, type, id, account, version, position, live, protected, index_key,
    index_format, digest, mac) values (${0}, ${0}, ${0}, ${0}, ${0}, ${0}, ${0}, ${0}, 1, 1, ${0}, ${0}) on conflict (rid)
    do update set version = excluded.version, position = excluded.position, live = excluded.live,
    protected = excluded.protected, digest = excluded.digest`);
  const hash = createIndexHash();
  const seals = createTextSeals();
  const writer = createIndexWriter(connection, hash, seals);
  const own = (account: string): Scope => ({
    id: account,
    key: new Uint8Array(32).fill(account.length).map((b, i) => b ^ (account.charCodeAt(i % account.length) + i)),
  });
  const rids = new Map<string, { rid: number; version: number; position: number; account: string }>();
  const generations = { list: [generation(1)] };
  let position = 0;
  const none = new Uint8Array(0);

  function newFinder(smallSet = 1000, maxCandidates = 20_000): Finder {
    return createFinder({
      ...{ connection, hash, seals, smallSet, maxCandidates, cursorKey: new Uint8Array(32).fill(9) },
      keys: { custodian: () => generations.list, account: async (account) => own(account) },
      check: ({ position: at, ...row }) => {
        const { type, id, version, account } = row as unknown as VersionRow;
        return { type, id, version, account, generation: 0, journalIndex: at } as VersionRow;
      },
    });
  }

  const index: TestIndex = {
    connection,
    writer,
    generations,
    finder: newFinder(),
    finderOf: newFinder,
    async put(...resources) {
      const changes = [];
      const placed = resources.map((resource) => {
        const name = `${resource.type}/${resource.id}`;
        const known = rids.get(name);
        position += 1;
        const state = {
          rid: known?.rid ?? rids.size + 1,
          version: (known?.version ?? 0) + 1,
          position,
          account: resource.account,
        };
        rids.set(name, state);
        return { ...resource, ...state };
      });
      for (const { rid, type, id, account, version, position: at, sensitive, entries } of placed) {
        const scope = sensitive ? own(account) : (generations.list[0] as Scope);
        const before = await writer.packedOf({ type, id });
        const ridOf = (ofType: string, ofId: string) => rids.get(`${ofType}/${ofId}`)?.rid;
        const plan = writer.plan({ rid, type, scope, entries, ridOf }, before);
        changes.push(addVersion.change(at, type, id, version, account, none, none, none, none));
        const isOwn = sensitive ? 1 : 0;
        changes.push(putResource.change(rid, type, id, account, version, at, 1, isOwn, plan.digest, none));
        changes.push(...plan.changes);
      }
      await connection.write(changes);
      index.finder.scopes.forget();
    },
    async remove(type, id) {
      const state = rids.get(`${type}/${id}`);
      if (state === undefined) throw new Error('no such resource');
      const { rid, account, version } = state;
      position += 1;
      const plan = writer.planRemoval(rid, await writer.packedOf({ type, id }));
      await connection.write([
        addVersion.change(position, type, id, version + 1, account, none, none, none, none),
        putResource.change(rid, type, id, account, version + 1, position, 0, 0, plan.digest, none),
        ...plan.changes,
      ]);
      rids.set(`${type}/${id}`, { ...state, version: version + 1, position });
      index.finder.scopes.forget();
    },
    async clear(smallSet) {
      const tables = ['version', 'resource', 'token', 'ordinal', 'link', 'indexed'];
      await connection.execute(tables.map((table) => sql`delete from ${sql.ref(table)}`.compile(QUERIES[dialect])));
      rids.clear();
      // A number is never given to another resource but here.
      index.finder = newFinder(smallSet);
    },
    async ids(query) {
      const { hits } = await index.finder.find({ criteria: [], sort: [], limit: 1000, ...query });
      return hits.map(({ row }) => row.id);
    },
    rowOf(type, id) {
      const {
        rid: _,
        position: journalIndex,
        ...state
      } = rids.get(`${type}/${id}`) as never as { rid: number; position: number };
      return { type, id, generation: 0, journalIndex, ...state } as never as VersionRow;
    },
  };
  return index;
}

/** A resource of Alice's that is not sensitive. */
export function resource(id: string, entries: Partial<IndexEntries>, more: Partial<TestResource> = {}): TestResource {
  return {
    type: 'Observation',
    id,
    account: 'alice',
    sensitive: false,
    ...more,
    entries: { ...NO_ENTRIES, ...entries },
  };
}
