import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTokenBuckets } from './rate-limit-buckets.ts';

const POLICY = { perSecond: 10, burst: 20 };

test('a bucket gives its burst at once and then what flows in, and is never fuller than full', () => {
  let nowMs = 0;
  const buckets = createTokenBuckets(POLICY, { clock: () => nowMs });
  assert.equal(buckets.levelOf('a'), 20);
  for (let left = 19; left >= 0; left--) assert.equal(buckets.spend('a', 1), left);
  nowMs = 500;
  assert.equal(buckets.levelOf('a'), 5);
  nowMs = 60_000;
  assert.equal(buckets.levelOf('a'), 20);
  assert.equal(buckets.levelOf('b'), 20);
});

test('what is spent beyond is a debt of one burst at the most, and is paid back by waiting', () => {
  let nowMs = 0;
  const buckets = createTokenBuckets(POLICY, { clock: () => nowMs });
  assert.equal(buckets.spend('a', 25), -5);
  assert.equal(buckets.spend('a', 1000), -20);
  nowMs = 2000;
  assert.equal(buckets.levelOf('a'), 0);
});

test('a clock that goes back fills nothing', () => {
  let nowMs = 5000;
  const buckets = createTokenBuckets(POLICY, { clock: () => nowMs });
  buckets.spend('a', 20);
  nowMs = 0;
  assert.equal(buckets.levelOf('a'), 0);
  nowMs = 100;
  assert.equal(buckets.levelOf('a'), 1);
});

test('a flood of names does not make an empty bucket full as long as it is spent from', () => {
  const buckets = createTokenBuckets(POLICY, { clock: () => 0, generation: 100 });
  buckets.spend('attacker', 20);
  for (let round = 0; round < 50; round++) {
    for (let name = 0; name < 99; name++) buckets.spend(`flood ${round} ${name}`, 1);
    assert.equal(buckets.levelOf('attacker'), 0, `round ${round}`);
    buckets.spend('attacker', 0);
  }
});

test('what was not spent from for two generations is forgotten, and no more than two are remembered', () => {
  const buckets = createTokenBuckets(POLICY, { clock: () => 0, generation: 100 });
  for (let name = 0; name < 1000; name++) buckets.spend(`${name}`, 1);
  const remembered = Array.from({ length: 1000 }, (_, name) => buckets.levelOf(`${name}`)).filter((one) => one < 20);
  assert.ok(remembered.length <= 200 && remembered.length >= 100, String(remembered.length));
  assert.equal(buckets.levelOf('999'), 19);
  assert.equal(buckets.levelOf('0'), 20);
});
