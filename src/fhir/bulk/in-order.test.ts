import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInOrder } from './in-order.ts';

test('results come in the order of the lists, and so many are worked on at a time', async () => {
  const waiting: (() => void)[] = [];
  const results: number[] = [];
  let [active, most] = [0, 0];
  const order = createInOrder(
    async ([first]: readonly number[]) => {
      active += 1;
      most = Math.max(most, active);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        // The later of two is done first.
        if (waiting.length === 2 || first === 7) for (const go of waiting.splice(0).reverse()) go();
      });
      active -= 1;
      return first as number;
    },
    (result) => results.push(result),
    () => 2,
  );
  for (const list of [[0], [1, 1], [2], [3], [4], [5], [6], [7]]) await order.take(list);
  await order.end();
  assert.deepEqual(results, [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.equal(order.taken, 9);
  assert.equal(most, 2);
});

test('what fails is thrown where its result is due, and nothing after it is done', async () => {
  const results: number[] = [];
  const order = createInOrder(
    async ([first]: readonly number[]) => {
      if (first === 1) throw new RangeError('one');
      return first as number;
    },
    (result) => results.push(result),
    () => 2,
  );
  await order.take([0]);
  await order.take([1]);
  await order.take([2]);
  await assert.rejects(order.take([3]), RangeError);
  await assert.rejects(order.end(), RangeError);
  assert.deepEqual(results, [0]);
});
