import { isReject } from '../../std/reject.ts';
import type { SortKey } from '../../vault/index/index-query.ts';
import { invalidValue, printable, type SearchScope, unsupported } from './condition.ts';
import { elementsNamed } from './element-types.ts';
import { type Budget, isUnsupportedParameter, parseClauses, tooLong, unknownParameter } from './parse-clause.ts';
import { isInclude, parseInclude } from './parse-includes.ts';
import type { IncludeRule, SearchClause, SearchRequest } from './search-clause.ts';
import { SEARCH_LIMITS, type SearchLimits } from './search-limits.ts';
import type { SearchRegistry } from './search-registry.ts';

/** Where a page goes on: made by the server, opaque. */
export const CURSOR = '_cursor';
/** About the form of the answer; not judged here. */
const FORM = new Set(['_format', '_pretty']);
const TOTALS = ['none', 'estimate', 'accurate'] as const;
const SUMMARIES = ['true', 'text', 'data', 'count', 'false'] as const;

export interface ParseOptions {
  /** This server's address, without a slash at its end. */
  readonly baseUrl: string;
  /** For `ap` of dates, in milliseconds since 1970. */
  readonly nowMs: number;
  /** Replaces bounds of SEARCH_LIMITS; others may stand beside them. */
  readonly limits?: Partial<SearchLimits>;
  /** Prefer: handling=lenient: parameters that are not known here are ignored, and listed. */
  readonly lenient: boolean;
}

/** What reading goes by. */
interface Reading extends SearchScope {
  readonly type: string;
  readonly budget: Budget;
}

interface Draft {
  readonly clauses: SearchClause[];
  readonly includes: IncludeRule[];
  sort?: readonly SortKey[];
  count?: number;
  cursor?: string;
  total?: SearchRequest['total'];
  summary?: NonNullable<SearchRequest['summary']>;
  elements?: readonly string[];
  contained?: true;
}

/**
 * A search of `type` as it was asked for (R4 §3.1.1). Throws PARAMETER_UNKNOWN {parameter} unless `lenient`,
 * PARAMETER_INVALID {parameter, expected}, SEARCH_UNSUPPORTED {parameter, unsupported}, SEARCH_TOO_LONG {what, most};
 * TypeError for a type that the registry does not have.
 */
export function parseSearch(
  registry: SearchRegistry,
  type: string,
  query: URLSearchParams,
  { baseUrl, nowMs, lenient, limits: given }: ParseOptions,
): SearchRequest {
  const limits = { ...SEARCH_LIMITS, ...given };
  if (registry.ofType(type) === undefined) throw new TypeError('not a resource type');
  if (query.size > limits.parameters) throw tooLong('parameters', limits.parameters);
  const budget: Budget = { alternatives: limits.alternatives };
  const reading: Reading = { registry, type, baseUrl, nowMs, limits, budget };
  const draft: Draft = { clauses: [], includes: [] };
  const understood: [string, string][] = [];
  const ignored: string[] = [];
  for (const [name, value] of query) {
    if (name.length > limits.nameChars) throw tooLong('characters in the name of a parameter', limits.nameChars);
    if (value.length > limits.valueChars) throw tooLong('characters in one value', limits.valueChars);
    try {
      readParameter(reading, name, value, draft);
    } catch (thrown) {
      if (!lenient || !isIgnorable(thrown, name)) throw thrown;
      ignored.push(printable(name));
      continue;
    }
    if (name !== CURSOR) understood.push([name, value]);
  }
  const { clauses, includes, sort = [], count, total, contained: _contained, ...rest } = draft;
  const isCount = count === 0 || rest.summary === 'count';
  return {
    type,
    clauses,
    includes,
    sort,
    count: isCount ? 0 : Math.min(count ?? limits.pageDefault, limits.pageMax),
    total: isCount ? 'accurate' : (total ?? 'none'),
    ...rest,
    understood,
    ignored,
  };
}

/** Lenient handling is for parameters that are not known or not supported, never for values or modifiers. */
function isIgnorable(thrown: unknown, name: string): boolean {
  if (!isReject(thrown)) return false;
  return thrown.code === 'PARAMETER_UNKNOWN' || (thrown.code === 'SEARCH_UNSUPPORTED' && isUnsupportedParameter(name));
}

function readParameter(reading: Reading, name: string, value: string, draft: Draft): void {
  if (FORM.has(name)) return;
  if (isInclude(name)) {
    draft.includes.push(...parseInclude(reading, reading.type, name, value));
    if (draft.includes.length > reading.limits.includes) throw tooLong('includes', reading.limits.includes);
    return;
  }
  switch (name) {
    case CURSOR:
      once(draft, 'cursor', name, value);
      return;
    case '_count':
      if (!/^\d{1,9}$/.test(value)) throw invalidValue(name, 'a number from 0');
      once(draft, 'count', name, Number(value));
      return;
    case '_total':
      once(draft, 'total', name, oneOf(TOTALS, name, value));
      return;
    case '_summary':
      once(draft, 'summary', name, oneOf(SUMMARIES, name, value));
      return;
    case '_elements':
      once(draft, 'elements', name, elements(reading, name, value));
      return;
    case '_sort':
      once(draft, 'sort', name, sortKeys(reading, name, value));
      return;
    case '_contained':
      if (value !== 'false') throw unsupported(name, 'to search contained resources');
      once(draft, 'contained', name, true);
      return;
  }
  draft.clauses.push(...parseClauses(reading, reading.type, name, value, reading.budget));
}

function once<Name extends keyof Draft>(draft: Draft, key: Name, name: string, value: NonNullable<Draft[Name]>): void {
  if (draft[key] !== undefined) throw invalidValue(name, 'once only');
  draft[key] = value;
}

function oneOf<Value extends string>(values: readonly Value[], name: string, given: string): Value {
  const value = values.find((one) => one === given);
  if (value === undefined) throw invalidValue(name, values.join(', '));
  return value;
}

/** Names of the type's own elements (R4 §3.1.1.5.9). */
function elements({ registry, type, limits }: Reading, name: string, value: string): readonly string[] {
  const names = value.split(',');
  if (names.length > limits.elements) throw tooLong('elements', limits.elements);
  const isElement = (one: string) => elementsNamed(registry.definitions, type, one).length > 0;
  if (!names.every(isElement)) throw invalidValue(name, `elements of ${type} by name, with commas between`);
  return names;
}

function sortKeys({ registry, type, limits }: Reading, name: string, value: string): readonly SortKey[] {
  const keys = value.split(',');
  if (keys.length > limits.sortKeys) throw tooLong('sort keys', limits.sortKeys);
  return keys.map((key): SortKey => {
    const descending = key.startsWith('-');
    const code = descending ? key.slice(1) : key;
    if (code === '_id') return { by: 'id', parameter: '_id', descending };
    const parameter = registry.ofType(type)?.get(code);
    if (parameter === undefined) throw unknownParameter(`${name}=${code}`);
    const [only, ...others] = parameter.indexed.names;
    const by = ({ date: 'ordinal', number: 'ordinal', quantity: 'ordinal', string: 'text' } as const)[
      parameter.kind as string
    ];
    if (by === undefined || only === undefined || others.length > 0)
      throw unsupported(name, `to sort by ${code}; dates, numbers, quantities, strings and _id can be sorted by`);
    return { by, parameter: only, descending };
  });
}
