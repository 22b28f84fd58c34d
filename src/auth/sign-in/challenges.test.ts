import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHALLENGE_LIFE_MS, createChallenges } from './challenges.ts';

test('a challenge holds for its use, its session and five minutes', () => {
  let nowMs = 1_800_000_000_000;
  const challenges = createChallenges(() => nowMs);
  const challenge = challenges.issue('passkey', 'session');
  assert.equal(challenges.check('passkey', 'session', challenge), 'open');
  assert.equal(challenges.check('wallet', 'session', challenge), 'wrong');
  assert.equal(challenges.check('passkey', 'another', challenge), 'wrong');
  assert.equal(createChallenges(() => nowMs).check('passkey', 'session', challenge), 'wrong');
  for (let at = 0; at < challenge.length; at++) {
    const bent = challenge.slice();
    bent[at] = (bent[at] as number) ^ 1;
    assert.equal(challenges.check('passkey', 'session', bent), 'wrong', `byte ${at}`);
  }
  assert.equal(challenges.check('passkey', 'session', challenge.subarray(1)), 'wrong');
  assert.equal(challenges.check('passkey', 'session', new Uint8Array()), 'wrong');
  nowMs += CHALLENGE_LIFE_MS - 1;
  assert.equal(challenges.check('passkey', 'session', challenge), 'open');
  nowMs += 1;
  assert.equal(challenges.check('passkey', 'session', challenge), 'expired');
});

test('a challenge is spent once', () => {
  let nowMs = 0;
  const challenges = createChallenges(() => nowMs);
  const [first, second] = [challenges.issue('passkey', 's'), challenges.issue('passkey', 's')];
  assert.equal(challenges.spend(first, 'ada'), true);
  assert.equal(challenges.spend(first, 'ada'), false);
  assert.equal(challenges.spend(second, 'ada'), true);
  nowMs = CHALLENGE_LIFE_MS - 1;
  assert.equal(challenges.spend(first, 'ada'), false);
});
