import assert from 'node:assert/strict';
import type { SearchParameter } from '@medplum/fhirtypes';
import { slowAddress, slowDates, slowStrings, slowTokens } from '../support/slow-search.ts';
import type { SlowResource, SlowValue } from '../support/slow-values.ts';
import type { SlowQuery, SlowStore, Term } from './slow-store.ts';

/** How a value is written in a search; 'usual' is what a client would. */
export type Writing = 'usual' | 'code' | 'id' | 'second' | 'day';

/** What an item's searches are made from. */
export interface QuerySource {
  readonly store: SlowStore;
  /** US Core's definition, which is not always R4's. */
  parameter(type: string, code: string): SearchParameter;
}

/** Resources that values are taken from. */
const SOURCES = 3;

export function plainTerm(parameter: SearchParameter, ...texts: string[]): Term {
  return { parameter, modifier: '', texts };
}

/** Texts that ask for a value, the usual way of writing first. */
export function textsOf(
  parameter: SearchParameter,
  values: readonly SlowValue[],
  writing: Writing = 'usual',
): string[] {
  switch (parameter.type) {
    case 'token':
      return values.flatMap(slowTokens).flatMap(({ system, code }) => {
        if (code === undefined) return [];
        return [system === undefined || writing === 'code' ? code : `${system}|${code}`];
      });
    case 'reference':
      return values.flatMap((value) => {
        const address = slowAddress(value);
        if (address === undefined) return [];
        // A canonical URL has no id on this server.
        return [writing === 'id' && !address.includes(':') ? (address.split('/')[1] ?? '') : address];
      });
    case 'date':
      return values.flatMap(slowDates).flatMap(({ from, to }) => {
        const known = Number.isFinite(from) ? from : to;
        return Number.isFinite(known) ? [`eq${dateText(known, writing)}`] : [];
      });
    case 'string':
      return values.flatMap(slowStrings).map((text) => text.slice(0, 5));
  }
  throw new TypeError(`${parameter.type} is no type of US Core's parameters`);
}

/** A day, or a second with an offset other than Z. */
export function dateText(atMs: number, writing: Writing): string {
  if (writing !== 'second') return new Date(atMs).toISOString().slice(0, 10);
  return `${new Date(atMs - 5 * 3_600_000).toISOString().slice(0, 19)}-05:00`;
}

/** Resources of the type that have a value of every parameter, the one with the most others beside it first. */
function sourcesOf({ store }: QuerySource, type: string, parameters: readonly SearchParameter[]): SlowResource[] {
  return store
    .ofType(type)
    .filter((resource) =>
      parameters.every((parameter) => textsOf(parameter, store.values(resource, parameter)).length > 0),
    );
}

/**
 * Searches by some parameters together: with the values of each of a few resources, with dates as a day and between two,
 * and with values of two resources mixed.
 */
export function searchesBy(source: QuerySource, type: string, codes: readonly string[]): SlowQuery[] {
  const parameters = codes.map((code) => source.parameter(type, code));
  const sources = sourcesOf(source, type, parameters);
  assert.ok(sources.length > 0, `no example of ${type} has ${codes.join(' and ')}`);
  const spread = Math.max(1, Math.floor(sources.length / SOURCES));
  const chosen = sources.filter((_, at) => at % spread === 0).slice(0, SOURCES);
  const text = (resource: SlowResource, parameter: SearchParameter) =>
    textsOf(parameter, source.store.values(resource, parameter))[0] as string;
  const queries = chosen.flatMap((resource, at): SlowQuery[] => {
    const terms = parameters.map((parameter) => plainTerm(parameter, text(resource, parameter)));
    const other = chosen[(at + 1) % chosen.length] as SlowResource;
    const mixed = parameters.map((parameter, part) =>
      plainTerm(parameter, text(part === 0 ? resource : other, parameter)),
    );
    return [{ type, terms }, ...betweenDates(source, type, resource, terms), { type, terms: mixed }];
  });
  return queries;
}

/** The dates of a search as `ge` the first day and `le` the last. */
function betweenDates(source: QuerySource, type: string, resource: SlowResource, terms: readonly Term[]): SlowQuery[] {
  if (!terms.some(({ parameter }) => parameter.type === 'date')) return [];
  const between = terms.flatMap((term) => {
    if (term.parameter.type !== 'date') return [term];
    const [span] = source.store.values(resource, term.parameter as SearchParameter).flatMap(slowDates);
    const low = Number.isFinite(span?.from) ? (span?.from as number) : (span?.to as number) - 1;
    const high = Number.isFinite(span?.to) ? (span?.to as number) - 1 : low;
    const { parameter } = term;
    return [
      plainTerm(parameter as SearchParameter, `ge${dateText(low, 'day')}`),
      plainTerm(parameter as SearchParameter, `le${dateText(high, 'day')}`),
    ];
  });
  return [{ type, terms: between }];
}

/** Searches by one parameter with its values written one way. */
export function searchesWritten(source: QuerySource, type: string, code: string, writing: Writing): SlowQuery[] {
  const parameter = source.parameter(type, code);
  const texts = source.store
    .ofType(type)
    .flatMap((resource) => textsOf(parameter, source.store.values(resource, parameter), writing));
  assert.ok(texts.length > 0, `no example of ${type} has ${code}`);
  return distinct(texts)
    .slice(0, SOURCES)
    .map((text) => ({ type, terms: [plainTerm(parameter, text)] }));
}

/** A comparator with the day and the second of values, the middle one first, so that some are on each side. */
export function searchesCompared(source: QuerySource, type: string, code: string, comparator: string): SlowQuery[] {
  const parameter = source.parameter(type, code);
  const ends = source.store
    .ofType(type)
    .flatMap((resource) => source.store.values(resource, parameter).flatMap(slowDates))
    .flatMap(({ from, to }) => [from, to - 1])
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  assert.ok(ends.length > 0, `no example of ${type} has ${code}`);
  const chosen = [ends[ends.length >> 1], ends[0], ends.at(-1)] as number[];
  return chosen.flatMap((atMs) =>
    (['day', 'second'] as const).map((writing) => ({
      type,
      terms: [plainTerm(parameter, `${comparator}${dateText(atMs, writing)}`)],
    })),
  );
}

/** Any of two values: of what finds either. */
export function searchesByAny(source: QuerySource, type: string, code: string): SlowQuery[] {
  const parameter = source.parameter(type, code);
  const texts = distinct(
    source.store.ofType(type).flatMap((resource) => textsOf(parameter, source.store.values(resource, parameter))),
  );
  assert.ok(texts.length > 1, `the examples of ${type} have one ${code} alone`);
  return [
    { type, terms: [plainTerm(parameter, ...texts.slice(0, 2))] },
    { type, terms: [plainTerm(parameter, texts[1] as string, 'no-such-code')] },
  ];
}

export function distinct<T>(all: readonly T[]): T[] {
  return [...new Set(all)];
}
