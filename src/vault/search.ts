import { reject } from './codes.ts';
import { cursorToKey, keyToCursor, pageRows } from './cursor.ts';
import type { KeyStore } from './key-store.ts';
import { ACCOUNT_PARAMETER, holdsToken, searchToken, type TokenIndex } from './token-index.ts';
import type { PageOf, SearchOptions, SearchToken, VersionRow } from './vault.ts';
import type { VersionReader } from './version-reader.ts';
import type { ResourceRow, VersionStore } from './version-table.ts';

/** Most accounts whose protected index one search tries. */
export const MAX_SEARCH_ACCOUNTS = 1000;

const LIST = 'search';

/** What a search stands on. */
export interface SearchParts {
  readonly versions: VersionStore;
  readonly tokens: TokenIndex;
  readonly keyStore: KeyStore;
  readonly reader: VersionReader;
  readonly indexKey: Uint8Array;
}

/** See `Vault.search`. */
export function search(
  parts: SearchParts,
  type: string,
  tokens: readonly SearchToken[],
  options: SearchOptions,
): PageOf<VersionRow> {
  const limit = pageRows(options.limit);
  const after = options.after === undefined ? '' : cursorToKey(LIST, options.after);
  const { account } = options;
  const wanted = account === undefined ? tokens : [...tokens, { parameter: ACCOUNT_PARAMETER, value: account }];
  const rows =
    wanted.length === 0
      ? listType(parts, type, after, limit + 1)
      : searchScopes(parts, type, wanted, indexKeys(parts, options), after, limit + 1);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return rows.length > limit && last !== undefined ? { rows: page, next: keyToCursor(LIST, last.id) } : { rows: page };
}

/** Index keys to try: the custodian's, and those of the accounts whose sensitive versions are asked for. */
function indexKeys({ keyStore, indexKey }: SearchParts, { account, accounts = [] }: SearchOptions): Uint8Array[] {
  if (accounts.length > MAX_SEARCH_ACCOUNTS) {
    throw reject('TOO_COSTLY', { accounts: accounts.length, maxAccounts: MAX_SEARCH_ACCOUNTS });
  }
  const keys = [indexKey];
  for (const one of new Set(account === undefined ? accounts : [account])) {
    const known = keyStore.account(one);
    if (known !== undefined) keys.push(known.index);
  }
  return keys;
}

/** A version is under one key with all its tokens, so each key is tried by itself and the ids are merged. */
function searchScopes(
  parts: SearchParts,
  type: string,
  wanted: readonly SearchToken[],
  keys: readonly Uint8Array[],
  after: string,
  limit: number,
): VersionRow[] {
  const hits = new Map<string, readonly Uint8Array[]>();
  for (const key of keys) {
    const hashed = wanted.map((token) => searchToken(key, type, token));
    for (const id of parts.tokens.idsWithAll(hashed, after, limit)) hits.set(id, hashed);
  }
  const ids = [...hits.keys()].sort((a, b) => (a < b ? -1 : 1)).slice(0, limit);
  return ids.map((id) => {
    const resource = parts.versions.resource(type, id);
    const isHit = resource !== undefined && hits.get(id)?.every((token) => holdsToken(resource.tokens, token));
    if (!isHit) throw reject('VAULT_DAMAGED', { table: 'token' });
    return currentOf(parts, resource);
  });
}

function listType(parts: SearchParts, type: string, after: string, limit: number): VersionRow[] {
  const rows: VersionRow[] = [];
  let from = after;
  for (;;) {
    const resources = parts.versions.resourcesAfter(type, from, limit);
    for (const resource of resources) {
      const row = currentOf(parts, resource);
      // An erased one is still listed: its tombstone says so, and hiding it would tell that it once was there.
      if (!row.deleted) rows.push(row);
      if (rows.length === limit) return rows;
      from = resource.id;
    }
    if (resources.length < limit) return rows;
  }
}

/** Row of a resource's current version. Throws Reject VAULT_DAMAGED when it is not there. */
export function currentOf(
  { versions, reader }: Pick<SearchParts, 'versions' | 'reader'>,
  resource: ResourceRow,
): VersionRow {
  const version = versions.versionAt(resource.position);
  if (version === undefined || version.row.version !== resource.version)
    throw reject('VAULT_DAMAGED', { table: 'version' });
  return reader.remember(version);
}
