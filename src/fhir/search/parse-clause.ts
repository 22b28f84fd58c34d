import { isReject } from '../../std/reject.ts';
import { rejectFhir } from '../codes.ts';
import { rejectSearch } from './codes.ts';
import { invalidValue, printable, type SearchScope, unsupported } from './condition.ts';
import type { SearchClause } from './search-clause.ts';
import { isFollowed, type SearchParameter, targetTypes } from './search-registry.ts';
import { valueClauses } from './value-clauses.ts';
import { splitUnescaped } from './value-text.ts';

/** Parameters of R4 that this server does not answer (R4 §3.1.1.3). */
const UNSUPPORTED = new Set([
  '_text',
  '_content',
  '_list',
  '_filter',
  '_query',
  '_type',
  '_contained',
  '_containedType',
]);

/** What is left of the bounds of one search; counted down while it is read. */
export interface Budget {
  alternatives: number;
}

export function unknownParameter(name: string): Error {
  return rejectFhir('PARAMETER_UNKNOWN', { parameter: printable(name) });
}

export function isUnsupportedParameter(name: string): boolean {
  return UNSUPPORTED.has(name);
}

/**
 * Clauses of one parameter of a search of `type`: plain, chained (`subject:Patient.name`), or `_has:…`. `depth` counts
 * the references followed so far. Throws PARAMETER_UNKNOWN, PARAMETER_INVALID, SEARCH_UNSUPPORTED, SEARCH_TOO_LONG.
 */
export function parseClauses(
  scope: SearchScope,
  type: string,
  name: string,
  value: string,
  budget: Budget,
  depth = 0,
): readonly SearchClause[] {
  if (name.startsWith('_has:')) return [reverseClause(scope, type, name, value, budget, depth)];
  const dot = name.indexOf('.');
  if (dot !== -1) return [chainClause(scope, type, name, dot, value, budget, depth)];
  const { parameter, modifier } = parameterNamed(scope, type, name);
  const values = splitUnescaped(value, ',');
  budget.alternatives -= values.length;
  if (budget.alternatives < 0) throw tooLong('alternatives', scope.limits.alternatives);
  return valueClauses({ name, parameter, ...(modifier === undefined ? {} : { modifier }) }, values, scope);
}

function parameterNamed(
  { registry }: SearchScope,
  type: string,
  name: string,
): { readonly parameter: SearchParameter; readonly modifier?: string } {
  const colon = name.indexOf(':');
  const code = colon === -1 ? name : name.slice(0, colon);
  if (UNSUPPORTED.has(code)) throw unsupported(name, `parameter ${code}`);
  const parameter = registry.ofType(type)?.get(code);
  if (parameter === undefined) throw unknownParameter(name);
  return colon === -1 ? { parameter } : { parameter, modifier: name.slice(colon + 1) };
}

function chainClause(
  scope: SearchScope,
  type: string,
  name: string,
  dot: number,
  value: string,
  budget: Budget,
  depth: number,
): SearchClause {
  const { parameter, modifier } = parameterNamed(scope, type, name.slice(0, dot));
  const link = followed(scope, name, parameter, depth);
  const possible = targetTypes(scope.registry, parameter);
  if (modifier !== undefined && !possible.includes(modifier))
    throw invalidValue(name, `after the colon a type that ${parameter.code} may lead to`);
  const types = modifier === undefined ? possible : [modifier];
  const inner = name.slice(dot + 1);
  const tried = types.filter((target) => isKnown(scope, target, inner));
  if (tried.length === 0) throw unknownParameter(name);
  if (tried.length > scope.limits.chainTargets)
    throw tooLong(
      `types that ${parameter.code} may lead to, name one as in ${parameter.code}:Patient`,
      scope.limits.chainTargets,
    );
  let refusal: unknown;
  const targets = tried.flatMap((target) => {
    try {
      return [{ type: target, clauses: parseClauses(scope, target, inner, value, budget, depth + 1) }];
    } catch (thrown) {
      // What cannot be asked of one of the types may be asked of another, unless it is too much at all.
      if (!isReject(thrown) || thrown.kind === 'limit') throw thrown;
      refusal ??= thrown;
      return [];
    }
  });
  if (targets.length === 0) throw refusal;
  return { kind: 'chain', parameter: link, targets };
}

/** Whether the first part of `name` is a parameter of `type`. */
function isKnown({ registry }: SearchScope, type: string, name: string): boolean {
  if (name.startsWith('_has:')) return true;
  return registry.ofType(type)?.has(/^[^.:]*/.exec(name)?.[0] ?? '') === true;
}

function reverseClause(
  scope: SearchScope,
  type: string,
  name: string,
  value: string,
  budget: Budget,
  depth: number,
): SearchClause {
  const [, source = '', code = '', ...rest] = name.split(':');
  const inner = rest.join(':');
  const parameter = scope.registry.ofType(source)?.get(code);
  if (inner === '') throw invalidValue(name, '_has:Type:reference:parameter');
  if (parameter === undefined) throw unknownParameter(name);
  const link = followed(scope, name, parameter, depth);
  if (!targetTypes(scope.registry, parameter).includes(type))
    throw invalidValue(name, `a reference that leads to ${type}`);
  return {
    kind: 'reverse',
    type: source,
    parameter: link,
    clauses: parseClauses(scope, source, inner, value, budget, depth + 1),
  };
}

/** Name of the parameter's links in the index. */
function followed({ limits }: SearchScope, name: string, parameter: SearchParameter, depth: number): string {
  if (parameter.kind !== 'reference') throw invalidValue(name, `a reference before the dot; ${parameter.code} is none`);
  if (!isFollowed(parameter)) throw unsupported(name, `to follow the canonical URLs of ${parameter.code}`);
  if (depth >= limits.chainDepth) throw tooLong('references in one chain', limits.chainDepth);
  return linkName(parameter);
}

export function linkName(parameter: SearchParameter): string {
  return parameter.indexed.names[0] ?? parameter.code;
}

export function tooLong(what: string, most: number): Error {
  return rejectSearch('SEARCH_TOO_LONG', { what, most });
}
