import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Notification, readNotification, subscriptionResource } from '../../test/support/hook-receiver.ts';
import { createSubscriptionNode, NURSE } from '../../test/support/subscription-node.ts';
import { createSocketChannel } from './socket-channel.ts';

const TOPIC = 'urn:aceso:topic:observation';

/** A client's websocket: what came, and what came of it. */
function connect(url: string) {
  const socket = new WebSocket(url);
  const received: Notification[] = [];
  const waiting = new Set<() => void>();
  const closed = Promise.withResolvers<CloseEvent>();
  socket.addEventListener('message', ({ data }) => {
    received.push(readNotification(String(data)));
    for (const check of [...waiting]) check();
  });
  socket.addEventListener('close', (event) => closed.resolve(event));
  return {
    ...{ socket, received, closed: closed.promise },
    opened: new Promise((resolve) => socket.addEventListener('open', resolve)),
    until: (condition: () => boolean) =>
      new Promise<void>((resolve) => {
        const check = () => (condition() ? resolve() : undefined);
        waiting.add(check);
        check();
      }),
    numbers: () => received.flatMap(({ events }) => events.map(({ number }) => number)),
  };
}

async function started(t: TestContext) {
  const node = await createSubscriptionNode(t, []);
  const url = await node.listen();
  const write = () =>
    node.send('POST', 'Observation', { resourceType: 'Observation', status: 'final', code: { text: 'x' } });
  const tokenFor = async (id: string) => {
    const { json } = await node.send('GET', `Subscription/${id}/$get-ws-binding-token`);
    return json.parameter.find(({ name }: { name: string }) => name === 'token').valueString as string;
  };
  return { node, url, write, tokenFor };
}

test('a websocket is bound by a token, greeted, told of events, and of what it missed when it returns', async (t) => {
  const { node, url, write, tokenFor } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, heartbeat: 1 }));
  await node.untilStatus(id, 'active');
  await write();
  const first = connect(url);
  await first.opened;
  first.socket.send(`bind-with-token ${await tokenFor(id)}`);
  await first.until(() => first.numbers().length === 1);
  assert.deepEqual(
    first.received.map(({ type }) => type),
    ['handshake', 'event-notification'],
  );
  await write();
  await first.until(() => first.numbers().length === 2);
  await first.until(() => first.received.some(({ type }) => type === 'heartbeat'));
  first.socket.close();
  await first.closed;
  await write();
  const second = connect(url);
  await second.opened;
  second.socket.send(`bind-with-token ${await tokenFor(id)}`);
  await second.until(() => second.numbers().length > 0);
  assert.deepEqual([...first.numbers(), ...second.numbers()], [1, 2, 3]);
  assert.deepEqual(node.failures, []);
});

test('a token binds once, to its own subscription; anything else is cut off', async (t) => {
  const { node, url, tokenFor } = await started(t);
  const ids = [
    await node.subscribe(subscriptionResource({ topic: TOPIC })),
    await node.subscribe(subscriptionResource({ topic: 'urn:aceso:topic:patient' })),
  ] as const;
  for (const id of ids) await node.untilStatus(id, 'active');
  const tokens = [await tokenFor(ids[0]), await tokenFor(ids[1])] as const;
  const one = connect(url);
  await one.opened;
  for (const token of tokens) one.socket.send(`bind-with-token ${token}`);
  await one.until(() => one.received.length === 2);
  assert.deepEqual(new Set(one.received.map(({ subscription }) => subscription.split('/').at(-1))), new Set(ids));
  for (const message of [`bind-with-token ${tokens[0]}`, 'bind-with-token x', 'hello', 'y'.repeat(2000)]) {
    const other = connect(url);
    await other.opened;
    other.socket.send(message);
    assert.ok([1008, 1009].includes((await other.closed).code), message.slice(0, 20));
    assert.equal(other.received.length, 0);
  }
  node.caller.current = { ...NURSE, account: 'e'.repeat(32) };
  const { status } = await node.send('GET', `Subscription/${ids[0]}/$get-ws-binding-token`);
  assert.equal(status, 404);
});

test('the websocket of an owner who may no longer have it is cut off', async (t) => {
  const { node, url, write, tokenFor } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC }));
  await node.untilStatus(id, 'active');
  const client = connect(url);
  await client.opened;
  client.socket.send(`bind-with-token ${await tokenFor(id)}`);
  await client.until(() => client.received.length === 1);
  node.ended.add(NURSE.account);
  await write();
  await client.closed;
  await node.untilStatus(id, 'off');
  assert.deepEqual(client.numbers(), []);
});

test('a reader that takes nothing is cut off after the timeout, and one notification waits for it at most', async () => {
  const channel = createSocketChannel(20);
  let [sent, cut] = [0, false];
  channel.bind({
    send: () => {
      sent += 1;
    },
    terminate: () => {
      cut = true;
    },
    displaced: () => {},
  });
  await assert.rejects(channel.send('x', new AbortController().signal), { code: 'RECEIVER_TOO_SLOW' });
  assert.deepEqual([sent, cut, channel.isReady()], [1, true, false]);
});
