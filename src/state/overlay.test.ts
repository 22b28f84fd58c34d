import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../std/bytes.ts';
import { compareKeys, createMemoryStore } from './memory-store.ts';
import { createOverlay, type Overlay } from './overlay.ts';
import type { KvReader } from './store.ts';

const RUNS = process.env.ACESO_LONG === '1' ? 50_000 : 1_500;

const key = fc.string({ unit: fc.constantFrom('a', 'b', '/', '!', '0'), minLength: 1, maxLength: 3 });
const value = fc.option(
  fc.integer({ min: 0, max: 255 }).map((byte) => Uint8Array.of(byte)),
  { nil: null, freq: 3 },
);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('range' as const), from: key, to: key }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ kind: 'open' as const }, { kind: 'keep' as const }, { kind: 'drop' as const }),
  },
);

type Model = Map<string, Uint8Array>;

function put(model: Model, key: string, value: Uint8Array | null): void {
  if (value === null) model.delete(key);
  else model.set(key, value);
}

function rangeOf(model: Model, from: string, to: string) {
  return [...model].filter(([key]) => key >= from && key < to).sort(([a], [b]) => compareKeys(a, b));
}

test('overlays over overlays agree with a map that is copied, whatever is set, kept or dropped', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, value), { maxLength: 8 }),
      fc.array(step, { maxLength: 40 }),
      (initial, steps) => {
        const store = createMemoryStore();
        const base: Model = new Map();
        for (const [key, value] of initial) put(base, key, value);
        store.apply(new Map(initial));
        const layers: { overlay: Overlay; model: Model }[] = [{ overlay: createOverlay(store), model: new Map(base) }];
        for (const action of steps) {
          const { overlay, model } = layers.at(-1) as (typeof layers)[number];
          if (action.kind === 'set') {
            overlay.set(action.key, action.value);
            put(model, action.key, action.value);
            assert.deepEqual(overlay.get(action.key), model.get(action.key));
          } else if (action.kind === 'range') {
            assert.deepEqual([...overlay.range(action.from, action.to)], rangeOf(model, action.from, action.to));
          } else if (action.kind === 'open') {
            layers.push({ overlay: createOverlay(overlay), model: new Map(model) });
          } else if (layers.length > 1) {
            layers.pop();
            const below = layers.at(-1) as (typeof layers)[number];
            if (action.kind === 'keep') {
              for (const [key, value] of overlay.writes()) below.overlay.set(key, value);
              below.model = model;
            } else {
              overlay.discard();
              assert.equal(overlay.writes().size, 0);
              assert.deepEqual([...overlay.range('', '~')], rangeOf(below.model, '', '~'));
            }
          }
        }
        for (const { overlay, model } of layers) assert.deepEqual([...overlay.range('', '~')], rangeOf(model, '', '~'));
        assert.deepEqual([...store.range('', '~')], rangeOf(base, '', '~'));
        const bottom = layers[0] as (typeof layers)[number];
        store.apply(bottom.overlay.writes());
        assert.deepEqual([...store.range('', '~')], rangeOf(bottom.model, '', '~'));
      },
    ),
    { numRuns: RUNS },
  );
});

test('many keys at once come out in byte order, and a base is not read to its end for the first', () => {
  const store = createMemoryStore();
  const names = Array.from({ length: 1000 }, (_, at) => `k/${(at * 7919) % 1000}`);
  store.apply(new Map(names.map((name) => [name, utf8(name)])));
  const overlay = createOverlay(store);
  for (const name of names) overlay.set(`${name}x`, utf8(name));
  const keys = [...overlay.range('k/', 'k0')].map(([key]) => key);
  assert.equal(keys.length, 2000);
  assert.deepEqual(keys, [...keys].sort(compareKeys));
  let read = 0;
  const counting: KvReader = {
    get: store.get,
    *range(from, to) {
      for (const entry of store.range(from, to)) {
        read++;
        yield entry;
      }
    },
  };
  for (const [first] of createOverlay(counting).range('k/', 'k0')) {
    assert.equal(first, 'k/0');
    break;
  }
  assert.equal(read, 1);
});
