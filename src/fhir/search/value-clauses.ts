import type { ParsedResource } from '../patient-account.ts';
import type { Found } from './compile-expression.ts';
import {
  anyOf,
  type Condition,
  hasCondition,
  invalidValue,
  type NamedParameter,
  noneOf,
  ordinalCriterion,
  type SearchScope,
  unsupported,
} from './condition.ts';
import { isNear, latitudeSpan, parseNear } from './near.ts';
import { dateCondition, numberCondition, quantityCondition } from './ordinal-conditions.ts';
import { referenceCondition } from './reference-conditions.ts';
import type { ValueClause } from './search-clause.ts';
import type { SearchKind, SearchParameter } from './search-registry.ts';
import { stringCondition, uriCondition } from './text-conditions.ts';
import { tokenCondition } from './token-conditions.ts';
import { splitUnescaped, unescaped } from './value-text.ts';

/** Modifiers by kind (R4 §3.1.1.4.4), `:missing` apart; a reference also takes the name of a type. */
const MODIFIERS: Readonly<Record<SearchKind, readonly string[]>> = {
  number: [],
  date: [],
  string: ['exact', 'contains'],
  token: ['not', 'text', 'of-type'],
  reference: ['identifier'],
  composite: [],
  quantity: [],
  uri: ['above', 'below'],
  special: [],
};
const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/** The clauses of a parameter with its values, as they stand between commas; all of them must hold. */
export function valueClauses(
  named: NamedParameter,
  values: readonly string[],
  scope: SearchScope,
): readonly ValueClause[] {
  const { name, parameter, modifier } = named;
  if (values.some((value) => value === '')) throw invalidValue(name, 'a value, also between commas');
  if (parameter.code === '_id') return [idClause(named, values)];
  if (modifier === 'missing') return [missingClause(named, values)];
  checkModifier(named);
  if (parameter.kind === 'composite') return compositeClauses(named, values, scope);
  const condition = anyOf(values.map((value) => conditionOf(named, value, scope)));
  return [toClause(parameter, modifier === 'not' ? noneOf(condition) : condition)];
}

function checkModifier({ name, parameter: { kind }, modifier }: NamedParameter): void {
  if (modifier === undefined || MODIFIERS[kind].includes(modifier)) return;
  if (kind === 'reference' && /^[A-Z]/.test(modifier)) return;
  const taken = ['missing', ...MODIFIERS[kind]].join(', ');
  throw unsupported(name, `a modifier other than ${taken} for a parameter of type ${kind}`);
}

function conditionOf(named: NamedParameter, value: string, scope: SearchScope): Condition {
  switch (named.parameter.kind) {
    case 'number':
      return numberCondition(named, value);
    case 'date':
      return dateCondition(named, value, scope);
    case 'quantity':
      return quantityCondition(named, value);
    case 'string':
      return stringCondition(named, value);
    case 'uri':
      return uriCondition(named, value);
    case 'token':
      return tokenCondition(named, value);
    case 'reference':
      return referenceCondition(named, value, scope);
    case 'special':
      return nearCondition(named, value);
    case 'composite':
      throw unsupported(named.name, 'a composite within a composite');
  }
}

function toClause(parameter: SearchParameter, { criterion, isExact, test }: Condition): ValueClause {
  return {
    kind: 'value',
    ...(criterion === undefined ? {} : { criterion }),
    ...(isExact && criterion !== undefined
      ? {}
      : { matches: (resource: ParsedResource) => test(parameter.find(resource), resource) }),
  };
}

function idClause({ name, modifier }: NamedParameter, values: readonly string[]): ValueClause {
  if (modifier !== undefined && modifier !== 'not') throw unsupported(name, `modifier ${modifier}`);
  const ids = values.map(unescaped);
  if (!ids.every((id) => ID.test(id))) throw invalidValue(name, 'ids of up to 64 letters, digits, hyphens and dots');
  const criterion = { kind: 'id', ids: [...new Set(ids)] } as const;
  return { kind: 'value', criterion: modifier === 'not' ? { kind: 'not', of: criterion } : criterion };
}

function missingClause({ name, parameter }: NamedParameter, [value, ...others]: readonly string[]): ValueClause {
  if ((value !== 'true' && value !== 'false') || others.length > 0) throw invalidValue(name, 'true or false');
  if (parameter.kind === 'composite') throw unsupported(name, 'modifier missing for a composite');
  const has = hasCondition(parameter);
  return toClause(parameter, value === 'true' ? noneOf(has) : has);
}

/**
 * Values joined by `$`, each meant for one and the same element (R4 §3.1.1.4.14). The index narrows by each component alone;
 * that they meet in one element is seen in the resource.
 */
function compositeClauses(
  { name, parameter }: NamedParameter,
  values: readonly string[],
  scope: SearchScope,
): readonly ValueClause[] {
  const { components } = parameter;
  const alternatives = values.map((value) => {
    const pieces = splitUnescaped(value, '$');
    if (pieces.length !== components.length)
      throw invalidValue(
        name,
        `${components.length} values joined by $: ${components.map((one) => one.parameter.code).join('$')}`,
      );
    return components.map((component, index) =>
      conditionOf({ name, parameter: component.parameter }, pieces[index] ?? '', scope),
    );
  });
  const isElement = (element: Found, resource: ParsedResource) =>
    alternatives.some((conditions) =>
      conditions.every((condition, index) =>
        condition.test(components[index]?.find(element, resource) ?? [], resource),
      ),
    );
  const narrowing = components.flatMap((_component, index): ValueClause[] => {
    const { criterion } = anyOf(alternatives.map((conditions) => conditions[index] as Condition));
    return criterion === undefined ? [] : [{ kind: 'value', criterion }];
  });
  const matches = (resource: ParsedResource) =>
    parameter.find(resource).some((element) => isElement(element, resource));
  return [...narrowing, { kind: 'value', matches }];
}

/** `near` of Location: a band of latitudes by the index, the distance by the resource. */
function nearCondition({ name, parameter }: NamedParameter, value: string): Condition {
  if (parameter.code !== 'near') throw unsupported(name, 'parameters of type special');
  const query = parseNear(splitUnescaped(value, '|').map(unescaped));
  if (query === undefined) throw invalidValue(name, 'latitude|longitude|distance|km, such as 42.25|-83.69|11|km');
  const span = latitudeSpan(query);
  const band = [
    { end: 'low', is: '>=', value: query.latitude - span },
    { end: 'high', is: '<=', value: query.latitude + span },
  ] as const;
  return {
    criterion: ordinalCriterion(parameter, [band], '|latitude'),
    isExact: false,
    test: (found) => found.some((one) => isNear(one, query)),
  };
}
