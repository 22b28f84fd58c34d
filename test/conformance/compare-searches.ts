import type { SearchParameter as PublishedParameter } from '@medplum/fhirtypes';
import { type Question, questionsAbout } from '../support/search-questions.ts';
import type { SlowParameter } from '../support/slow-search.ts';
import { publishedParameters, type SlowResource, slowElements } from '../support/slow-values.ts';
import { type ConformanceNode, type SearchForm, SearchRefused } from './conformance-node.ts';
import { addressOf, type SlowQuery, type SlowStore, type Term } from './slow-store.ts';

/** What a run of comparisons came to. */
export interface Comparison {
  asked: number;
  /** Searches that found something. */
  found: number;
  pages: number;
  readonly refused: string[];
  readonly wrong: string[];
  /** Parameters `Type.code` by whether a search by one of their values found something. */
  readonly hit: Set<string>;
  readonly unhit: Set<string>;
}

export function newComparison(): Comparison {
  return { asked: 0, found: 0, pages: 0, refused: [], wrong: [], hit: new Set(), unhit: new Set() };
}

/** Searches one way and the other; true when something was found and it is the same. */
export async function compareSearch(
  node: ConformanceNode,
  store: SlowStore,
  query: SlowQuery,
  outcome: Comparison,
): Promise<boolean> {
  const round = outcome.asked++;
  const form: SearchForm = round % 3 === 0 ? 'POST' : 'GET';
  const size = round % 4 === 1 ? '&_count=3' : '&_count=200';
  const address = `${addressOf(query, { withoutEq: round % 2 === 0 })}${size}`;
  const where = `${form} ${decodeURIComponent(address)}`;
  const expected = store.find(query);
  try {
    const { ids, pages } = await node.find(address, form);
    outcome.pages += pages;
    if (ids.join() !== expected.join()) {
      outcome.wrong.push(`${where}: ${differenceOf(ids, expected)}`);
      return false;
    }
    if (ids.length > 0) outcome.found++;
    return ids.length > 0;
  } catch (thrown) {
    if (!(thrown instanceof SearchRefused) || thrown.code !== 'PARAMETER_INVALID') {
      outcome.wrong.push(thrown instanceof Error ? `${where}: ${thrown.message}` : String(thrown));
    } else outcome.refused.push(where);
    return false;
  }
}

function differenceOf(ids: readonly string[], expected: readonly string[]): string {
  const extra = ids.filter((id) => !expected.includes(id));
  const missing = expected.filter((id) => !ids.includes(id));
  if (extra.length + missing.length === 0) return `in another order: ${ids.slice(0, 9)} for ${expected.slice(0, 9)}`;
  return `found wrongly: ${extra.slice(0, 5)} (${extra.length}); left out: ${missing.slice(0, 5)} (${missing.length})`;
}

/** How much is asked of a parameter. */
export interface Thoroughness {
  /** Resources that values are taken from, and questions about these. */
  readonly sources: number;
  readonly questions: number;
  /** One parameter of so many is asked. */
  readonly everyNth: number;
}

/** Types of which there are more are asked less: their answers are long. */
const MANY = 300;

/** Not values of resources, or not answered by this server: `near` and `_id` have tests of their own. */
const UNASKED = new Set(['_text', '_content', '_query', '_id', 'near']);

/** Searches by every parameter of every type that is stored, with values that are stored. */
export async function compareEveryParameter(
  node: ConformanceNode,
  store: SlowStore,
  shuffled: <T>(all: readonly T[]) => T[],
  how: Thoroughness,
): Promise<Comparison> {
  const outcome = newComparison();
  const published = publishedParameters();
  const common = [...(published.get('Resource') ?? []), ...(published.get('DomainResource') ?? [])];
  let turn = 0;
  for (const type of [...new Set(store.resources.map(({ resourceType }) => resourceType))].sort()) {
    const isLarge = store.ofType(type).length > MANY;
    const least = { ...how, sources: 1, questions: 1 };
    for (const [code, parameter] of [...common, ...(published.get(type) ?? [])]) {
      if (UNASKED.has(code) || turn++ % how.everyNth !== 0) continue;
      const queries =
        parameter.type === 'composite'
          ? compositeQueries(store, shuffled, type, parameter, published, isLarge ? least : how)
          : parameterQueries(store, shuffled, type, parameter, isLarge ? least : how);
      // Together, since each waits until it is journalled.
      const hits = await Promise.all(queries.map((query) => compareSearch(node, store, query, outcome)));
      (hits.includes(true) ? outcome.hit : outcome.unhit).add(`${type}.${code}`);
    }
  }
  return outcome;
}

function parameterQueries(
  store: SlowStore,
  shuffled: <T>(all: readonly T[]) => T[],
  type: string,
  parameter: PublishedParameter,
  how: Thoroughness,
): SlowQuery[] {
  const valued = store.ofType(type).filter((resource) => store.values(resource, parameter).length > 0);
  const one = (...questions: readonly Question[]): Term => ({
    ...{ parameter, modifier: questions[0]?.modifier ?? '' },
    texts: questions.map(({ text }) => text),
  });
  const queries: SlowQuery[] = [];
  for (const source of shuffled(valued).slice(0, how.sources)) {
    const questions = shuffled(
      store
        .values(source, parameter)
        .slice(0, 40)
        .flatMap((value) => questionsAbout(parameter.type as string, value)),
    );
    const isExact = ({ modifier }: Question) => modifier === '';
    queries.push(...questions.slice(0, how.questions).map((question) => ({ type, terms: [one(question)] })));
    const [first, second, third] = questions.filter(isExact);
    if (first !== undefined && second !== undefined) queries.push({ type, terms: [one(first, second)] });
    if (first !== undefined && third !== undefined) queries.push({ type, terms: [one(first), one(third)] });
  }
  if (queries.length === 0 || how.questions > 3) {
    if (parameter.code !== '_lastUpdated')
      for (const text of ['true', 'false']) queries.push({ type, terms: [one({ modifier: 'missing', text })] });
  }
  if (parameter.type === 'date' && valued.length > 1) {
    for (const descending of [true, false]) queries.push({ type, terms: [], sort: { parameter, descending } });
  }
  return queries;
}

function compositeQueries(
  store: SlowStore,
  shuffled: <T>(all: readonly T[]) => T[],
  type: string,
  parameter: PublishedParameter,
  published: ReturnType<typeof publishedParameters>,
  how: Thoroughness,
): SlowQuery[] {
  const components = (parameter.component ?? []).map(({ expression }) => expression as string);
  const kinds = (parameter.component ?? []).map(({ definition }) => kindOf(published, definition as string));
  const elementsIn = (resource: SlowResource) => slowElements(parameter.expression ?? '', components, resource);
  const whole = store
    .ofType(type)
    .flatMap(elementsIn)
    .filter((element) => element.every((part) => part.length > 0));
  return shuffled(whole)
    .slice(0, how.sources * how.questions)
    .flatMap((element, round) => {
      // Mostly of one element, sometimes of two, so that parts meet that belong to different ones.
      const other = round % 3 === 2 ? whole[0] : element;
      const parts = kinds.flatMap((kind, at) => {
        const [value] = shuffled((at > 0 ? other : element)?.[at] ?? []);
        if (value === undefined) return [];
        const [question] = questionsAbout(kind.kind, value).filter(({ modifier }) => modifier === '');
        return question === undefined ? [] : [{ kind, text: question.text }];
      });
      return parts.length < kinds.length ? [] : [{ type, terms: [{ parameter, modifier: '', texts: [], parts }] }];
    });
}

function kindOf(published: ReturnType<typeof publishedParameters>, url: string): SlowParameter {
  for (const codes of published.values()) {
    for (const one of codes.values())
      if (one.url === url) return { kind: one.type as string, targets: one.target ?? [] };
  }
  throw new TypeError(url);
}
