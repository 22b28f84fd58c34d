import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readNotification, startReceiver, subscriptionResource } from '../../test/support/hook-receiver.ts';
import { createSubscriptionNode } from '../../test/support/subscription-node.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from '../vault/codes.ts';

const reject = rejecter(CODES);
const TOPIC = 'urn:aceso:topic:observation';
const MISSING = 'SUBSCRIPTION_EVENTS_MISSING';

const observation = (code: string) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code }] },
});

/** A node of whose journal and blobs tests damage what they like. */
async function started(t: TestContext) {
  const receiver = await startReceiver();
  const node = await createSubscriptionNode(t, [receiver.origin]);
  t.after(() => receiver.die());
  const [entries, blobs] = [new Set<number>(), new Set<string>()];
  const { entriesFrom, journalEntry, open } = node.vault;
  Object.assign(node.vault, {
    entriesFrom: async (generation: number, index: number, limit: number) => {
      const read = await entriesFrom(generation, index, limit);
      if (read.some((entry) => entries.has(entry.index))) throw reject('VAULT_DAMAGED', { table: 'entry' });
      return read;
    },
    journalEntry: async (generation: number, index: number) => {
      if (entries.has(index)) throw reject('VAULT_DAMAGED', { table: 'entry' });
      return journalEntry(generation, index);
    },
    open: async (row: Parameters<typeof open>[0]) => {
      if (blobs.has(row.id)) throw reject('BLOB_DAMAGED', { generation: row.generation, index: row.journalIndex });
      return open(row);
    },
  } satisfies Partial<typeof node.vault>);
  const subscribe = async (more: object = {}) => {
    const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, ...more }));
    await node.untilStatus(id, 'active');
    return id;
  };
  const write = async (code: string) => (await node.send('POST', 'Observation', observation(code))).json.id as string;
  const told = (id: string) => receiver.received.filter(({ subscription }) => subscription.endsWith(`/${id}`));
  return { node, receiver, entries, blobs, subscribe, write, told };
}

test('a damaged entry is passed over: those after it get their numbers, and subscribers are told once', async (t) => {
  const { node, receiver, entries, subscribe, write, told } = await started(t);
  const id = await subscribe();
  await write('1');
  await receiver.until(() => receiver.numbersOf(id).length === 1);
  entries.add(node.vault.journalHead().size);
  await write('2');
  // What was not an event of anybody may have been one of everybody.
  await receiver.until(() => told(id).some(({ error }) => error === MISSING));
  await write('3');
  await receiver.until(() => receiver.numbersOf(id).length === 2);
  assert.deepEqual(receiver.numbersOf(id), [1, 2]);
  const saying = told(id).filter(({ error }) => error === MISSING);
  assert.deepEqual(
    saying.map(({ type, status, events }) => [type, status, events.length]),
    [['heartbeat', 'active', 0]],
  );
  assert.equal(told(id).at(-1)?.error, undefined);
  const [failure, ...others] = node.failures as { generation: number; index: number }[];
  assert.deepEqual([failure?.index, others], [[...entries][0], []], 'said in the log, once');

  await t.test(
    'who asks sees it until the subscription is asked for anew, and a restart tells nobody again',
    async () => {
      const asked = async () => (await node.send('GET', `Subscription/${id}/$status`)).text.includes(MISSING);
      assert.ok(await asked());
      await node.restart();
      await write('4');
      await receiver.until(() => receiver.numbersOf(id).includes(3));
      assert.equal(told(id).filter(({ error }) => error === MISSING).length, 1);
      assert.ok(await asked());
      const { json } = await node.send('GET', `Subscription/${id}`);
      await node.send('PUT', `Subscription/${id}`, { ...json, status: 'requested' });
      await receiver.until((all) => all.filter(({ type }) => type === 'handshake').length === 2);
      await node.untilStatus(id, 'active');
      assert.ok(!(await asked()));
    },
  );
});

test('a receiver that is away is told when it is back, and one that begins later is not', async (t) => {
  const { node, receiver, entries, subscribe, write, told } = await started(t);
  const id = await subscribe();
  receiver.answer.status = 503;
  entries.add(node.vault.journalHead().size);
  await write('1');
  await write('2');
  await node.untilStatus(id, 'error');
  await node.restart();
  receiver.answer.status = 200;
  await receiver.until(() => receiver.numbersOf(id).length === 1);
  const [first] = told(id).filter(({ type }) => type !== 'handshake');
  assert.deepEqual([first?.type, first?.error], ['event-notification', MISSING]);
  const later = await subscribe();
  await write('3');
  await receiver.until(() => receiver.numbersOf(later).length === 1);
  assert.ok(told(later).every(({ error }) => error === undefined));
});

test('subscriptions that are not equally far each see what comes after their own place', async (t) => {
  const { node, receiver, entries, subscribe, write } = await started(t);
  const behind = await subscribe();
  await node.stop();
  entries.add(node.vault.journalHead().size);
  await write('1');
  const ahead = await node.subscribe(subscriptionResource({ topic: TOPIC }));
  await write('2');
  await node.restart();
  await receiver.until(() => receiver.numbersOf(behind).length === 1);
  const { text } = await node.send('GET', `Subscription/${ahead}/$events`);
  const { events, error } = readNotification(text);
  assert.deepEqual([events.length, error], [1, undefined]);
});

test('a version that cannot be opened to be filtered is missing, and one that is no event for its filter’s sake is not', async (t) => {
  const { receiver, blobs, subscribe, write, told, node } = await started(t);
  const filtered = await subscribe({ filters: ['code=http://loinc.org|1'] });
  const all = await subscribe({ content: 'full-resource' });
  const write1 = node.vault.write;
  Object.assign(node.vault, {
    async write(...given: Parameters<typeof write1>) {
      for (const { id, type } of given[0]) if (type === 'Observation') blobs.add(id);
      return write1(...given);
    },
  });
  await write('1');
  Object.assign(node.vault, { write: write1 });
  await write('1');
  await receiver.until(() => receiver.numbersOf(filtered).length === 1 && receiver.numbersOf(all).length === 2);
  assert.ok(told(filtered).some(({ error }) => error === MISSING));
  // The event is known without looking into it, and delivered without what it cannot show.
  assert.ok(told(all).every(({ error }) => error === undefined));
  assert.deepEqual(receiver.numbersOf(all), [1, 2]);
  const [hidden, shown] = told(all).flatMap(({ events }) => events);
  assert.deepEqual([hidden?.focus, shown?.focus === undefined], [undefined, false]);
});

test('an entry that is damaged after it got its number keeps the number, and shows nothing else', async (t) => {
  const { node, receiver, entries, subscribe, write } = await started(t);
  const id = await subscribe();
  const at = node.vault.journalHead().size;
  await write('1');
  await write('2');
  await receiver.until(() => receiver.numbersOf(id).length === 2);
  entries.add(at);
  const { events } = readNotification((await node.send('GET', `Subscription/${id}/$events`)).text);
  assert.deepEqual(
    events.map(({ number, focus }) => [number, focus === undefined]),
    [
      [1, true],
      [2, false],
    ],
  );
});
