import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { createSignInStates } from './sign-in-state.ts';

const JOURNEY = { session: 'uid', custodian: 'hospital', provider: 'clinic' };

test('a state opens what it was made of, in this process, for a quarter of an hour, and is spent once', () => {
  let nowMs = 0;
  const states = createSignInStates(() => nowMs);
  const { state, nonce, verifier, challenge } = states.begin(JOURNEY);
  assert.equal(challenge, createHash('sha256').update(verifier).digest('base64url'));
  assert.equal(verifier.length, 43);
  assert.notEqual(nonce, verifier);
  const { expiresAtMs, ...opened } = states.open(state) ?? assert.fail('it opens');
  assert.deepEqual(opened, { ...JOURNEY, nonce, verifier });
  assert.ok(!Buffer.from(state, 'base64url').includes('uid'), 'the provider does not learn the session');
  assert.equal(createSignInStates(() => nowMs).open(state), undefined, 'another process');
  for (const wrong of [
    '',
    'x',
    `${state}A`,
    state.slice(0, -4),
    `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`,
  ])
    assert.equal(states.open(wrong), undefined, wrong);
  assert.equal(states.isSpent(state), false);
  assert.deepEqual([states.spend(state, 'ada'), states.spend(state, 'ada')], [true, false]);
  assert.equal(states.isSpent(state), true);
  nowMs = expiresAtMs;
  assert.equal(states.open(state), undefined);
});
