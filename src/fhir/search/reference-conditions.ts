import type { Criterion } from '../../vault/index/index-query.ts';
import { type LocalReference, localReference } from '../references.ts';
import {
  anyOf,
  type Condition,
  invalidValue,
  type NamedParameter,
  type SearchScope,
  tokenCriterion,
  unsupported,
} from './condition.ts';
import { isResourceType } from './element-types.ts';
import { type ReferenceValue, referenceValues, withoutVersion } from './reference-values.ts';
import { isFollowed, type SearchParameter, targetTypes } from './search-registry.ts';
import { identifierQuery } from './token-conditions.ts';
import { unescaped } from './value-text.ts';

const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const URL = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * A reference (R4 §3.1.1.4.12): `id`, `Type/id`, an address, or a canonical URL with or without version; `:Type=id`;
 * `:identifier` for logical references. A version at the end of the address wants that version.
 */
export function referenceCondition(named: NamedParameter, text: string, scope: SearchScope): Condition {
  const { name, parameter, modifier } = named;
  const { baseUrl } = scope;
  const test =
    (isMatch: (value: ReferenceValue) => boolean): Condition['test'] =>
    (found) =>
      found.some((one) => referenceValues(one, baseUrl).some(isMatch));
  if (modifier === 'identifier') {
    const { criterion, isIdentifier } = identifierQuery(name, parameter, text);
    const isMatch = ({ identifier }: ReferenceValue) => identifier !== undefined && isIdentifier(identifier);
    return { criterion, isExact: parameter.indexed.onlyType === undefined, test: test(isMatch) };
  }
  const type = modifier === undefined ? undefined : typeModifier(named, scope);
  const value = unescaped(text);
  const target = localReference(value, baseUrl);
  if (target !== undefined && isResourceType(scope.registry.definitions, target.type)) {
    return localCondition(named, [target], type, scope, test);
  }
  const address: Condition = {
    criterion: tokenCriterion(parameter, [value]),
    isExact: parameter.indexed.onlyType === undefined,
    test: test(({ url }) => url !== undefined && (url === value || withoutVersion(url) === value)),
  };
  if (ID.test(value)) {
    const types = type === undefined ? targetTypes(scope.registry, parameter) : [type];
    const all = types.map((one) => ({ type: one, id: value }));
    const local = localCondition(named, all, type, scope, test);
    return isFollowed(parameter) ? local : anyOf([local, address]);
  }
  if (value === '' || (isFollowed(parameter) && !URL.test(value)) || type !== undefined)
    throw invalidValue(name, 'an id, Type/id or an address');
  return address;
}

function typeModifier({ name, parameter, modifier = '' }: NamedParameter, { registry }: SearchScope): string {
  if (!isResourceType(registry.definitions, modifier)) throw unsupported(name, `modifier ${modifier}`);
  if (!targetTypes(registry, parameter).includes(modifier))
    throw invalidValue(name, `one of the types that it may lead to: ${shownTargets(registry, parameter)}`);
  return modifier;
}

function localCondition(
  { name, parameter }: NamedParameter,
  targets: readonly LocalReference[],
  type: string | undefined,
  { registry }: SearchScope,
  test: (isMatch: (value: ReferenceValue) => boolean) => Condition['test'],
): Condition {
  const possible = isFollowed(parameter) ? targetTypes(registry, parameter) : undefined;
  if (
    targets.some((target) => (type !== undefined && target.type !== type) || possible?.includes(target.type) === false)
  )
    throw invalidValue(name, `a reference to ${type ?? shownTargets(registry, parameter)}`);
  const [parameterName = parameter.code, ...others] = parameter.indexed.names;
  if (others.length > 0) throw new Error('a reference parameter has one name in the index');
  const wanted = new Map(targets.map((target) => [`${target.type}/${target.id}`, target]));
  return {
    criterion: localCriterion(parameter, parameterName, targets),
    isExact: targets.every(({ version }) => version === undefined),
    test: test(({ local }) => {
      const target = local === undefined ? undefined : wanted.get(`${local.type}/${local.id}`);
      return target !== undefined && (target.version === undefined || target.version === local?.version);
    }),
  };
}

/** References are links in the index; canonical URLs and what stands in a Bundle are tokens. */
function localCriterion(parameter: SearchParameter, name: string, targets: readonly LocalReference[]): Criterion {
  const { leaves } = parameter;
  const of: Criterion[] = [];
  if (leaves === undefined || leaves.some(({ type }) => type === 'Reference'))
    of.push({ kind: 'link', parameter: name, targets: targets.map(({ type, id }) => ({ type, id })) });
  if (leaves === undefined || leaves.some(({ type }) => type !== 'Reference'))
    of.push(tokenCriterion(parameter, [...new Set(targets.map(({ type, id }) => `${type}/${id}`))]));
  return of.length === 1 ? (of[0] as Criterion) : { kind: 'any', of };
}

function shownTargets(registry: SearchScope['registry'], parameter: SearchParameter): string {
  const types = targetTypes(registry, parameter);
  return types.length > 10 ? 'a resource type of R4' : types.join(', ');
}
