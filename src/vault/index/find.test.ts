import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  DATABASES,
  generation,
  resource,
  sqliteConnection,
  type TestIndex,
  testIndex,
} from '../../../test/support/test-index.ts';
import { codeOf } from '../../../test/support/test-vault.ts';
import type { Connection } from '../database/connection.ts';
import type { IndexEntries } from './index-entries.ts';
import type { Criterion, IndexQuery, SortKey } from './index-query.ts';

/** A test that runs on each database, over an index of its own. */
function indexTest(name: string, body: (index: TestIndex, t: TestContext) => Promise<void>): void {
  for (const { name: database, skip, open } of DATABASES)
    test(`${database}: ${name}`, { skip }, async (t) => body(await testIndex(await open(t)), t));
}

const token = (parameter: string, ...values: string[]): Criterion => ({
  kind: 'token',
  tokens: values.map((value) => ({ parameter, value })),
});
const text = (match: 'starts' | 'contains' | 'exact', ...values: string[]): Criterion => ({
  ...{ kind: 'text', parameter: 'name', match, values },
});
const family = (folded: string): Partial<IndexEntries> => ({
  texts: [{ parameter: 'name', value: folded.toUpperCase(), folded }],
});
const date = (...values: number[]): Partial<IndexEntries> => ({
  ordinals: values.map((value) => ({ parameter: 'date', low: value, high: value })),
});
const byDate = (descending: boolean): SortKey => ({ by: 'ordinal', parameter: 'date', descending });
const find = (index: TestIndex, criteria: readonly Criterion[], sort: readonly SortKey[] = []) =>
  index.ids({ type: 'Observation', criteria, sort });
const costOf = (index: TestIndex, criteria: readonly Criterion[]) => codeOf(find(index, criteria));

indexTest('a longer beginning than is stored is decided on the opened texts', async (index) => {
  const names = ['annab', 'annabel', 'annabella', 'anne'];
  await index.put(...names.map((name) => resource(name, family(name), { sensitive: name === 'annabella' })));
  assert.deepEqual(await find(index, [text('starts', 'annabel')]), ['annabel', 'annabella']);
  assert.deepEqual(await find(index, [text('starts', 'annab', 'annez')]), ['annab', 'annabel', 'annabella']);
  assert.deepEqual(await find(index, [{ kind: 'not', of: text('starts', 'annabel') }]), ['annab', 'anne']);
  assert.deepEqual(await find(index, [text('contains', 'nabe', 'nne')]), ['annabel', 'annabella', 'anne']);
  assert.deepEqual(await find(index, [text('exact', 'ANNE', 'annab')]), ['anne']);
});

indexTest('protected resources are found as others are, whatever leads to them', async (index) => {
  const to = {
    links: [{ parameter: 'subject', type: 'Patient', id: 'p' }],
    tokens: [{ parameter: 'code', value: 'x' }],
  };
  await index.put(resource('p', family('ann'), { type: 'Patient' }));
  await index.put(resource('plain', to), resource('secret', to, { sensitive: true, account: 'bob' }));
  const reverse: Criterion = {
    kind: 'reverse',
    type: 'Observation',
    parameter: 'subject',
    criteria: [token('code', 'x')],
  };
  const chain: Criterion = { kind: 'chain', type: 'Patient', parameter: 'subject', criteria: [text('starts', 'an')] };
  for (const small of [0, 1000]) {
    await index.put(resource('plain', { tokens: [] }));
    index.finder = index.finderOf(small);
    assert.deepEqual(await find(index, [token('code', 'x')]), ['secret']);
    assert.deepEqual(await index.ids({ type: 'Patient', criteria: [reverse] }), ['p'], 'reverse');
    assert.deepEqual(await find(index, [chain]), ['secret'], 'chain');
    await index.put(resource('plain', to));
    assert.deepEqual(await find(index, [chain, token('code', 'x')], [byDate(true)]), ['plain', 'secret']);
    // A label that goes makes the resource findable under the custodian's key, and one that comes under the account's.
    await index.put(resource('secret', to, { account: 'bob' }));
    assert.deepEqual(await find(index, [token('code', 'x')]), ['plain', 'secret']);
    await index.put(resource('secret', to, { sensitive: true, account: 'bob' }));
    assert.deepEqual(await find(index, [token('code', 'x')]), ['plain', 'secret']);
  }
});

indexTest('1,001 protected accounts are too many, unless it is said whose are asked for', async (index) => {
  const entries = { tokens: [{ parameter: 'code', value: 'x' }], ...date(5) };
  const accounts = Array.from({ length: 1001 }, (_, i) => `account-${i}`);
  const of = (account: string) => resource(account, entries, { account, sensitive: true });
  await index.put(resource('plain', entries), ...accounts.slice(1).map(of));
  const few = accounts.slice(3, 5);
  for (const sort of [[], [byDate(false)], [byDate(true)]]) {
    assert.equal(
      (await index.ids({ type: 'Observation', criteria: [token('code', 'x')], sort, limit: 500 })).length,
      500,
    );
    assert.deepEqual(await find(index, [token('code', 'x'), { kind: 'account', accounts: few }], sort), few);
  }
  assert.equal((await index.ids({ type: 'Observation', criteria: [token('code', 'x', 'y')] })).length, 1000);
  await index.put(of('account-0'));
  assert.equal(await costOf(index, [token('code', 'x')]), 'TOO_COSTLY');
  assert.equal(await costOf(index, [{ kind: 'not', of: token('code', 'x') }]), 'TOO_COSTLY');
  assert.equal(await costOf(index, [token('code', 'x'), { kind: 'account', accounts }]), 'TOO_COSTLY');
  assert.deepEqual(await find(index, [token('code', 'x'), { kind: 'account', accounts: few }]), few);
  assert.equal((await find(index, [])).length, 1000, 'what asks for no entry tries no key');
  const inner: Criterion = { kind: 'chain', type: 'Observation', parameter: 'focus', criteria: [token('code', 'x')] };
  assert.equal(await codeOf(index.ids({ type: 'Patient', criteria: [inner] })), 'TOO_COSTLY');
});

indexTest('pages go on where they were while resources come, move and go', async (index) => {
  const all = Array.from({ length: 30 }, (_, i) => resource(`o${i}`, i % 5 === 4 ? {} : date(i)));
  await index.put(...all);
  for (const descending of [false, true]) {
    for (const small of [0, 1000]) {
      index.finder = index.finderOf(small);
      const seen: string[] = [];
      let after: string | undefined;
      for (let page = 0; ; page++) {
        const query: IndexQuery = { type: 'Observation', criteria: [], sort: [byDate(descending)], limit: 4 };
        const found = await index.finder.find({ ...query, ...(after === undefined ? {} : { after }) });
        seen.push(...found.hits.map(({ row }) => row.id));
        after = found.hits.at(-1)?.cursor();
        assert.ok((after?.length ?? 0) < 100, 'short');
        if (!found.more) break;
        // What the cursor stands at goes, something comes before it, and something after it changes in other ways.
        if (page === 1) {
          await index.remove('Observation', seen.at(-1) as string);
          await index.put(resource(`n${small}${descending}`, date(descending ? 1000 : -1000)));
          await index.put(resource('o15', { ...date(15), tokens: [{ parameter: 'new', value: 'x' }] }));
        }
      }
      const once = new Set(seen);
      assert.equal(once.size, seen.length, 'none twice');
      const there = await find(index, [], [byDate(descending)]);
      assert.deepEqual(
        seen.filter((id) => there.includes(id)),
        there.filter((id) => !id.startsWith('n') || once.has(id)),
      );
      await index.put(...all);
    }
  }
});

indexTest('a cursor is of one query', async (index) => {
  await index.put(resource('a', date(1)), resource('b', date(2)));
  const query: IndexQuery = { type: 'Observation', criteria: [token('code', 'x')], sort: [byDate(true)], limit: 1 };
  await index.put(resource('a', { tokens: [{ parameter: 'code', value: 'x' }] }));
  const cursor = (await index.finder.find(query)).hits[0]?.cursor() as string;
  assert.equal(await codeOf(index.finder.find({ ...query, after: cursor })), '');
  const others: Partial<IndexQuery>[] = [
    ...[{ type: 'Patient' }, { criteria: [] }, { criteria: [token('code', 'y')] }, { sort: [] }],
    ...[{ sort: [byDate(false)] }, { sort: [byDate(true), byDate(true)] }],
  ];
  for (const other of others)
    assert.equal(await codeOf(index.finder.find({ ...query, ...other, after: cursor })), 'CURSOR_INVALID');
  const changed = `${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'Q' : 'A'}`;
  for (const after of ['', 'x', '💥', changed, cursor.repeat(2), 'A'.repeat(100_000)])
    assert.equal(await codeOf(index.finder.find({ ...query, after })), 'CURSOR_INVALID', after.slice(0, 80));
});

indexTest('what is under an older key of the custodian is found, until it is not tried any more', async (index) => {
  const entries = { tokens: [{ parameter: 'code', value: 'x' }], ...date(1), ...family('annabelle') };
  await index.put(resource('old', entries));
  index.generations.list = [generation(2), generation(1)];
  await index.put(resource('new', entries));
  const queries: [readonly Criterion[], readonly SortKey[]][] = [
    [[token('code', 'x')], []],
    [[text('contains', 'nabel')], [byDate(true)]],
    [[], [byDate(false)]],
    [[], [{ by: 'text', parameter: 'name', descending: false }]],
  ];
  for (const [criteria, sort] of queries) assert.deepEqual(await find(index, criteria, sort), ['old', 'new']);
  index.generations.list = [generation(2)];
  assert.deepEqual(await find(index, [token('code', 'x')]), ['new']);
  // The next version moves it.
  await index.put(resource('old', entries));
  for (const [criteria, sort] of queries) assert.deepEqual(await find(index, criteria, sort), ['old', 'new']);
});

indexTest('many values and resources at once, and chains as deep as they go', async (index) => {
  const links = (id: string) => ({ links: [{ parameter: 'focus', type: 'Observation', id }] });
  const code = (value: string) => ({ tokens: [{ parameter: 'code', value }] });
  await index.put(
    ...Array.from({ length: 60 }, (_, i) =>
      resource(`o${i}`, { ...code(`c${i}`), ...links(`o${i - 1}`) }, { sensitive: i % 7 === 3 }),
    ),
  );
  const many = Array.from({ length: 300 }, (_, i) => `c${i * 2}`);
  const even = Array.from({ length: 30 }, (_, i) => `o${i * 2}`);
  assert.deepEqual(await find(index, [token('code', ...many)]), even);
  const targets = even.map((id) => ({ type: 'Observation', id }));
  assert.equal((await find(index, [{ kind: 'link', parameter: 'focus', targets }])).length, 30);
  assert.deepEqual(await find(index, [{ kind: 'id', ids: even }]), even);
  assert.equal((await find(index, [{ kind: 'account', accounts: [...even, 'alice'] }])).length, 60);
  const deep = (kind: 'chain' | 'reverse', levels: number, inner: Criterion): Criterion =>
    levels === 0 ? inner : { kind, type: 'Observation', parameter: 'focus', criteria: [deep(kind, levels - 1, inner)] };
  const nots = (levels: number, inner: Criterion): Criterion =>
    levels === 0 ? inner : { kind: 'not', of: { kind: 'any', of: [nots(levels - 1, inner)] } };
  for (const small of [0, 1000]) {
    index.finder = index.finderOf(small);
    assert.deepEqual(await find(index, [deep('chain', 3, token('code', 'c10'))]), ['o13']);
    assert.deepEqual(await find(index, [deep('reverse', 3, token('code', 'c10'))]), ['o7']);
    assert.deepEqual(await find(index, [deep('reverse', 3, nots(2, token('code', 'c10')))]), ['o7']);
  }
  assert.equal(await costOf(index, [deep('chain', 4, token('code', 'c1'))]), 'TOO_COSTLY');
  assert.equal(await costOf(index, [nots(20, token('code', 'c1'))]), 'TOO_COSTLY');
  assert.equal(
    await costOf(
      index,
      Array.from({ length: 401 }, () => token('code', 'c1')),
    ),
    'TOO_COSTLY',
  );
  assert.deepEqual(
    await find(
      index,
      Array.from({ length: 399 }, () => token('code', 'c1')),
    ),
    ['o1'],
  );
  const any: Criterion = { kind: 'any', of: Array.from({ length: 398 }, (_, i) => token('code', `c${i}`)) };
  assert.equal((await find(index, [any])).length, 60);
  const ranges = Array.from({ length: 398 }, () => ({ parameter: 'date', tests: [] }));
  assert.deepEqual(await find(index, [{ kind: 'ordinal', ranges }]), []);
  assert.equal(
    await costOf(index, [
      {
        kind: 'ordinal',
        ranges: ranges.map((range) => ({
          ...range,
          tests: [
            { end: 'low' as const, is: '<' as const, value: 1 },
            { end: 'low' as const, is: '<' as const, value: 2 },
          ],
        })),
      },
    ]),
    'TOO_COSTLY',
  );
});

indexTest('more texts than are opened at once are too many', async (index) => {
  await index.put(...Array.from({ length: 101 }, (_, i) => resource(`o${i}`, i === 0 ? {} : family(`n${i}`))));
  index.finder = index.finderOf(1000, 100);
  assert.equal((await find(index, [text('contains', 'n7')])).length, 11);
  await index.put(resource('o0', family('n0')));
  assert.equal(await costOf(index, [text('contains', 'n7')]), 'TOO_COSTLY');
  assert.equal(await codeOf(find(index, [], [{ by: 'text', parameter: 'name', descending: false }])), 'TOO_COSTLY');
  assert.deepEqual(await find(index, [text('contains', 'n7'), { kind: 'id', ids: ['o7', 'o8', 'o77'] }]), [
    'o7',
    'o77',
  ]);
});

test('what moves under another key while it is looked for is found', async (t) => {
  const connection = await sqliteConnection(t);
  let meanwhile: (() => Promise<void>) | undefined;
  const all: Connection['all'] = async (query) => {
    const run = meanwhile;
    meanwhile = undefined;
    await run?.();
    return connection.all(query);
  };
  const index = await testIndex({ ...connection, all });
  const entries = { tokens: [{ parameter: 'code', value: 'x' }] };
  await index.put(resource('a', entries));
  assert.deepEqual(await find(index, [token('code', 'x')]), ['a']);
  meanwhile = () => index.put(resource('a', entries, { sensitive: true }));
  assert.deepEqual(await find(index, [token('code', 'x')]), ['a']);
});
