import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CodeCatalogue, isReject, rejecter } from './reject.ts';
import { KIND_HTTP_STATUS, rejectStatus } from './reject-status.ts';

const CODES = {
  DOOR_SHUT: { kind: 'denied', sentence: 'The door is shut; knock.' },
  DOOR_SMALL: { kind: 'limit', sentence: 'The door is too small; come one by one.', httpStatus: 413 },
} as const satisfies CodeCatalogue;
const reject = rejecter(CODES);

test('a refusal carries code, kind and data, and its sentence for people', () => {
  const refusal = reject('DOOR_SHUT', { door: 3 });
  assert.deepEqual([refusal.code, refusal.kind, refusal.data], ['DOOR_SHUT', 'denied', { door: 3 }]);
  assert.equal(refusal.message, 'DOOR_SHUT: The door is shut; knock.');
  assert.deepEqual(reject('DOOR_SHUT').data, {});
});

test('isReject tells a refusal from a bug', () => {
  assert.ok(isReject(reject('DOOR_SHUT')));
  for (const thrown of [new Error('DOOR_SHUT'), { code: 'DOOR_SHUT', kind: 'denied' }, undefined, 'DOOR_SHUT']) {
    assert.ok(!isReject(thrown));
  }
});

test('the status is the one that the code names, else that of its kind', () => {
  assert.equal(rejectStatus(reject('DOOR_SHUT')), 403);
  assert.equal(rejectStatus(reject('DOOR_SMALL')), 413);
  for (const status of Object.values(KIND_HTTP_STATUS)) assert.ok(status >= 400 && status < 600);
});
