import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSpentOnce } from './spent-once.ts';

test('what is spent is spent until it expires, and whoever spends without end keeps nobody else out', () => {
  let nowMs = 0;
  const spent = createSpentOnce(() => nowMs);
  assert.equal(spent.spend('first', 1000, 'ann'), true);
  assert.deepEqual([spent.isSpent('first'), spent.isSpent('second')], [true, false]);
  assert.equal(spent.spend('first', 1000, 'bob'), false);
  let taken = 0;
  while (spent.spend(`mallory ${taken}`, 1000, 'mallory')) taken++;
  assert.equal(taken, 200);
  assert.equal(spent.spend('second', 1000, 'ann'), true);
  nowMs = 1000;
  assert.equal(spent.spend('mallory again', 2000, 'mallory'), true);
  assert.equal(spent.isSpent('first'), false);
});
