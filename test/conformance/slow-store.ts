import type { SearchParameter as PublishedParameter } from '@medplum/fhirtypes';
import { escaped } from '../support/search-questions.ts';
import { type SlowParameter, slowAddress, slowDates, slowMatches } from '../support/slow-search.ts';
import { type SlowResource, type SlowValue, slowElements, slowValues } from '../support/slow-values.ts';
import { namedTarget } from './loaded-text.ts';

/** One parameter of a search: any of the texts, each as the slow matcher reads it (dates and numbers with a prefix). */
export interface Term {
  readonly parameter: PublishedParameter;
  readonly modifier: string;
  readonly texts: readonly string[];
  /** A condition on what the parameter, a reference, leads to: `parameter:type.inner`. */
  readonly chain?: { readonly type: string; readonly inner: Term };
  /** How each part of a composite is asked for; `texts` is then unused. */
  readonly parts?: readonly { readonly kind: SlowParameter; readonly text: string }[];
}

/** Terms that must all hold, and an order. */
export interface SlowQuery {
  readonly type: string;
  readonly terms: readonly Term[];
  readonly sort?: { readonly parameter: PublishedParameter; readonly descending: boolean };
}

/**
 * Everything that is stored, searched by looking at each resource with each rule of R4 as its sentence says it. Expected
 * answers of the server come from here.
 */
export interface SlowStore {
  readonly resources: readonly SlowResource[];
  ofType(type: string): readonly SlowResource[];
  values(resource: SlowResource, parameter: PublishedParameter): readonly SlowValue[];
  /** Ids that match, in the order of writing or as sorted. */
  find(query: SlowQuery): readonly string[];
}

const NOTHING: readonly SlowResource[] = [];

export function createSlowStore(resources: readonly SlowResource[]): SlowStore {
  const byType = new Map<string, SlowResource[]>();
  for (const resource of resources) {
    const all = byType.get(resource.resourceType) ?? [];
    all.push(resource);
    byType.set(resource.resourceType, all);
  }
  const known = new Map<SlowResource, Map<string, readonly SlowValue[]>>();
  const elements = new Map<SlowResource, Map<string, SlowValue[][][]>>();
  const ofType = (type: string) => byType.get(type) ?? NOTHING;

  function values(resource: SlowResource, parameter: PublishedParameter): readonly SlowValue[] {
    const ofResource = known.get(resource) ?? new Map<string, readonly SlowValue[]>();
    known.set(resource, ofResource);
    const key = parameter.url as string;
    let found = ofResource.get(key);
    if (found === undefined) {
      found = slowValues(parameter.expression ?? '', resource).filter(
        // A Bundle's first entry is a reference only where it is of the type that is meant.
        ({ value }) => value.resourceType === undefined || parameter.target?.includes(value.resourceType) === true,
      );
      ofResource.set(key, found);
    }
    return found;
  }

  function elementsOf(resource: SlowResource, parameter: PublishedParameter): SlowValue[][][] {
    const ofResource = elements.get(resource) ?? new Map<string, SlowValue[][][]>();
    elements.set(resource, ofResource);
    const key = parameter.url as string;
    const components = (parameter.component ?? []).map(({ expression }) => expression as string);
    const found = ofResource.get(key) ?? slowElements(parameter.expression ?? '', components, resource);
    ofResource.set(key, found);
    return found;
  }

  function meets(resource: SlowResource, { parameter, modifier, texts, chain, parts }: Term): boolean {
    const kind = { kind: parameter.type as string, targets: parameter.target ?? [] };
    if (chain !== undefined) {
      const targets = new Set(
        ofType(chain.type).flatMap((one) => (meets(one, chain.inner) ? [`${chain.type}/${one.id}`] : [])),
      );
      return values(resource, parameter).some((value) =>
        targets.has(namedTarget(slowAddress(value) ?? '')?.address ?? ''),
      );
    }
    if (parts !== undefined)
      return elementsOf(resource, parameter).some((element) =>
        parts.every((part, at) => slowMatches(part.kind, '', part.text, element[at] ?? [])),
      );
    const found = values(resource, parameter);
    // `:not` of several values: none of them (R4 §3.1.1.4.5).
    if (modifier === 'not') return texts.every((text) => slowMatches(kind, modifier, text, found));
    return texts.some((text) => slowMatches(kind, modifier, text, found));
  }

  /** By the earliest value, or the latest when falling; what has none comes last; then in the order of writing. */
  function sorted(all: readonly SlowResource[], { parameter, descending }: NonNullable<SlowQuery['sort']>) {
    const keyed = all.map((resource, at) => {
      const spans = values(resource, parameter).flatMap(slowDates);
      const ends = spans.map(({ from, to }) => (descending ? to : from));
      return { resource, at, key: ends.length === 0 ? undefined : descending ? Math.max(...ends) : Math.min(...ends) };
    });
    return keyed
      .sort((a, b) => {
        if (a.key === b.key) return a.at - b.at;
        if (a.key === undefined) return 1;
        if (b.key === undefined) return -1;
        return a.key < b.key === descending ? 1 : -1;
      })
      .map(({ resource }) => resource);
  }

  return {
    resources,
    ofType,
    values,
    find({ type, terms, sort }) {
      const found = ofType(type).filter((resource) => terms.every((term) => meets(resource, term)));
      return (sort === undefined ? found : sorted(found, sort)).map(({ id }) => id);
    },
  };
}

/** The query in an address. A prefix `eq` may be left out. */
export function addressOf({ type, terms, sort }: SlowQuery, options: { withoutEq?: boolean } = {}): string {
  const parameters: [string, string][] = terms.map((term) => [
    nameOfTerm(term),
    textOfTerm(term, options.withoutEq === true),
  ]);
  if (sort !== undefined) parameters.push(['_sort', `${sort.descending ? '-' : ''}${sort.parameter.code}`]);
  return `${type}?${new URLSearchParams(parameters)}`;
}

function nameOfTerm({ parameter, modifier, chain }: Term): string {
  const code = parameter.code as string;
  if (chain !== undefined) return `${code}:${chain.type}.${nameOfTerm(chain.inner)}`;
  return modifier === '' ? code : `${code}:${modifier}`;
}

function textOfTerm({ parameter, texts, chain, parts }: Term, withoutEq: boolean): string {
  if (chain !== undefined) return textOfTerm(chain.inner, withoutEq);
  if (parts !== undefined) return parts.map(({ text }) => escaped(text)).join('$');
  const kind = parameter.type as string;
  return texts
    .map((text) => (withoutEq && ['date', 'number', 'quantity'].includes(kind) ? text.replace(/^eq/, '') : text))
    .map((text) => (kind === 'reference' || kind === 'uri' ? text.replaceAll(',', '\\,') : escaped(text)))
    .join(',');
}
