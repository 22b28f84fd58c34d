import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matching } from '../../../test/support/memory-matcher.ts';
import {
  DATABASES,
  generation,
  type TestIndex,
  type TestResource,
  testIndex,
} from '../../../test/support/test-index.ts';
import type { IndexEntries } from './index-entries.ts';
import type { Criterion, SortKey } from './index-query.ts';

const TYPES = ['Observation', 'Patient'];
const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const ACCOUNTS = ['alice', 'bob', 'carol'];
/** Few of each, so that criteria meet what is there; some are names that objects have. */
const PARAMETERS = ['code', '__proto__'];
const VALUES = ['x', 'y', 'constructor'];
const FOLDED = [
  '',
  'a',
  'an',
  'ann',
  'anna',
  'annab',
  'annabel',
  'annabella',
  'annabella lee',
  '\u{1F600}\u{1F601}',
  'éa',
];
const NUMBERS = [-1e308, -2, -0, 0, 1, 1.5, 2, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

const parameter = fc.constantFrom(...PARAMETERS);
const number = fc.constantFrom(...NUMBERS);
const type = fc.constantFrom(...TYPES);
const id = fc.constantFrom(...IDS);
const folded = fc.constantFrom(...FOLDED);
const few = { maxLength: 3 };
const target = fc.record({ type, id: fc.constantFrom(...IDS, 'unknown') });
const token = fc.record({
  parameter: fc.constantFrom(...PARAMETERS, ':has'),
  value: fc.constantFrom(...VALUES, ...PARAMETERS),
});

const entries: fc.Arbitrary<IndexEntries> = fc.record({
  tokens: fc.array(token, few),
  ordinals: fc.array(
    fc.record({ parameter, ends: fc.tuple(number, number) }).map(({ parameter, ends: [a, b] }) => ({
      ...{ parameter, low: Math.min(a, b), high: Math.max(a, b) },
    })),
    few,
  ),
  links: fc.array(
    fc.tuple(parameter, target).map(([name, to]) => ({ parameter: name, ...to })),
    few,
  ),
  texts: fc.array(fc.record({ parameter, folded, value: folded.map((text) => text.toUpperCase()) }), few),
});

const resource: fc.Arbitrary<TestResource> = fc.record({
  ...{ type, id, account: fc.constantFrom(...ACCOUNTS), entries },
  sensitive: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.boolean() }),
});

const leaf: fc.Arbitrary<Criterion> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokens: fc.array(token, few) }),
  fc.record({
    kind: fc.constant('ordinal' as const),
    ranges: fc.array(
      fc.record({
        parameter,
        tests: fc.array(
          fc.record({
            end: fc.constantFrom('low' as const, 'high' as const),
            is: fc.constantFrom('<' as const, '<=' as const, '>' as const, '>=' as const),
            value: number,
          }),
          few,
        ),
      }),
      few,
    ),
  }),
  fc.record({ kind: fc.constant('link' as const), parameter, targets: fc.array(target, few) }),
  fc.record({
    kind: fc.constant('text' as const),
    parameter,
    match: fc.constantFrom('starts' as const, 'contains' as const, 'exact' as const),
    values: fc.array(fc.oneof(folded, fc.constant('ANN')), few),
  }),
  fc.record({
    kind: fc.constant('has' as const),
    of: fc.constantFrom('token' as const, 'ordinal' as const, 'link' as const, 'text' as const),
    parameter,
  }),
  fc.record({ kind: fc.constant('id' as const), ids: fc.array(id, { maxLength: 20 }) }),
  fc.record({ kind: fc.constant('account' as const), accounts: fc.array(fc.constantFrom(...ACCOUNTS), few) }),
);

const { criterion } = fc.letrec<{ criterion: Criterion; list: Criterion[] }>((tie) => ({
  criterion: fc.oneof(
    { depthSize: 'small', maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.record({ kind: fc.constant('not' as const), of: tie('criterion') }),
    fc.record({ kind: fc.constant('any' as const), of: tie('list') }),
    fc.record({ kind: fc.constantFrom('chain' as const, 'reverse' as const), parameter, type, criteria: tie('list') }),
  ) as fc.Arbitrary<Criterion>,
  list: fc.array(tie('criterion'), few),
}));

const sortKey: fc.Arbitrary<SortKey> = fc.record({
  by: fc.constantFrom('ordinal' as const, 'ordinal' as const, 'text' as const, 'id' as const),
  parameter,
  descending: fc.boolean(),
});

const query = fc.record({ type, criteria: fc.array(criterion, few), sort: fc.array(sortKey, few) });

for (const database of DATABASES) {
  test(`${database.name}: random queries find what an obvious matcher finds, in its order, page by page`, {
    skip: database.skip,
  }, async (t) => {
    const connection = await database.open(t);
    const index = await testIndex(connection);
    const queries = fc.array(fc.tuple(query, fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 6 });
    const writes = fc.array(fc.oneof({ weight: 5, arbitrary: resource }, fc.record({ remove: fc.nat() })), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(writes, queries, fc.constantFrom(0, 1, 3, 1000), async (steps, asked, smallSet) => {
        await index.clear(smallSet);
        const current = await write(index, steps);
        const linked: Criterion = {
          kind: 'linked-by',
          parameters: PARAMETERS,
          sources: current.slice(0, 3).map((one) => index.rowOf(one.type, one.id)),
        };
        for (const [{ type: of, criteria, sort }, limit] of asked) {
          for (const list of [criteria, [...criteria, linked]]) {
            const expected = matching(current, of, list, sort).map((one) => one.id);
            assert.deepEqual(await index.ids({ type: of, criteria: list, sort }), expected);
            assert.deepEqual(await pages(index, { type: of, criteria: list, sort }, limit), expected);
          }
        }
      }),
      { numRuns: database.name === 'SQLite' ? 300 : 100 },
    );
  });
}

/** Writes, updates and removes; what is then current, in the order of first writing, also of what came back. */
async function write(index: TestIndex, steps: readonly (TestResource | { readonly remove: number })[]) {
  const places = new Map<string, { readonly account: string; current: TestResource | undefined }>();
  for (const step of steps) {
    if ('remove' in step) {
      const there = [...places.values()].filter(({ current }) => current !== undefined);
      const gone = there[step.remove % Math.max(1, there.length)];
      if (gone?.current === undefined) continue;
      await index.remove(gone.current.type, gone.current.id);
      gone.current = undefined;
      continue;
    }
    const name = `${step.type}/${step.id}`;
    const place = places.get(name) ?? { account: step.account, current: undefined };
    places.set(name, place);
    // References to what is not there are not kept; and a resource stays with its account.
    const links = step.entries.links.filter((link) => places.has(`${link.type}/${link.id}`));
    // Two generations are in use, and what is there is under either.
    const [first, second] = [generation(1), generation(2)];
    index.generations.list = step.entries.tokens.length % 2 === 0 ? [first, second] : [second, first];
    place.current = { ...step, account: place.account, entries: { ...step.entries, links } };
    await index.put(place.current);
  }
  return [...places.values()].flatMap(({ current }) => current ?? []);
}

async function pages(
  index: TestIndex,
  asked: { type: string; criteria: readonly Criterion[]; sort: readonly SortKey[] },
  limit: number,
): Promise<string[]> {
  const seen: string[] = [];
  let after: string | undefined;
  for (;;) {
    const { hits, more } = await index.finder.find({ ...asked, limit, ...(after === undefined ? {} : { after }) });
    seen.push(...hits.map(({ row }) => row.id));
    after = hits.at(-1)?.cursor();
    if (!more || after === undefined) return seen;
  }
}
