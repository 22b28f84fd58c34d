import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8ToText } from '../std/bytes.ts';
import type { Json } from '../std/canonical-json.ts';
import { createMemoryStore } from './memory-store.ts';
import { createOverlay } from './overlay.ts';
import { stateMap } from './typed-map.ts';
import { createStateReader, createStateWriter, storeKey, storeKeyOf } from './typed-state.ts';

type Value = { readonly n: number; readonly list?: readonly { readonly deep: string }[] };
const single = stateMap<readonly [string], Value>('test.single', 1);
const pairs = stateMap<readonly [string, string], Value>('test.pairs', 2);
const longer = stateMap<readonly [string, string], Value>('test.pairs2', 2);

function fresh() {
  const overlay = createOverlay(createMemoryStore());
  return { overlay, state: createStateWriter(overlay) };
}

test('values are canonical JSON under s/<map>/<parts>', () => {
  const { overlay, state } = fresh();
  state.set(pairs, ['a', 'b'], { n: 1, list: [{ deep: 'x' }] });
  assert.equal(storeKey(pairs, ['a', 'b']), 's/test.pairs/a/b');
  assert.equal(utf8ToText(overlay.get('s/test.pairs/a/b') as Uint8Array), '{"list":[{"deep":"x"}],"n":1}');
  assert.deepEqual(state.get(pairs, 'a', 'b'), { n: 1, list: [{ deep: 'x' }] });
  state.delete(pairs, ['a', 'b']);
  assert.equal(state.get(pairs, 'a', 'b'), undefined);
  assert.deepEqual([...overlay.writes()], [['s/test.pairs/a/b', null]]);
});

test('values are copies, frozen through and through', () => {
  const { state } = fresh();
  const given = { n: 1, list: [{ deep: 'x' }] };
  state.set(single, ['a'], given);
  given.list[0] = { deep: 'changed' };
  const got = state.get(single, 'a') as Value;
  assert.deepEqual(got.list, [{ deep: 'x' }]);
  assert.throws(() => Object.assign(got, { n: 2 }), TypeError);
  assert.throws(() => Object.assign(got.list as object[], { 0: {} }), TypeError);
  assert.throws(() => Object.assign(got.list?.[0] as object, { deep: 'y' }), TypeError);
  state.set(single, ['a'], { n: 5 });
  assert.equal(got.n, 1);
});

test('what is no canonical JSON, or no key, throws and writes nothing', () => {
  const { overlay, state } = fresh();
  for (const n of [1.5, 2 ** 53, -0, Number.NaN]) assert.throws(() => state.set(single, ['a'], { n }), TypeError);
  assert.throws(() => state.set(single, ['a'], { n: undefined } as never), TypeError);
  for (const part of ['', 'a/b', 'a b', 'é', '!', '..\n', 'x'.repeat(129), '\u0000']) {
    assert.throws(() => state.set(single, [part], { n: 1 }), TypeError, part);
    assert.throws(() => state.get(single, part), TypeError);
    assert.throws(() => [...state.entries(pairs, [part])], TypeError);
  }
  assert.throws(() => state.set(pairs, ['a'] as never, { n: 1 }), TypeError);
  assert.throws(() => state.get(pairs, ...(['a', 'b', 'c'] as unknown as readonly [string, string])), TypeError);
  assert.throws(() => [...state.entries(pairs, ['a', 'b', 'c'])], TypeError);
  assert.equal(overlay.writes().size, 0);
  assert.equal(storeKeyOf('m', ['a.b_c:d-E9', 'x'.repeat(128)]), `s/m/a.b_c:d-E9/${'x'.repeat(128)}`);
});

test('entries: byte order, by prefix of whole parts, after a key, over base and writes', () => {
  const store = createMemoryStore();
  const base = createOverlay(store);
  const before = createStateWriter(base);
  const keys = [
    ['a', '1'],
    ['a', '10'],
    ['a', '2'],
    ['a', 'B'],
    ['a', 'b'],
    ['a-', '1'],
    ['a.b', '1'],
    ['a0', '1'],
    ['aa', '1'],
    ['b', '1'],
  ] as const;
  for (const [at, key] of keys.entries()) if (at % 2 === 0) before.set(pairs, key, { n: at });
  before.set(pairs, ['b', 'gone'], { n: 0 });
  before.set(longer, ['a', '1'], { n: 99 });
  store.apply(base.writes());
  const state = createStateWriter(createOverlay(store));
  for (const [at, key] of keys.entries()) if (at % 2 === 1) state.set(pairs, key, { n: at });
  state.delete(pairs, ['b', 'gone']);

  const list = (prefix: readonly string[], after?: readonly [string, string]) =>
    [...state.entries(pairs, prefix, after)].map(([key]) => key.join('/'));
  assert.deepEqual(list([]), ['a-/1', 'a.b/1', 'a/1', 'a/10', 'a/2', 'a/B', 'a/b', 'a0/1', 'aa/1', 'b/1']);
  assert.deepEqual(list(['a']), ['a/1', 'a/10', 'a/2', 'a/B', 'a/b']);
  assert.deepEqual(list(['a', '1']), ['a/1']);
  assert.deepEqual(list(['c']), []);
  assert.deepEqual(list(['a'], ['a', '1']), ['a/10', 'a/2', 'a/B', 'a/b']);
  assert.deepEqual(list(['a'], ['a', '11']), ['a/2', 'a/B', 'a/b']);
  assert.deepEqual(list([], ['a', 'b']), ['a0/1', 'aa/1', 'b/1']);
  // A key before or beyond the prefix neither lets others in nor breaks the range.
  assert.deepEqual(list(['a'], ['a-', '1']), ['a/1', 'a/10', 'a/2', 'a/B', 'a/b']);
  assert.deepEqual(list(['a'], ['b', '1']), []);
  assert.deepEqual(list(['a', '1'], ['a', '1']), []);
  assert.deepEqual(
    [...state.entries(longer, [])].map(([key]) => key),
    [['a', '1']],
  );
  assert.deepEqual([...state.entries(pairs, ['a', '10'])], [[['a', '10'], { n: 1 }]]);
});

test('the meter is told of every access and of the bytes it moved', () => {
  const told: (readonly [string, number])[] = [];
  const overlay = createOverlay(createMemoryStore());
  const state = createStateWriter(overlay, (op, bytes) => void told.push([op, bytes]));
  state.set(single, ['a'], { n: 1 });
  state.get(single, 'a');
  state.get(single, 'none');
  assert.equal([...state.entries(single, [])].length, 1);
  state.delete(single, ['a']);
  assert.deepEqual(told, [
    ['set', 7],
    ['get', 7],
    ['get', 0],
    ['entry', 7],
    ['delete', 0],
  ]);
  const stop = new Error('enough');
  const metered = createStateWriter(overlay, () => {
    throw stop;
  });
  assert.throws(() => metered.set(single, ['b'], { n: 1 }), stop);
  assert.equal(overlay.get('s/test.single/b'), undefined);
});

test('a reader sees what its store holds', () => {
  const { overlay, state } = fresh();
  state.set(single, ['a'], { n: 1 });
  const reader = createStateReader(overlay);
  assert.deepEqual(reader.get(single, 'a'), { n: 1 } satisfies Json);
  overlay.discard();
  assert.equal(reader.get(single, 'a'), undefined);
});
