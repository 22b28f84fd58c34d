import type { VersionRow } from '../version-row.ts';
import type { SearchToken } from './index-entries.ts';

/** A comparison with an end of an ordinal's interval. */
export interface OrdinalTest {
  readonly end: 'low' | 'high';
  readonly is: '<' | '<=' | '>' | '>=';
  readonly value: number;
}

/** Condition on a current version. Criteria of a list must all hold. */
export type Criterion =
  /** Carries any of the tokens. */
  | { readonly kind: 'token'; readonly tokens: readonly SearchToken[] }
  /** Has an interval, of any of the ranges, that passes all tests of that range. */
  | {
      readonly kind: 'ordinal';
      readonly ranges: readonly { readonly parameter: string; readonly tests: readonly OrdinalTest[] }[];
    }
  /** Refers by the parameter to any of the resources. */
  | {
      readonly kind: 'link';
      readonly parameter: string;
      readonly targets: readonly { readonly type: string; readonly id: string }[];
    }
  /** Is referred to, by any of the parameters, by any of the versions (which are current). */
  | {
      readonly kind: 'linked-by';
      readonly parameters: readonly string[];
      readonly sources: readonly VersionRow[];
    }
  /** Has a text of the parameter that begins with, contains (both folded), or is (as written) any of the values. */
  | {
      readonly kind: 'text';
      readonly parameter: string;
      readonly match: 'starts' | 'contains' | 'exact';
      readonly values: readonly string[];
    }
  /** Has any entry of the parameter (`:missing`); for `of: 'token'` the extractor has put a token {parameter: ':has', value: parameter}. */
  | { readonly kind: 'has'; readonly of: 'token' | 'ordinal' | 'link' | 'text'; readonly parameter: string }
  | { readonly kind: 'id'; readonly ids: readonly string[] }
  | { readonly kind: 'account'; readonly accounts: readonly string[] }
  /** Refers by the parameter to a current resource of `type` that meets all `criteria`. */
  | {
      readonly kind: 'chain';
      readonly parameter: string;
      readonly type: string;
      readonly criteria: readonly Criterion[];
    }
  /** Is referred to, by the parameter, by a current resource of `type` that meets all `criteria` (`_has`). */
  | {
      readonly kind: 'reverse';
      readonly parameter: string;
      readonly type: string;
      readonly criteria: readonly Criterion[];
    }
  | { readonly kind: 'not'; readonly of: Criterion }
  | { readonly kind: 'any'; readonly of: readonly Criterion[] };

/**
 * What rows are ordered by: the least value going up, the greatest going down; rows without one come last either way.
 * Rows that are equal in all keys, or without keys, come in the order in which the resources were first written.
 */
export interface SortKey {
  readonly by: 'ordinal' | 'text' | 'id';
  readonly parameter: string;
  readonly descending: boolean;
}

export interface IndexQuery {
  readonly type: string;
  readonly criteria: readonly Criterion[];
  readonly sort: readonly SortKey[];
  /** At most this many hits, 1 to 1,000. */
  readonly limit: number;
  /** Cursor of the hit to go on after, from a query with the same type and sort, and the same criteria or `boundTo`. */
  readonly after?: string;
  /** What cursors are bound to instead of the criteria, where those change from page to page for one and the same search. */
  readonly boundTo?: string;
}

/** A current, undeleted, unerased version that meets the query. */
export interface Hit {
  readonly row: VersionRow;
  /** Where this hit stands in its order: short, opaque (sealed), and stable while data changes. */
  readonly cursor: () => string;
}

export interface FoundPage {
  readonly hits: readonly Hit[];
  readonly more: boolean;
}
