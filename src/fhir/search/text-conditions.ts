import type { Found } from './compile-expression.ts';
import {
  anyCriterion,
  type Condition,
  hasCondition,
  invalidValue,
  type NamedParameter,
  tokenCriterion,
} from './condition.ts';
import { fold } from './fold.ts';
import { withoutVersion } from './reference-values.ts';
import { stringValues } from './string-values.ts';
import { unescaped } from './value-text.ts';

/** A string (R4 §3.1.1.4.8): the beginning, folded; `:contains` any part, folded; `:exact` all of it as written. */
export function stringCondition({ name, parameter, modifier }: NamedParameter, text: string): Condition {
  const given = unescaped(text);
  const match = modifier === 'exact' ? 'exact' : modifier === 'contains' ? 'contains' : 'starts';
  const wanted = match === 'exact' ? given : fold(given);
  if (wanted === '') throw invalidValue(name, 'letters or digits, which punctuation is not');
  const isMatch = {
    exact: (value: string) => value === wanted,
    contains: (value: string) => fold(value).includes(wanted),
    starts: (value: string) => fold(value).startsWith(wanted),
  }[match];
  const criterion = anyCriterion(
    parameter.indexed.names.map((name) => ({ kind: 'text', parameter: name, match, values: [wanted] })),
  );
  return {
    ...(criterion === undefined ? {} : { criterion }),
    isExact: true,
    test: (found) => found.some((one) => stringValues(one).some(isMatch)),
  };
}

/** Most addresses above one that are looked up one by one. */
const MAX_ABOVE = 64;

/** A URI (R4 §3.1.1.4.11): the same; `:below` what begins with it; `:above` what it lies below, by whole segments. */
export function uriCondition({ name, parameter, modifier }: NamedParameter, text: string): Condition {
  const wanted = unescaped(text);
  if (wanted === '') throw invalidValue(name, 'a URI');
  const has = hasCondition(parameter).criterion;
  const byHas = has === undefined ? {} : { criterion: has };
  if (modifier === 'below') {
    return { ...byHas, isExact: false, test: (found) => someUri(found, (value) => value.startsWith(wanted)) };
  }
  if (modifier === 'above') {
    const above = addressesAbove(wanted);
    const isAbove = (found: readonly Found[]) => someUri(found, (value) => above.has(value));
    if (above.size > MAX_ABOVE) return { ...byHas, isExact: false, test: isAbove };
    return { criterion: tokenCriterion(parameter, [...above]), isExact: true, test: isAbove };
  }
  return {
    criterion: tokenCriterion(parameter, [wanted]),
    isExact: true,
    test: (found) => someUri(found, (value) => value === wanted),
  };
}

/** A canonical URL counts with and without its version. */
function someUri(found: readonly Found[], isMatch: (value: string) => boolean): boolean {
  return found.some(
    ({ value, leaf }) =>
      typeof value === 'string' && (isMatch(value) || (leaf.type === 'canonical' && isMatch(withoutVersion(value)))),
  );
}

function addressesAbove(uri: string): ReadonlySet<string> {
  const above = new Set([uri]);
  for (let at = uri.indexOf('/'); at !== -1; at = uri.indexOf('/', at + 1)) {
    above.add(uri.slice(0, at)).add(uri.slice(0, at + 1));
  }
  above.delete('');
  return above;
}
