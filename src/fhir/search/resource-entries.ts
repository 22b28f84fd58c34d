import type {
  IndexEntries,
  SearchLink,
  SearchOrdinal,
  SearchText,
  SearchToken,
} from '../../vault/index/index-entries.ts';
import type { ParsedResource } from '../patient-account.ts';
import { UCUM } from './canonical-unit.ts';
import type { Found } from './compile-expression.ts';
import type { Interval } from './date-interval.ts';
import { fold } from './fold.ts';
import { positionOf } from './near.ts';
import { dateValues, numberValues } from './number-values.ts';
import { type QuantityValue, quantityValues } from './quantity-values.ts';
import { referenceValues, withoutVersion } from './reference-values.ts';
import type { SearchParameter, SearchRegistry } from './search-registry.ts';
import { stringValues } from './string-values.ts';
import { HAS, tokenForms } from './token-forms.ts';
import { tokenValues } from './token-values.ts';

interface Entries {
  readonly tokens: SearchToken[];
  readonly ordinals: SearchOrdinal[];
  readonly links: SearchLink[];
  readonly texts: SearchText[];
}

/**
 * All that the current version of `resource` is found by (R4 §3.1.1.4). `baseUrl` is this server's address, without a
 * slash at its end; `timeMs` the version's time, which is `_lastUpdated`. `_id` needs no entry, and composites have
 * those of their components. What another parameter finds as well is there once (`SearchParameter.indexed`). A type that is not known has none.
 */
export function resourceToEntries(
  resource: ParsedResource,
  registry: SearchRegistry,
  baseUrl: string,
  timeMs: number,
): IndexEntries {
  const into: Entries = { tokens: [], ordinals: [], links: [], texts: [] };
  for (const parameter of registry.ofType(resource.resourceType)?.values() ?? []) {
    const { code, kind } = parameter;
    if (code === '_lastUpdated') into.ordinals.push({ parameter: code, low: timeMs, high: timeMs });
    else if (code !== '_id' && kind !== 'composite' && parameter.indexed.names[0] === code)
      addParameter(parameter, resource, baseUrl, into);
  }
  return into;
}

function addParameter(parameter: SearchParameter, resource: ParsedResource, baseUrl: string, into: Entries): void {
  const found = parameter.find(resource);
  if (found.length === 0) return;
  const { code, kind } = parameter;
  let added = 0;
  switch (kind) {
    case 'token':
      addTokens(
        code,
        found.length === 1 ? tokenValues(found[0] as Found).flatMap(tokenForms) : tokensOfAll(found),
        into,
      );
      break;
    case 'uri':
      addTokens(code, found.flatMap(uriForms), into);
      break;
    case 'reference':
      added = addReferences(code, found, baseUrl, into);
      break;
    case 'string':
      added = addTexts(code, found.flatMap(stringValues), into);
      break;
    case 'date':
      added = addOrdinals(code, found.flatMap(dateValues), into);
      break;
    case 'number':
      added = addOrdinals(code, found.flatMap(numberValues), into);
      break;
    case 'quantity':
      added = addQuantities(code, found.flatMap(quantityValues), into);
      break;
    case 'special':
      for (const { low, high, axis } of found.flatMap(positionOf)) {
        into.ordinals.push({ parameter: `${code}|${axis}`, low, high });
      }
  }
  // There is a value that the index cannot hold, or whose kind has no count of its own.
  if (added === 0) into.tokens.push({ parameter: HAS, value: code });
}

function tokensOfAll(found: readonly Found[]): readonly string[] {
  return found.flatMap((one) => tokenValues(one).flatMap(tokenForms));
}

function addTokens(parameter: string, values: readonly string[], into: Entries): void {
  for (const value of distinct(values)) into.tokens.push({ parameter, value });
}

/** A canonical URL is found with and without its version. */
function uriForms({ value, leaf }: Found): readonly string[] {
  if (typeof value !== 'string' || value === '') return [];
  const base = leaf.type === 'canonical' ? withoutVersion(value) : value;
  return base === value || base === '' ? [value] : [value, base];
}

function addReferences(parameter: string, found: readonly Found[], baseUrl: string, into: Entries): number {
  const links = new Map<string, SearchLink>();
  const urls = new Set<string>();
  const identifiers = new Set<string>();
  for (const one of found) {
    for (const { local, url, identifier } of referenceValues(one, baseUrl)) {
      if (local !== undefined) {
        const { type, id } = local;
        // A canonical URL, and what stands in a Bundle, need not lead to anything stored, and a link must.
        if (one.leaf.type === 'Reference') links.set(`${type}/${id}`, { parameter, type, id });
        else urls.add(`${type}/${id}`);
      }
      if (url !== undefined) {
        urls.add(url);
        urls.add(withoutVersion(url));
      }
      if (identifier !== undefined) for (const form of tokenForms(identifier)) identifiers.add(form);
    }
  }
  into.links.push(...links.values());
  for (const value of urls) into.tokens.push({ parameter, value });
  for (const value of identifiers) into.tokens.push({ parameter: `${parameter}:identifier`, value });
  return links.size;
}

function addTexts(parameter: string, values: readonly string[], into: Entries): number {
  for (const value of distinct(values)) into.texts.push({ parameter, value, folded: fold(value) });
  return values.length;
}

function addOrdinals(parameter: string, values: readonly Interval[], into: Entries): number {
  const seen = new Set<string>();
  for (const { low, high } of values) {
    const key = `${low} ${high}`;
    if (values.length > 1 && (seen.has(key) || seen.add(key) === undefined)) continue;
    into.ordinals.push({ parameter, low, high });
  }
  return values.length;
}

function addQuantities(parameter: string, values: readonly QuantityValue[], into: Entries): number {
  addOrdinals(parameter, values, into);
  const byUnit = new Map<string, Interval[]>();
  for (const value of values) {
    const name = quantityUnit(value);
    if (name !== undefined) byUnit.set(name, [...(byUnit.get(name) ?? []), value.canonical ?? value]);
  }
  for (const [unit, intervals] of byUnit) addOrdinals(`${parameter}|${unit}`, intervals, into);
  return values.length;
}

/** What follows the parameter in the name of a quantity's ordinal: the canonical unit, else system and code. */
export function quantityUnit({ system, code, canonical }: QuantityValue): string | undefined {
  if (canonical !== undefined) return `${UCUM}|${canonical.unit}`;
  return code === undefined ? undefined : `${system ?? ''}|${code}`;
}

function distinct(values: readonly string[]): Iterable<string> {
  return values.length < 2 ? values : new Set(values);
}
