import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AccessFact, type ActorFacts, findAnomalies, type SubjectFacts } from './anomalies.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A Monday at ten. */
const START_MS = Date.UTC(2026, 0, 5, 10);
const NURSE = ['nurse'];

const look = (actor: string, account: string, more: Partial<AccessFact> = {}): AccessFact => ({
  ...{ actor, account, atMs: START_MS, refused: false, breakGlass: false },
  ...more,
});
const many = (count: number, of: (index: number) => AccessFact): AccessFact[] =>
  Array.from({ length: count }, (_, i) => of(i));
const actor = (more: Partial<ActorFacts> = {}): ActorFacts => ({ roles: NURSE, families: [], addresses: [], ...more });
const subject = (more: Partial<SubjectFacts> = {}): SubjectFacts => ({
  ...{ families: [], addresses: [], isStaff: false, isVip: false, relatives: [] },
  ...more,
});

function kindsOf(
  accesses: readonly AccessFact[],
  { actors = {}, subjects = {} }: { actors?: Record<string, ActorFacts>; subjects?: Record<string, SubjectFacts> } = {},
): string[] {
  const input = { accesses, actors: new Map(Object.entries(actors)), subjects: new Map(Object.entries(subjects)) };
  return findAnomalies(input).map(
    ({ kind, actor: who, account }) => `${kind} ${who}${account === undefined ? '' : ` ${account}`}`,
  );
}

const OAK = { actors: { oak: actor({ families: ['oak'], addresses: ['1 lane 12345'] }) } };

/** One reader and one patient: what is listed. */
const PAIRS: readonly (readonly [name: string, subject: SubjectFacts, listed: readonly string[]])[] = [
  ['a stranger', subject({ families: ['elm'] }), []],
  ['the same family name', subject({ families: ['oak'] }), ['same-family-name oak p']],
  ['the same address', subject({ addresses: ['1 lane 12345'] }), ['same-address oak p']],
  ['another address', subject({ addresses: ['1 lane 99999'] }), []],
  ['a contact of the name', subject({ families: ['elm'], relatives: ['oak'] }), ['relative oak p']],
  ['a colleague', subject({ isStaff: true }), ['colleague oak p']],
  ['a VIP', subject({ isVip: true }), ['vip oak p']],
  [
    'all at once',
    subject({ families: ['oak'], isStaff: true, isVip: true }),
    ['vip oak p', 'same-family-name oak p', 'colleague oak p'],
  ],
];

test('who reads whom: by name, address, kinship, work and fame', () => {
  for (const [name, of, listed] of PAIRS) {
    assert.deepEqual(kindsOf([look('oak', 'p')], { ...OAK, subjects: { p: of } }), listed, name);
  }
  assert.deepEqual(kindsOf([look('unknown', 'p')], { subjects: { p: subject({ families: ['oak'] }) } }), []);
});

test('broken glass is always listed', () => {
  assert.deepEqual(kindsOf([look('a', 'p', { breakGlass: true }), look('a', 'q')]), ['break-glass a p']);
});

/** Peers with so many patients each, and one of more: whether that is far. */
const PEERS: readonly (readonly [name: string, peers: readonly number[], mine: number, isFar: boolean])[] = [
  ['as all others', [20, 21, 22, 23, 24], 24, false],
  ['a few more', [20, 21, 22, 23, 24], 31, false],
  ['far more', [20, 21, 22, 23, 24], 60, true],
  ['peers all alike, by a few', [5, 5, 5, 5, 5], 10, false],
  ['peers all alike, by many', [5, 5, 5, 5, 5], 16, true],
  ['peers who differ much', [1, 10, 20, 40, 80], 100, false],
  ['too few peers to tell', [1, 1, 1, 1], 90, false],
];

test('far more than peers: median and its deviation, in integers', () => {
  for (const [name, peers, mine, isFar] of PEERS) {
    const counts = [...peers, mine];
    const accesses = counts.flatMap((count, who) => many(count, (index) => look(`n${who}`, `p${index}`)));
    const actors = Object.fromEntries(counts.map((_, who) => [`n${who}`, actor()]));
    assert.deepEqual(kindsOf(accesses, { actors }), isFar ? [`more-than-peers n${peers.length}`] : [], name);
  }
});

test('peers are those of the same role', () => {
  const counts = [5, 5, 5, 5, 5, 30];
  const accesses = counts.flatMap((count, who) => many(count, (index) => look(`n${who}`, `p${index}`)));
  const actors = Object.fromEntries(
    counts.map((_, who) => [`n${who}`, actor({ roles: who === 5 ? ['clerk'] : NURSE })]),
  );
  assert.deepEqual(kindsOf(accesses, { actors }), []);
});

test('odd hours are those at which this one hardly ever acts', () => {
  const usual = many(60, (index) => look('a', 'p', { atMs: START_MS + (index % 30) * DAY_MS + (index % 6) * HOUR_MS }));
  assert.deepEqual(kindsOf(usual), []);
  const atNight = look('a', 'p', { atMs: START_MS + 17 * HOUR_MS });
  assert.deepEqual(kindsOf([...usual, atNight]), ['odd-hours a']);
  assert.deepEqual(kindsOf([...usual.slice(0, 20), atNight]), [], 'too few acts to have a pattern');
  const byNight = many(60, (index) => look('a', 'p', { atMs: START_MS + 14 * HOUR_MS + (index % 6) * HOUR_MS }));
  assert.deepEqual(kindsOf(byNight), [], 'who works by night');
});

test('many refusals, of all acts', () => {
  const refused = (count: number) => many(count, (index) => look('a', `p${index}`, { refused: true }));
  assert.deepEqual(kindsOf(refused(9)), []);
  assert.deepEqual(kindsOf(refused(10)), ['many-refusals a']);
  assert.deepEqual(kindsOf([...refused(10), ...many(41, (index) => look('a', `q${index}`))]), []);
});

test('what is listed depends on no order, and tells counts and times', () => {
  const anyLook = fc.record({
    ...{ actor: fc.constantFrom('a', 'b', 'c'), account: fc.constantFrom('p', 'q') },
    ...{ atMs: fc.integer({ min: 0, max: 30 }).map((hour) => START_MS + hour * HOUR_MS) },
    ...{ refused: fc.boolean(), breakGlass: fc.boolean() },
  });
  const subjects = new Map([['p', subject({ isVip: true })]]);
  fc.assert(
    fc.property(fc.array(anyLook, { maxLength: 80 }), (accesses) => {
      const input = { accesses, actors: new Map(), subjects };
      const found = findAnomalies(input);
      assert.deepEqual(
        new Set(findAnomalies({ ...input, accesses: accesses.toReversed() }).map((one) => JSON.stringify(one))),
        new Set(found.map((one) => JSON.stringify(one))),
      );
      for (const { firstMs, lastMs, count, why } of found) {
        assert.ok(firstMs <= lastMs && count > 0 && count <= accesses.length && why.endsWith('.'));
      }
    }),
    { numRuns: 200 },
  );
});
