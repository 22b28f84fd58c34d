import { sql } from 'kysely';
import { reject } from '../codes.ts';
import type { Connection } from '../database/connection.ts';
import type { Scope } from './index-hash.ts';
import type { Criterion } from './index-query.ts';
import { QUERIES, readAs } from './sql-dialect.ts';

/** Most accounts whose protected index one query tries, for each type that it names. */
export const MAX_PROTECTED_ACCOUNTS = 1000;

/** The keys that an index is under. */
export interface IndexKeys {
  /** The custodian's generations in use, the one that is written under first. */
  custodian(): readonly Scope[];
  /** An account's own; undefined when the account is not known. */
  account(account: string): Promise<Scope | undefined>;
}

/** Keys that a query for a type has to try. */
export interface Scopes {
  readonly shared: readonly Scope[];
  readonly own: readonly Scope[];
}

/** Which accounts have protected resources of which type, so that a query tries no key in vain. */
export interface ScopeFinder {
  /**
   * Scopes for resources of a type that meet all `criteria`. Rejects TOO_COSTLY when more than 1,000 accounts have
   * protected ones and no criterion says whose are asked for.
   */
  scopesOf(type: string, criteria: readonly Criterion[]): Promise<Scopes>;
  /** Scopes of resources of some accounts. */
  scopesFor(accounts: readonly string[]): Promise<Scopes>;
  /** To be called when protected resources came or went, once that is durable. */
  forget(): void;
  /** Another one whenever the scopes that were given may not be all any more. */
  stamp(): string;
}

export function createScopeFinder(connection: Connection, keys: IndexKeys): ScopeFinder {
  const { dialect } = connection;
  let known = new Map<string, ReadonlySet<string>>();
  let forgotten = 0;

  async function accountsOf(type: string): Promise<ReadonlySet<string>> {
    const found = known.get(type);
    if (found !== undefined) return found;
    const before = known;
    const query = sql<{
      account: string | Uint8Array;
    }>`select distinct ${readAs(dialect, sql`account`, 'text', 'account')}
      from resource where type = ${type} and protected = 1 limit ${MAX_PROTECTED_ACCOUNTS + 1}`;
    const rows = await connection.all(query.compile(QUERIES[dialect]));
    const accounts = new Set(rows.map((row) => textOf(row.account)));
    // Whoever forgets makes a new map, so that what was read before a commit is not remembered after it.
    if (known === before && known.size < 200) known.set(type, accounts);
    return accounts;
  }

  async function scopesFor(accounts: Iterable<string>): Promise<Scopes> {
    const own: Scope[] = [];
    for (const account of accounts) {
      const scope = await keys.account(account);
      if (scope !== undefined) own.push(scope);
    }
    return { shared: keys.custodian(), own };
  }

  return {
    async scopesOf(type, criteria) {
      const all = await accountsOf(type);
      const named = namedAccounts(criteria);
      let wanted: Iterable<string> = all;
      if (all.size > MAX_PROTECTED_ACCOUNTS) {
        // The list is cut, so those who are named are asked for by themselves.
        if (named === undefined || named.size > MAX_PROTECTED_ACCOUNTS)
          throw reject('TOO_COSTLY', { maxAccounts: MAX_PROTECTED_ACCOUNTS });
        wanted = named;
      } else if (named !== undefined) wanted = [...all].filter((account) => named.has(account));
      return scopesFor(wanted);
    },
    scopesFor: (accounts) => scopesFor(new Set(accounts)),
    forget() {
      known = new Map();
      forgotten += 1;
    },
    stamp: () => `${keys.custodian()[0]?.id} ${forgotten}`,
  };
}

/** Accounts that the criteria narrow to; undefined when they do not. */
function namedAccounts(criteria: readonly Criterion[]): ReadonlySet<string> | undefined {
  const lists = criteria.flatMap((criterion) => (criterion.kind === 'account' ? [criterion.accounts] : []));
  return lists.length === 0 ? undefined : new Set(lists.reduce((a, b) => a.filter((account) => b.includes(account))));
}

/** A text as SQLite gives it, read as bytes, or as PostgreSQL does. */
export function textOf(value: string | Uint8Array): string {
  return typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8');
}
