import {
  anyCriterion,
  type Condition,
  hasCondition,
  invalidValue,
  type NamedParameter,
  tokenCriterion,
  unsupported,
} from './condition.ts';
import { fold } from './fold.ts';
import type { SearchParameter } from './search-registry.ts';
import { codeAlone, systemAndCode } from './token-forms.ts';
import { identifierTypes, isPrimitiveToken, type TokenValue, tokenTexts, tokenValues } from './token-values.ts';
import { splitUnescaped, unescaped } from './value-text.ts';

/** What a token search names. `system` is '' for `|code`, which wants none. */
type TokenQuery =
  | { readonly is: 'code'; readonly code: string }
  | { readonly is: 'pair'; readonly system: string; readonly code: string }
  | { readonly is: 'bare'; readonly code: string }
  | { readonly is: 'system'; readonly system: string };

/**
 * `code`, `system|code`, `|code` or `system|` (R4 §3.1.1.4.10), `:text` and `:of-type`. Codes and identifiers are compared
 * exactly, case and all: R4 leaves that to the server, and the systems in use distinguish it.
 */
export function tokenCondition({ name, parameter, modifier }: NamedParameter, text: string): Condition {
  if (modifier === 'text') return textCondition(name, parameter, unescaped(text));
  if (modifier === 'of-type') return ofTypeCondition(name, parameter, text);
  if (modifier !== undefined && modifier !== 'not') throw unsupported(name, `modifier ${modifier}`);
  const query = parseToken(name, text);
  return {
    ...indexCondition(parameter, query),
    test: (found) => found.some((one) => tokenValues(one).some((value) => isToken(value, query))),
  };
}

/** The same for `:identifier` of a reference, whose tokens stand under a name of their own. */
export function identifierQuery(name: string, parameter: SearchParameter, text: string) {
  const query = parseToken(name, text);
  return {
    criterion: tokenCriterion(parameter, [formOf(query)], ':identifier'),
    isIdentifier: (value: TokenValue) => isToken(value, query),
  };
}

function parseToken(name: string, text: string): TokenQuery {
  const pieces = splitUnescaped(text, '|').map(unescaped);
  const [first = '', second] = pieces;
  if (pieces.length > 2 || pieces.every((piece) => piece === ''))
    throw invalidValue(name, 'a code, system|code, |code or system|');
  if (second === undefined) return { is: 'code', code: first };
  if (first === '') return { is: 'bare', code: second };
  return second === '' ? { is: 'system', system: first } : { is: 'pair', system: first, code: second };
}

function isToken({ system, code, isPrimitive }: TokenValue, query: TokenQuery): boolean {
  switch (query.is) {
    case 'code':
      return code === query.code;
    case 'pair':
      return code === query.code && system === query.system;
    case 'bare':
      return code === query.code && (isPrimitive || system === undefined);
    case 'system':
      return system === query.system;
  }
}

/** The form that a value with its own system has in the index. */
function formOf(query: TokenQuery): string {
  switch (query.is) {
    case 'code':
      return codeAlone(query.code);
    case 'pair':
      return systemAndCode(query.system, query.code);
    case 'bare':
      return systemAndCode('', query.code);
    case 'system':
      return systemAndCode(query.system, '');
  }
}

/** Primitives stand in the index by their code alone, whatever system their binding gives them. */
function indexCondition(parameter: SearchParameter, query: TokenQuery): Omit<Condition, 'test'> {
  if (query.is === 'code') return { criterion: tokenCriterion(parameter, [formOf(query)]), isExact: true };
  const { leaves } = parameter;
  const hasCodings = leaves?.some(({ type }) => !isPrimitiveToken(type)) ?? true;
  const primitives = leaves?.filter(({ type }) => isPrimitiveToken(type));
  const fitting = primitives?.filter(({ system }) => query.is === 'bare' || system === query.system);
  const all = tokenCriterion(parameter, [formOf(query)]);
  if (fitting?.length === 0) return { criterion: all, isExact: true };
  const ofPrimitives =
    query.is === 'system' ? hasCondition(parameter).criterion : tokenCriterion(parameter, [codeAlone(query.code)]);
  const criterion = hasCodings ? anyCriterion([all, ofPrimitives]) : ofPrimitives;
  return {
    ...(criterion === undefined ? {} : { criterion }),
    isExact: !hasCodings && query.is !== 'system' && fitting?.length === primitives?.length,
  };
}

/** `:text`: begins with the text, as a string would. The index does not hold these texts. */
function textCondition(name: string, parameter: SearchParameter, text: string): Condition {
  const wanted = fold(text);
  if (wanted === '') throw invalidValue(name, 'letters or digits');
  const { criterion } = hasCondition(parameter);
  return {
    ...(criterion === undefined ? {} : { criterion }),
    isExact: false,
    test: (found) => found.some((one) => tokenTexts(one).some((value) => fold(value).startsWith(wanted))),
  };
}

/** `:of-type=system|code|value`: an identifier of that type (R4 §3.1.1.4.10.1). */
function ofTypeCondition(name: string, parameter: SearchParameter, text: string): Condition {
  const [system = '', code = '', value = '', ...others] = splitUnescaped(text, '|').map(unescaped);
  if (system === '' || code === '' || value === '' || others.length > 0)
    throw invalidValue(name, 'system|code|value, all three');
  if (parameter.leaves?.some(({ type }) => type === 'Identifier') === false)
    throw unsupported(name, 'modifier of-type on what is no identifier');
  return {
    criterion: tokenCriterion(parameter, [codeAlone(value)]),
    isExact: false,
    test: (found) =>
      found.some(
        (one) =>
          identifierTypes(one).some((type) => type.system === system && type.code === code) &&
          tokenValues(one).some((token) => token.code === value),
      ),
  };
}
