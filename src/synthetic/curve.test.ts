import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Curve, curveAt, whenReached } from './curve.ts';

const RISING: Curve = [
  [10, 0],
  [20, 0.5],
  [40, 0.9],
];

test('a curve is level at its ends and straight between its points', () => {
  for (const [x, y] of [
    [0, 0],
    [10, 0],
    [15, 0.25],
    [20, 0.5],
    [30, 0.7],
    [40, 0.9],
    [99, 0.9],
  ] as const) {
    assert.ok(Math.abs(curveAt(RISING, x) - y) < 1e-12, `${x}`);
  }
  assert.throws(() => curveAt([], 1), RangeError);
});

test('when a value is reached is the inverse, and never for what is above the curve', () => {
  for (const x of [11, 15, 20, 33, 40]) {
    assert.ok(Math.abs((whenReached(RISING, curveAt(RISING, x)) as number) - x) < 1e-9, `${x}`);
  }
  assert.equal(whenReached(RISING, 0.91), undefined);
  assert.equal(whenReached([[5, 0.2]], 0.1), 5);
});
