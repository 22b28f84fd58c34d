import type { VersionRow } from '../../vault/vault.ts';
import type { FhirContext } from '../context.ts';
import type { SearchClause } from '../search/search-clause.ts';

/** One resource by type and id. */
export interface ResourceName {
  readonly type: string;
  readonly id: string;
}

/** A current version that the caller may see. */
export interface VisibleRow {
  readonly row: VersionRow;
  /** Where it stands in the order of its search, to go on after. */
  readonly cursor: () => string;
}

/**
 * What an operation sees of the vault in one request: only what its caller may see. Nothing may leave before `journal`
 * has resolved, and then only what was given to `show`.
 */
export interface VisibleData {
  /**
   * Current versions that meet all clauses, in the order in which they were first written, at most `count` of them;
   * `more` when the caller may see more. Throws SEARCH_TOO_COSTLY, CURSOR_INVALID.
   */
  find(query: {
    readonly type: string;
    readonly clauses: readonly SearchClause[];
    readonly count: number;
    readonly after?: string;
  }): Promise<{ readonly matches: readonly VisibleRow[]; readonly more: boolean }>;
  /**
   * Current, undeleted versions of `names` that the caller may see; those that are not `wanted` are left out before
   * anything is decided about them.
   */
  current(names: readonly ResourceName[], wanted?: (row: VersionRow) => boolean): Promise<readonly VersionRow[]>;
  /** Clauses of search parameters as a search of `type` understands them. Throws PARAMETER_INVALID, PARAMETER_UNKNOWN. */
  clauses(type: string, parameters: readonly (readonly [name: string, value: string])[]): readonly SearchClause[];
  /** Names under which the index has the entries of a search parameter; none for one that it does not have. */
  indexNames(type: string, parameter: string): readonly string[];
  /** Exact text of a version. */
  text(row: VersionRow): Promise<string>;
  /** Says that these versions leave, or that they decide what leaves. */
  show(rows: readonly VersionRow[]): void;
  /** Journals what was shown, and what was refused where nothing of an account was shown. */
  journal(): Promise<void>;
}

/** Opens the view of one request. */
export type OpenVisibleData = (context: FhirContext) => VisibleData;
