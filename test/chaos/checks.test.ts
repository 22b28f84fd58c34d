import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOneHistory, longestGapSeconds } from './checks.ts';

const times = (...seconds: number[]) => new Map(seconds.map((second, at) => [at + 1, second * 1000]));

test('the longest time without a block is found, at the beginning and the end too', () => {
  assert.equal(longestGapSeconds(times(1, 2, 9, 10), [0, 11_000], []), 7);
  assert.equal(longestGapSeconds(times(8, 9), [0, 10_000], []), 8);
  assert.equal(longestGapSeconds(times(1, 2), [0, 10_000], []), 8);
  assert.equal(longestGapSeconds(times(), [0, 10_000], []), 10);
});

test('a span without a quorum is excused, and what comes after it is not', () => {
  const span = [2_000, 20_000] as const;
  assert.equal(longestGapSeconds(times(1, 2, 22, 23), [0, 24_000], [span]), 2);
  assert.equal(longestGapSeconds(times(1, 2, 38, 39), [0, 40_000], [span]), 18);
});

test('two app hashes at one height are found, between nodes and in two lives of one', () => {
  const block = (height: number, appHash: string) => ({ height, appHash, atMs: 0 });
  const ash = { slug: 'ash', executed: [block(1, 'aa'), block(2, 'bb'), block(2, 'bb')] };
  assert.equal(checkOneHistory([ash, { slug: 'birch', executed: [block(2, 'bb'), block(3, 'cc')] }]), 2);
  assert.throws(
    () => checkOneHistory([ash, { slug: 'birch', executed: [block(2, 'b0')] }]),
    /height 2: ash bb, birch b0/,
  );
  assert.throws(() => checkOneHistory([{ slug: 'ash', executed: [block(4, 'aa'), block(4, 'ab')] }]), /height 4/);
});
