import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSpiedVault } from '../../test/support/spied-vault.ts';
import { openEventLog, type Place } from './event-log.ts';
import { LIMITS } from './limits.ts';

const CUSTODIAN = 'c'.repeat(32);
const START = { generation: 2, index: 5 };

const places = (from: number, count: number): Place[] =>
  Array.from({ length: count }, (_, at) => ({ generation: 2, index: (from + at) * 3 }));

test('events come back by their numbers, over chunks, before and after a restart', async (t) => {
  const vault = await createSpiedVault(CUSTODIAN);
  t.after(() => vault.close());
  let log = await openEventLog(vault, 'one', START);
  assert.deepEqual([log.cursor, log.count, log.oldest, log.isChanged], [START, 0, 1, true]);
  let count = 0;
  for (const more of [1, 126, 1, 1, 255, 300, 0, 128]) {
    log.advance({ generation: 2, index: count + more }, places(count, more));
    count += more;
    assert.equal(await log.save(), count);
    const reopened = await openEventLog(vault, 'one', START);
    for (const each of [log, reopened]) {
      assert.equal(each.count, count);
      const all = await each.events(1, count, 10_000);
      assert.deepEqual(
        all.map(({ number }) => number),
        Array.from({ length: count }, (_, at) => at + 1),
      );
      assert.ok(all.every(({ number, index, generation }) => generation === 2 && index === (number - 1) * 3));
    }
    log = reopened;
  }
  assert.deepEqual(
    (await log.events(127, 130, 3)).map(({ number }) => number),
    [127, 128, 129],
  );
  assert.deepEqual(await log.events(count + 1, count + 9, 9), []);
});

test('what was not saved is as if it never was', async (t) => {
  const vault = await createSpiedVault(CUSTODIAN);
  t.after(() => vault.close());
  const log = await openEventLog(vault, 'one', START);
  log.advance({ generation: 2, index: 9 }, places(0, 2));
  await log.save();
  log.advance({ generation: 2, index: 400 }, places(2, 300));
  log.setDelivered(2);
  const crashed = await openEventLog(vault, 'one', START);
  assert.deepEqual([crashed.count, crashed.cursor.index, crashed.delivered], [2, 9, 0]);
});

test('a crash between a full chunk and the state that follows it loses no number', async (t) => {
  const vault = await createSpiedVault(CUSTODIAN);
  t.after(() => vault.close());
  const log = await openEventLog(vault, 'one', START);
  log.advance({ generation: 2, index: 9 }, places(0, 100));
  await log.save();
  const { putDocument } = vault;
  vault.putDocument = async (kind, id, bytes) => {
    if (kind === 'subscription-state') throw new Error('power loss');
    return putDocument(kind, id, bytes);
  };
  log.advance({ generation: 2, index: 200 }, places(100, 100));
  await assert.rejects(log.save());
  vault.putDocument = putDocument;
  const after = await openEventLog(vault, 'one', START);
  assert.equal(after.count, 100);
  // Policy changed meanwhile: other entries are events now.
  after.advance({ generation: 2, index: 200 }, places(500, 50));
  await after.save();
  const all = await (await openEventLog(vault, 'one', START)).events(1, 150, 1000);
  assert.deepEqual([all.length, all[99]?.index, all[100]?.index], [150, 99 * 3, 500 * 3]);
});

test('the newest events are kept, and all is gone when it is removed', async (t) => {
  const vault = await createSpiedVault(CUSTODIAN);
  t.after(() => vault.close());
  const log = await openEventLog(vault, 'one', START);
  const other = await openEventLog(vault, 'one-more', START);
  other.advance({ generation: 2, index: 9 }, places(0, 200));
  await other.save();
  for (let at = 0; at < 24; at++) {
    log.advance({ generation: 2, index: at }, places(at * 500, 500));
    await log.save();
  }
  assert.equal(log.count, 12_000);
  assert.ok(log.count - log.oldest + 1 >= LIMITS.keptEvents && log.oldest > 1);
  const kept = await log.events(1, log.count, 20_000);
  assert.deepEqual([kept[0]?.number, kept.length], [log.oldest, log.count - log.oldest + 1]);
  const chunks = await vault.listDocuments('subscription-events');
  assert.ok(chunks.filter(({ id }) => id.startsWith('one.')).length <= Math.ceil(LIMITS.keptEvents / 128) + 1);
  await log.remove();
  assert.deepEqual(
    (await vault.listDocuments('subscription-events')).map(({ id }) => id),
    ['one-more.0'],
  );
  assert.deepEqual(
    (await vault.listDocuments('subscription-state')).map(({ id }) => id),
    ['one-more'],
  );
});
