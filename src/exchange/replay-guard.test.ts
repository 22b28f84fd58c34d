import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReplayGuard, MAX_REMEMBERED } from './replay-guard.ts';
import { STATEMENT_WINDOW_MS, type Statement } from './statement.ts';

const statement = (member: string, nonce: number, atMs: number) =>
  ({ member, nonce: String(nonce), atMs }) as unknown as Statement;

test('each statement is taken once, for each member by itself', () => {
  const guard = createReplayGuard();
  guard.take(statement('a', 1, 0), 0);
  guard.take(statement('b', 1, 0), 0);
  assert.throws(() => guard.take(statement('a', 1, 0), 0), { code: 'EXCHANGE_REPLAYED' });
});

test('memory is bounded: too many within the window are refused, old ones make room', () => {
  const guard = createReplayGuard();
  for (let nonce = 0; nonce < MAX_REMEMBERED; nonce++) guard.take(statement('a', nonce, 0), 0);
  assert.throws(() => guard.take(statement('a', -1, 0), 0), { code: 'EXCHANGE_TOO_MANY_CALLS' });
  // Still fresh at the edge of the window, and so still remembered.
  assert.throws(() => guard.take(statement('a', 0, 0), STATEMENT_WINDOW_MS), { code: 'EXCHANGE_REPLAYED' });
  const later = STATEMENT_WINDOW_MS + 1;
  guard.take(statement('a', -1, later), later);
  guard.take(statement('b', -1, later), later);
});
