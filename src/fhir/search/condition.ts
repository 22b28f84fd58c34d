import type { SearchToken } from '../../vault/index/index-entries.ts';
import type { Criterion, OrdinalTest } from '../../vault/index/index-query.ts';
import { rejectFhir } from '../codes.ts';
import type { ParsedResource } from '../patient-account.ts';
import { rejectSearch } from './codes.ts';
import type { Found } from './compile-expression.ts';
import type { Interval } from './date-interval.ts';
import type { SearchLimits } from './search-limits.ts';
import type { SearchParameter, SearchRegistry } from './search-registry.ts';

/** What a parameter's values must be. */
export interface Condition {
  /** Selects at least everything that passes `test`; absent, the index has nothing to say. */
  readonly criterion?: Criterion;
  /** The criterion selects exactly what passes. */
  readonly isExact: boolean;
  /** `found` are the parameter's, or those of one element of a composite. */
  test(found: readonly Found[], resource: ParsedResource): boolean;
}

/** What conditions are made with. */
export interface SearchScope {
  readonly registry: SearchRegistry;
  /** This server's address, without a slash at its end. */
  readonly baseUrl: string;
  /** For `ap` of dates. */
  readonly nowMs: number;
  readonly limits: SearchLimits;
}

/** A parameter in a request: as it was written, and what it is. */
export interface NamedParameter {
  readonly name: string;
  readonly parameter: SearchParameter;
  readonly modifier?: string;
}

export function invalidValue(name: string, expected: string): Error {
  return rejectFhir('PARAMETER_INVALID', { parameter: printable(name), expected });
}

export function unsupported(name: string, what: string): Error {
  return rejectSearch('SEARCH_UNSUPPORTED', { parameter: printable(name), unsupported: what });
}

/** A name from a request as it may be shown: short, ASCII. */
export function printable(name: string): string {
  return name.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}

/** Any of the conditions: values between commas. */
export function anyOf(conditions: readonly Condition[]): Condition {
  const [only] = conditions;
  if (only !== undefined && conditions.length === 1) return only;
  const criterion = anyCriterion(conditions.map((condition) => condition.criterion));
  return {
    ...(criterion === undefined ? {} : { criterion }),
    isExact: conditions.every(({ isExact }) => isExact),
    test: (found, resource) => conditions.some((condition) => condition.test(found, resource)),
  };
}

/** The condition turned round. What the index does not decide exactly it cannot decide the other way either. */
export function noneOf({ criterion, isExact, test }: Condition): Condition {
  return {
    ...(isExact && criterion !== undefined ? { criterion: { kind: 'not', of: criterion } } : {}),
    isExact: isExact && criterion !== undefined,
    test: (found, resource) => !test(found, resource),
  };
}

/** One criterion of several; undefined as soon as one of them is. Those of one kind and parameter become one. */
export function anyCriterion(criteria: readonly (Criterion | undefined)[]): Criterion | undefined {
  const all: Criterion[] = [];
  for (const criterion of criteria) {
    if (criterion === undefined) return undefined;
    const at = all.findIndex((other) => joined(other, criterion) !== undefined);
    const other = all[at];
    const both = other === undefined ? undefined : joined(other, criterion);
    if (both === undefined) all.push(criterion);
    else all[at] = both;
  }
  const [only] = all;
  return only !== undefined && all.length === 1 ? only : { kind: 'any', of: all };
}

function joined(one: Criterion, other: Criterion): Criterion | undefined {
  if (one.kind === 'token' && other.kind === 'token')
    return { kind: 'token', tokens: [...one.tokens, ...other.tokens] };
  if (one.kind === 'ordinal' && other.kind === 'ordinal')
    return { kind: 'ordinal', ranges: [...one.ranges, ...other.ranges] };
  if (one.kind === 'link' && other.kind === 'link' && one.parameter === other.parameter)
    return { ...one, targets: [...one.targets, ...other.targets] };
  if (one.kind === 'text' && other.kind === 'text' && one.parameter === other.parameter && one.match === other.match)
    return { ...one, values: [...one.values, ...other.values] };
  return undefined;
}

/** A token under every name that the parameter's entries have. */
export function tokenCriterion({ indexed }: SearchParameter, values: readonly string[], suffix = ''): Criterion {
  const tokens = indexed.names.flatMap((name) =>
    values.map((value): SearchToken => ({ parameter: name + suffix, value })),
  );
  return { kind: 'token', tokens };
}

/** Intervals that pass all tests of one of `alternatives`. */
export function ordinalCriterion(
  { indexed }: SearchParameter,
  alternatives: readonly (readonly OrdinalTest[])[],
  suffix = '',
): Criterion {
  const ranges = indexed.names.flatMap((name) => alternatives.map((tests) => ({ parameter: name + suffix, tests })));
  return { kind: 'ordinal', ranges };
}

export function passes(interval: Interval, alternatives: readonly (readonly OrdinalTest[])[]): boolean {
  return alternatives.some((tests) => tests.every((test) => passesOne(interval[test.end], test)));
}

function passesOne(end: number, { is, value }: OrdinalTest): boolean {
  switch (is) {
    case '<':
      return end < value;
    case '<=':
      return end <= value;
    case '>':
      return end > value;
    case '>=':
      return end >= value;
  }
}

/** Resources in which the parameter finds anything at all (`:missing=false`). */
export function hasCondition({ kind, indexed }: SearchParameter): Condition {
  const of = ({ string: 'text', reference: 'link', date: 'ordinal', number: 'ordinal', quantity: 'ordinal' } as const)[
    kind as string
  ];
  const criteria = indexed.names.flatMap((parameter): Criterion[] => [
    ...(of === undefined ? [] : [{ kind: 'has', of, parameter } as const]),
    { kind: 'has', of: 'token', parameter },
  ]);
  const criterion = anyCriterion(criteria);
  return {
    ...(criterion === undefined ? {} : { criterion }),
    isExact: indexed.onlyType === undefined,
    test: (found) => found.length > 0,
  };
}
