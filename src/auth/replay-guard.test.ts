import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { STATEMENT_WINDOW_MS } from './member-signature.ts';
import { createReplayGuard } from './replay-guard.ts';

const reject = rejecter(CODES);
const MAX = 100;
const newGuard = () =>
  createReplayGuard({
    maxRemembered: MAX,
    replayed: () => reject('MEMBER_CALL_REPLAYED'),
    tooMany: () => reject('MEMBER_CALL_TOO_MANY'),
  });
const stated = (member: string, nonce: number, atMs: number) => ({ member, nonce: String(nonce), atMs });

test('each statement is taken once, for each member by itself', () => {
  const guard = newGuard();
  guard.take(stated('a', 1, 0), 0);
  guard.take(stated('b', 1, 0), 0);
  assert.throws(() => guard.take(stated('a', 1, 0), 0), { code: 'MEMBER_CALL_REPLAYED' });
});

test('memory is bounded: too many within the window are refused, old ones make room', () => {
  const guard = newGuard();
  for (let nonce = 0; nonce < MAX; nonce++) guard.take(stated('a', nonce, 0), 0);
  assert.throws(() => guard.take(stated('a', -1, 0), 0), { code: 'MEMBER_CALL_TOO_MANY' });
  // Still fresh at the edge of the window, and so still remembered.
  assert.throws(() => guard.take(stated('a', 0, 0), STATEMENT_WINDOW_MS), { code: 'MEMBER_CALL_REPLAYED' });
  assert.throws(() => guard.take(stated('a', -1, 0), STATEMENT_WINDOW_MS), { code: 'MEMBER_CALL_TOO_MANY' });
  const later = STATEMENT_WINDOW_MS + 1000;
  guard.take(stated('a', -1, later), later);
  guard.take(stated('b', -1, later), later);
  assert.throws(() => guard.take(stated('a', -1, later), later), { code: 'MEMBER_CALL_REPLAYED' });
});
