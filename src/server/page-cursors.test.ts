import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../auth/caller.ts';
import { createPageCursors, lookOf } from './page-cursors.ts';

const CALLER: Caller = {
  ...{ custodian: 'c', account: 'a', kind: 'practitioner', organisation: 'c', roles: [], purpose: 'TREAT' },
};
const PLACE = { after: 'ZW50cmllczo1', lookedMs: 1_700_000_000_000 };

test('a cursor opens for whom it was given, for the same question, and for nobody else', () => {
  const cursors = createPageCursors();
  const cursor = cursors.seal(CALLER, 'question', PLACE);
  assert.match(cursor, /^[A-Za-z0-9_-]{40,200}$/);
  assert.ok(!Buffer.from(cursor, 'base64url').toString('latin1').includes(PLACE.after));
  assert.deepEqual(cursors.open(CALLER, 'question', cursor), PLACE);
  const others: readonly Partial<Caller>[] = [
    { account: 'b' },
    { custodian: 'd' },
    { organisation: 'd' },
    { purpose: 'BTG' },
    { client: 'app' },
  ];
  for (const other of others) assert.equal(cursors.open({ ...CALLER, ...other }, 'question', cursor), undefined);
  assert.equal(cursors.open(CALLER, 'another', cursor), undefined);
  assert.equal(createPageCursors().open(CALLER, 'question', cursor), undefined, 'of another start');
  const bytes = Buffer.from(cursor, 'base64url');
  for (const at of [0, 13, bytes.length - 1]) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] as number) ^ 1;
    assert.equal(cursors.open(CALLER, 'question', changed.toString('base64url')), undefined);
  }
  for (const text of ['', 'x', 'entries:5', PLACE.after, 'x'.repeat(10_000), '%'])
    assert.equal(cursors.open(CALLER, 'question', text), undefined, text.slice(0, 20));
});

test('a page that is asked for soon belongs to the look that it came from', () => {
  const { lookedMs } = PLACE;
  assert.deepEqual(lookOf(undefined, lookedMs), { lookedMs, isNew: true });
  assert.deepEqual(lookOf(PLACE, lookedMs + 599_999), { lookedMs, isNew: false });
  assert.deepEqual(lookOf(PLACE, lookedMs + 600_000), { lookedMs: lookedMs + 600_000, isNew: true });
  assert.deepEqual(lookOf(PLACE, lookedMs - 1), { lookedMs: lookedMs - 1, isNew: true });
});
