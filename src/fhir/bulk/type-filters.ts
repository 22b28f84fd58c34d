import type { Criterion } from '../../vault/index/index-query.ts';
import { parseSearch } from '../search/parse-search.ts';
import type { SearchClause } from '../search/search-clause.ts';
import type { SearchRegistry } from '../search/search-registry.ts';
import { BULK_LIMITS } from './bulk-limits.ts';
import { invalid } from './export-parameters.ts';

/** What a query of `_typeFilter` asks for of its type. */
export interface TypeFilter {
  readonly clauses: readonly SearchClause[];
}

/** What filters of one type come to in the vault's index. */
export interface FilterCriteria {
  /** All that any of the filters lets pass, and maybe more; none where the index cannot narrow. */
  readonly criteria: readonly Criterion[];
  /** They select just what passes. */
  readonly isExact: boolean;
}

/** Parameters of a search's answer, which have no meaning for an export's. */
const OF_ANSWERS = /^_(?:include|revinclude|sort|count|total|summary|elements|contained|cursor|format|pretty)\b/;

/**
 * Queries of `_typeFilter`, by type. They are separated by commas, as are the values of a search parameter: a comma
 * parts two queries only where a type and a question mark follow. Throws EXPORT_PARAMETER_INVALID.
 */
export function splitFilters(values: readonly string[]): readonly (readonly [type: string, query: string])[] {
  const queries = values.flatMap((value) => value.split(/,(?=\s*[A-Z][A-Za-z]{1,63}\?)/));
  if (queries.length > BULK_LIMITS.typeFilters)
    throw invalid('_typeFilter', `at most ${BULK_LIMITS.typeFilters} queries`);
  return queries.map((text): readonly [string, string] => {
    const [, type, query] = /^\s*([A-Z][A-Za-z]{1,63})\?(.+)$/s.exec(text) ?? [];
    if (type === undefined || query === undefined)
      throw invalid('_typeFilter', 'searches, as Observation?status=final');
    return [type, query];
  });
}

/** Throws what a search would for parameters that it does not take, and EXPORT_PARAMETER_INVALID. */
export function parseFilter(
  { registry, baseUrl, nowMs }: { registry: SearchRegistry; baseUrl: string; nowMs: number },
  type: string,
  query: string,
): TypeFilter {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys())
    if (OF_ANSWERS.test(name)) throw invalid('_typeFilter', 'conditions only, without _include, _sort and the like');
  return { clauses: parseSearch(registry, type, parameters, { baseUrl, nowMs, lenient: false }).clauses };
}

/** What the index can do of filters of which any may hold. */
export function filterCriteria(filters: readonly TypeFilter[]): FilterCriteria {
  if (filters.length === 0) return { criteria: [], isExact: true };
  const parts = filters.map(({ clauses }) =>
    clauses.flatMap((clause) => (clause.kind === 'value' && clause.criterion !== undefined ? [clause.criterion] : [])),
  );
  const [first] = parts;
  if (first === undefined || parts.some((criteria) => criteria.length === 0)) return { criteria: [], isExact: false };
  const isWhole = filters.every(({ clauses }) =>
    clauses.every((one) => one.kind === 'value' && one.criterion !== undefined && one.matches === undefined),
  );
  if (parts.length === 1) return { criteria: first, isExact: isWhole };
  return { criteria: [{ kind: 'any', of: parts.map(allOf) }], isExact: isWhole };
}

/** All of them, of which the index has no criterion of its own: none of them fails. */
function allOf(criteria: readonly Criterion[]): Criterion {
  const [only] = criteria;
  if (only !== undefined && criteria.length === 1) return only;
  return { kind: 'not', of: { kind: 'any', of: criteria.map((of): Criterion => ({ kind: 'not', of })) } };
}
