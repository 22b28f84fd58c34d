import type { Criterion, SortKey } from '../../vault/index/index-query.ts';
import type { ParsedResource } from '../patient-account.ts';

/**
 * One part of a search that has been understood; all of a list must hold. `criterion` selects everything that the
 * clause matches, and maybe more: then `matches` decides, on the opened resource. Absent, the index cannot narrow.
 */
export interface ValueClause {
  readonly kind: 'value';
  readonly criterion?: Criterion;
  /** Present when the index alone does not decide. */
  readonly matches?: (resource: ParsedResource) => boolean;
}

/** A chained parameter (R4 §3.1.1.4.5): refers by `parameter` to a resource of one of `targets` that meets its clauses. */
export interface ChainClause {
  readonly kind: 'chain';
  readonly parameter: string;
  readonly targets: readonly { readonly type: string; readonly clauses: readonly SearchClause[] }[];
}

/** `_has` (R4 §3.1.1.4.6): a resource of `type` that meets `clauses` refers here by `parameter`. */
export interface ReverseClause {
  readonly kind: 'reverse';
  readonly type: string;
  readonly parameter: string;
  readonly clauses: readonly SearchClause[];
}

export type SearchClause = ValueClause | ChainClause | ReverseClause;

/** `_include` and `_revinclude` (R4 §3.1.1.5.4). */
export interface IncludeRule {
  /** Type that has the reference. */
  readonly source: string;
  /** Name of the search parameter; `*` for all references. */
  readonly parameter: string;
  readonly target?: string;
  readonly reverse: boolean;
  readonly iterate: boolean;
}

/** A search as it was understood. */
export interface SearchRequest {
  readonly type: string;
  readonly clauses: readonly SearchClause[];
  readonly sort: readonly SortKey[];
  readonly includes: readonly IncludeRule[];
  /** 0 asks for the total only (R4 §3.1.1.5.2). */
  readonly count: number;
  readonly cursor?: string;
  readonly total: 'none' | 'estimate' | 'accurate';
  readonly summary?: 'true' | 'text' | 'data' | 'count' | 'false';
  readonly elements?: readonly string[];
  /** Parameters as they were understood, for the `self` link, in their order. */
  readonly understood: readonly (readonly [name: string, value: string])[];
  /** Names of parameters that were ignored (Prefer: handling=lenient), printable. */
  readonly ignored: readonly string[];
}
