import { sql } from 'kysely';
import { reject } from './codes.ts';
import { currentOf } from './current-version.ts';
import { cursorToInteger, keyToCursor, pageRows } from './cursor.ts';
import type { Connection } from './database/connection.ts';
import type { IndexHash, Scope } from './index/index-hash.ts';
import { QUERIES } from './index/sql-dialect.ts';
import type { KeyStore } from './key-store.ts';
import type { PageOf, SearchOptions, SearchToken, VersionRow } from './vault.ts';
import type { VersionReader } from './version-reader.ts';
import type { VersionStore } from './version-table.ts';

/** Most accounts whose protected index one search tries. */
export const MAX_SEARCH_ACCOUNTS = 1000;

const LIST = 'search';

/** What a search stands on. */
export interface SearchParts {
  readonly vault: Connection;
  readonly versions: VersionStore;
  readonly keyStore: KeyStore;
  readonly reader: VersionReader;
  readonly hash: IndexHash;
  readonly index: { scope(): Scope };
}

/** See `Vault.search`. */
export async function search(
  parts: SearchParts,
  type: string,
  tokens: readonly SearchToken[],
  options: SearchOptions,
): Promise<PageOf<VersionRow>> {
  const limit = pageRows(options.limit);
  const after = cursorToInteger(LIST, options.after, -1);
  const scopes = await scopesOf(parts, options);
  const hits = await Promise.all(scopes.map((scope) => hitsOf(parts, scope, type, tokens, options, after, limit + 1)));
  const rids = [...new Map(hits.flat().map((hit) => [hit.rid, hit])).values()].sort((a, b) => a.rid - b.rid);
  const page = rids.slice(0, limit);
  const rows = await Promise.all(
    page.map(async ({ id }) => {
      const resource = await parts.versions.resource(type, id);
      if (resource === undefined) throw reject('VAULT_DAMAGED', { table: 'resource' });
      return currentOf(parts, resource);
    }),
  );
  const last = page.at(-1);
  return rids.length > limit && last !== undefined ? { rows, next: keyToCursor(LIST, String(last.rid)) } : { rows };
}

async function scopesOf({ keyStore, index }: SearchParts, { account, accounts = [] }: SearchOptions): Promise<Scope[]> {
  if (accounts.length > MAX_SEARCH_ACCOUNTS) {
    throw reject('TOO_COSTLY', { accounts: accounts.length, maxAccounts: MAX_SEARCH_ACCOUNTS });
  }
  const named = [...new Set(account === undefined ? accounts : [account])];
  const keys = await Promise.all(named.map((one) => keyStore.account(one)));
  const own = keys.flatMap((known, at) => (known === undefined ? [] : [{ id: named[at] as string, key: known.index }]));
  return [index.scope(), ...own];
}

async function hitsOf(
  { vault, hash }: SearchParts,
  scope: Scope,
  type: string,
  tokens: readonly SearchToken[],
  { account }: SearchOptions,
  after: number,
  limit: number,
): Promise<readonly { rid: number; id: string }[]> {
  const { dialect } = vault;
  const id = dialect === 'sqlite' ? sql`cast(r.id as blob)` : sql`r.id`;
  const held = tokens.map(
    ({ parameter, value }) =>
      sql`and r.rid in (select rid from token where token = ${hash(scope, 'token', type, parameter, value)})`,
  );
  const query = sql<{ rid: number; id: string }>`select r.rid as rid, ${id} as id from resource r
    where r.type = ${type} and r.rid > ${after} and r.live = 1
    ${account === undefined ? sql`` : sql`and r.account = ${account}`} ${sql.join(held, sql` `)}
    order by r.rid limit ${limit}`;
  return vault.all(query.compile(QUERIES[dialect]));
}
