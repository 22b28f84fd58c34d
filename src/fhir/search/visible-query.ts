import type { SortKey } from '../../vault/index/index-query.ts';
import type { VersionRow } from '../../vault/vault.ts';
import type { ParsedResource } from '../patient-account.ts';
import type { SearchClause } from './search-clause.ts';

/** A version that the caller may see and that was asked for. */
export interface VisibleMatch {
  readonly row: VersionRow;
  /** Where it stands in the order, to go on after. */
  readonly cursor: () => string;
}

export interface VisibleQuery {
  readonly type: string;
  readonly clauses: readonly SearchClause[];
  readonly sort: readonly SortKey[];
  /** Most matches wanted. */
  readonly count: number;
  readonly after?: string;
  /** What pages of this search have in common: its parameters. Chains and `ap` lead to other criteria on each page. */
  readonly boundTo?: string;
  /** Whether there is any is all that matters: `count` is 1, and `more` is not looked for. */
  readonly isExistence?: true;
}

export interface VisibleMatches {
  readonly matches: readonly VisibleMatch[];
  /** True when the caller may see more than these. */
  readonly more: boolean;
}

/** What the resolution of chains needs of the search that they are part of. */
export interface InnerSearch {
  find(query: VisibleQuery): Promise<VisibleMatches>;
  /** The resource of a version, for what the index does not decide. Counts against the limit of opened versions. */
  parsed(row: VersionRow): Promise<ParsedResource>;
  /** Versions that decide what is found. */
  reveal(rows: readonly VersionRow[]): void;
}
