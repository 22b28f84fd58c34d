import type { IndexEntries } from '../../vault/index/index-entries.ts';
import type { Criterion } from '../../vault/index/index-query.ts';
import type { ParsedResource } from '../patient-account.ts';
import { unsupported } from './condition.ts';
import { meetsCriterion } from './meets-criterion.ts';
import { parseSearch } from './parse-search.ts';
import { resourceToEntries } from './resource-entries.ts';
import type { SearchClause, ValueClause } from './search-clause.ts';
import type { SearchParameter, SearchRegistry } from './search-registry.ts';
import { HAS } from './token-forms.ts';

/** A search on a type, ready to be put to one resource after another. */
export interface ResourceMatcher {
  readonly type: string;
  /** Whether the resource meets the search. `timeMs` is its version's time, which is `_lastUpdated`. */
  matches(resource: ParsedResource, timeMs: number): boolean;
}

export interface MatcherOptions {
  /** This server's address, without a slash at its end. */
  readonly baseUrl: string;
  /** For `ap` of dates, in milliseconds since 1970: when the matcher is made, not when it is used. */
  readonly nowMs: number;
}

/** Of a search, what is about its answer and not about a resource. */
const OF_ANSWER = new Set(
  [
    ['_sort', '_count', '_total', '_summary', '_elements', '_contained', '_cursor', '_include', '_revinclude'],
    ['_format', '_pretty'],
  ].flat(),
);

/**
 * A matcher of `query`, the part of a search after its question mark: what a scope (`patient/Observation.rs?category=…`)
 * or a subscription's filter says. Any version can be put to it, not only those in the index: what it would be found by
 * is computed, for the parameters that the search names alone. Throws what `parseSearch` does, and SEARCH_UNSUPPORTED for
 * what one resource does not tell (chained parameters, `_has`) or what is about a search's answer (`_sort`, `_include`).
 */
export function createResourceMatcher(
  registry: SearchRegistry,
  type: string,
  query: string | URLSearchParams,
  { baseUrl, nowMs }: MatcherOptions,
): ResourceMatcher {
  const asked = typeof query === 'string' ? new URLSearchParams(query) : query;
  for (const name of asked.keys()) {
    if (OF_ANSWER.has(codeOf(name))) throw unsupported(name, 'in a search that is put to one resource');
  }
  const { clauses } = parseSearch(registry, type, asked, { baseUrl, nowMs, lenient: false });
  const own = clauses.map(requireOwn);
  const indexed = entryRegistry(registry, type, own);
  return {
    type,
    matches(resource, timeMs) {
      if (resource.resourceType !== type) return false;
      let entries: IndexEntries | undefined;
      const id = typeof resource.id === 'string' ? resource.id : '';
      return own.every(({ criterion, matches }) => {
        if (criterion !== undefined) {
          entries ??= resourceToEntries(resource, indexed, baseUrl, timeMs);
          if (!meetsCriterion(criterion, id, entries)) return false;
        }
        return matches === undefined || matches(resource);
      });
    },
  };
}

/** The parameter in a name such as `code:not` or `_include:iterate`. */
function codeOf(name: string): string {
  const colon = name.indexOf(':');
  return colon === -1 ? name : name.slice(0, colon);
}

function requireOwn(clause: SearchClause): ValueClause {
  if (clause.kind === 'value') return clause;
  const name = clause.kind === 'chain' ? `${clause.parameter}.…` : '_has';
  throw unsupported(name, 'chained parameters and _has: one resource does not tell of others');
}

/** The registry with no more parameters of the type than have entries that the clauses ask for. */
function entryRegistry(registry: SearchRegistry, type: string, clauses: readonly ValueClause[]): SearchRegistry {
  const names = new Set<string>();
  for (const { criterion } of clauses) if (criterion !== undefined) addNames(criterion, names);
  const wanted = new Map<string, SearchParameter>();
  for (const [code, parameter] of registry.ofType(type) ?? []) if (names.has(code)) wanted.set(code, parameter);
  return { definitions: registry.definitions, ofType: (asked) => (asked === type ? wanted : undefined) };
}

/** Codes of the parameters whose entries a criterion looks at: without what follows for units, axes, identifiers. */
function addNames(criterion: Criterion, into: Set<string>): void {
  const add = (parameter: string) => into.add(/^[^|:]*/.exec(parameter)?.[0] ?? '');
  switch (criterion.kind) {
    case 'token':
      for (const { parameter, value } of criterion.tokens) add(parameter === HAS ? value : parameter);
      return;
    case 'ordinal':
      for (const { parameter } of criterion.ranges) add(parameter);
      return;
    case 'link':
    case 'text':
    case 'has':
      add(criterion.parameter);
      return;
    case 'not':
      addNames(criterion.of, into);
      return;
    case 'any':
      for (const one of criterion.of) addNames(one, into);
  }
}
