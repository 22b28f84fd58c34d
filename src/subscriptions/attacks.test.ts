import assert from 'node:assert/strict';
import { before, type TestContext, test } from 'node:test';
import { BASE_URL } from '../../test/support/fhir-node.ts';
import { readNotification, startReceiver, subscriptionResource } from '../../test/support/hook-receiver.ts';
import { startSmartNode } from '../../test/support/smart-node.ts';
import { createSubscriptionNode, NURSE, type SubscriptionNode } from '../../test/support/subscription-node.ts';
import type { Caller } from '../auth/caller.ts';
import { r4Conformance } from '../fhir/conformance.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { importBundle } from '../fhir/import-bundle.ts';
import { utf8 } from '../std/bytes.ts';
import { LIMITS } from './limits.ts';
import { createWaitingSockets } from './waiting-sockets.ts';

/* What somebody tried against subscriptions, each with the answer that it gets now. */

const TOPIC = 'urn:aceso:topic:observation';
const NEVER = '00000000-0000-4000-8000-000000000000';
const FULL = { topic: TOPIC, content: 'full-resource' };

before(() => loadDefinitions());

async function started(t: TestContext) {
  const [a, b] = [await startReceiver(), await startReceiver()];
  const node = await createSubscriptionNode(t, [a.origin, b.origin]);
  t.after(() => Promise.all([a.die(), b.die()]));
  const observe = async () => {
    const { status, json } = await node.send('POST', 'Observation', {
      ...{ resourceType: 'Observation', status: 'final', valueString: 'HIV positive' },
      code: { coding: [{ system: 'urn:t', code: 'hiv' }] },
    });
    assert.equal(status, 201);
    return json.id as string;
  };
  const codeOf = async (method: string, path: string, body?: object) => {
    const { status, json } = await node.send(method, path, body);
    return `${status} ${json?.issue?.[0].details.coding[0].code ?? ''}`.trim();
  };
  const live = async (resource: object) => {
    const id = await node.subscribe(resource);
    return { id, json: (await node.untilStatus(id, 'active')).json };
  };
  return { node, a, b, observe, codeOf, live };
}

/** A token of an app for the nurse. */
const byApp = (type: string, id: string): Caller => ({
  ...NURSE,
  client: 'app-1',
  grant: { scopes: [{ context: 'user', type, permissions: 'cruds' }], id },
});

/** The count of events that an answer tells. */
// biome-ignore lint/suspicious/noExplicitAny: answers of every shape
const countIn = (json: any): number =>
  Number(
    json.entry[0].resource.parameter.find(({ name }: { name: string }) => name === 'events-since-subscription-start')
      .valueString,
  );

/** Looks again until `$status` counts so many. */
async function untilCount(node: SubscriptionNode, id: string, count: number): Promise<void> {
  while (countIn((await node.send('GET', `Subscription/${id}/$status`)).json) < count)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a narrower token of the same app and user takes no wider subscription over, and may end it', async (t) => {
  const { node, a, b, observe, codeOf, live } = await started(t);
  const wide = byApp('*', 'g1');
  node.caller.current = wide;
  const { id, json } = await live(
    subscriptionResource({ ...FULL, endpoint: a.url, header: ['Authorization: Bearer S'] }),
  );
  node.caller.current = byApp('Subscription', 'g2');
  const fresh = subscriptionResource({ ...FULL, endpoint: b.url });
  const body = { ...fresh, id, channel: { ...fresh.channel, header: json.channel.header } };
  assert.equal(await codeOf('PUT', `Subscription/${id}`, body), '403 SUBSCRIPTION_SCOPES_NARROWER');
  assert.equal(await codeOf('PUT', `Subscription/${id}`, json), '403 SUBSCRIPTION_SCOPES_NARROWER', 'nor unchanged');
  for (const operation of ['$status', '$events', '$get-ws-binding-token'])
    assert.equal(await codeOf('GET', `Subscription/${id}/${operation}`), '404 SUBSCRIPTION_NOT_FOUND', operation);
  for (const query of ['', `?id=${id}`])
    assert.equal((await node.send('GET', `Subscription/$status${query}`)).json.entry, undefined);
  node.caller.current = NURSE;
  await observe();
  await a.until(() => a.numbers().length === 1);
  assert.deepEqual(b.received, []);
  node.caller.current = wide;
  assert.equal(await codeOf('PUT', `Subscription/${id}`, { ...json, reason: 'changed' }), '200');
  node.caller.current = byApp('Subscription', 'g2');
  assert.equal(await codeOf('DELETE', `Subscription/${id}`), '204');
});

test('a header’s kept value goes to the origin that it was given for, and to no other', async (t) => {
  const { a, b, codeOf, live } = await started(t);
  const { id, json } = await live(
    subscriptionResource({ ...FULL, endpoint: a.url, header: ['Authorization: Bearer S'] }),
  );
  const to = (endpoint: string, header: readonly string[]) => ({
    ...json,
    channel: { ...json.channel, endpoint, header },
  });
  const kept = json.channel.header as string[];
  assert.equal(await codeOf('PUT', `Subscription/${id}`, to(b.url, kept)), '422 SUBSCRIPTION_HEADER_INVALID');
  // Under another name, or never kept at all: neither is a value.
  const key = kept[0]?.split(': ')[1];
  for (const header of [`X-Key: ${key}`, `constructor: ${key}`, 'Authorization: kept-AAAAAAAAAAAAAAAA'])
    assert.equal(await codeOf('PUT', `Subscription/${id}`, to(a.url, [header])), '422 SUBSCRIPTION_HEADER_INVALID');
  assert.equal(await codeOf('PUT', `Subscription/${id}`, to(`${a.origin}/other`, kept)), '200');
  await a.until((all) => all.filter(({ type }) => type === 'handshake').length === 2);
  assert.equal(a.received.at(-1)?.headers.authorization, 'Bearer S');
  assert.equal(await codeOf('PUT', `Subscription/${id}`, to(b.url, ['Authorization: Bearer T'])), '200');
  await b.until((all) => all.length === 1);
  assert.equal(b.received[0]?.headers.authorization, 'Bearer T');
  assert.ok(!JSON.stringify(b.received).includes('Bearer S'));
});

test('that there were events is journalled before a count tells of it, and once', async (t) => {
  const { node, a, observe, live } = await started(t);
  const { id } = await live(subscriptionResource({ topic: TOPIC, filters: ['Observation?code=urn:t|hiv'] }));
  const told = () =>
    node.vault.interactions.filter((one) => 'interaction' in one && ['$status', '$events'].includes(one.interaction));
  const first = await observe();
  await untilCount(node, id, 1);
  const leaf = (await node.vault.current('Observation', first))?.leaf;
  const [entry] = told();
  assert.ok(entry !== undefined && 'interaction' in entry);
  assert.deepEqual(
    [entry.kind, entry.actor, entry.interaction, entry.query, entry.versions],
    ['read', NURSE.account, '$status', `Subscription/${id}`, [leaf]],
  );
  await node.send('GET', `Subscription/${id}/$status`);
  assert.equal(told().length, 1, 'told of once');
  const administrator: Caller = { ...NURSE, kind: 'system', account: NURSE.custodian };
  node.caller.current = administrator;
  await node.send('GET', `Subscription/${id}/$status`);
  await node.send('GET', `Subscription/${id}/$status`);
  assert.deepEqual(
    told().map(({ actor }) => actor),
    [NURSE.account, administrator.account],
    'an administrator by itself',
  );
  node.caller.current = NURSE;

  await t.test('by $events that shows none of them', async () => {
    const before = told().length;
    await observe();
    for (;;) {
      const { json } = await node.send('GET', `Subscription/${id}/$events?eventsSinceNumber=1000`);
      if (countIn(json) === 2) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(told().length, before + 1);
    await node.send('GET', `Subscription/${id}/$events`);
    assert.equal(told().length, before + 2, 'what is shown, and nothing more');
  });

  await t.test('a number of before the first is refused whether there are events or not', async () => {
    const { id: none } = await live(subscriptionResource({ topic: 'urn:aceso:topic:organization' }));
    const asked = async (one: string) => {
      const { status, json } = await node.send('GET', `Subscription/${one}/$events?eventsSinceNumber=0`);
      return [status, json.issue[0].details, json.issue[0].diagnostics];
    };
    assert.deepEqual(await asked(id), await asked(none));
  });

  await t.test('and by the handshake of who binds and leaves', async () => {
    const url = await node.listen();
    const { id: bound } = await live(subscriptionResource({ topic: TOPIC }));
    const { id: marks } = await live(subscriptionResource({ topic: TOPIC, endpoint: a.url }));
    // The first is counted for both once the second was sent.
    for (const number of [1, 2]) {
      await observe();
      await a.until(() => a.numbersOf(marks).at(-1) === number);
    }
    const { json } = await node.send('GET', `Subscription/${bound}/$get-ws-binding-token`);
    const socket = new WebSocket(url);
    const received: ReturnType<typeof readNotification>[] = [];
    const notified = new Promise<void>((resolve) => {
      socket.onmessage = ({ data }) => {
        received.push(readNotification(String(data)));
        if (received.length === 2) resolve();
      };
    });
    socket.onopen = () => socket.send(`bind-with-token ${json.parameter[0].valueString}`);
    await notified;
    socket.close();
    const [handshake, ...shown] = told().filter((one) => 'query' in one && one.query === `Subscription/${bound}`);
    assert.deepEqual([received[0]?.type, received[0]?.count], ['handshake', handshake?.versions.length]);
    assert.ok(shown.length > 0, 'and what was sent then, by itself');
  });
});

test('to be told how many accesses there were is none of them', async (t) => {
  const { node, observe, live } = await started(t);
  const id = await observe();
  const reads = () =>
    node.vault.interactions.filter(
      (one) => one.kind === 'read' && 'interaction' in one && one.interaction !== '$status',
    );
  const before = reads().length;
  const { id: follows } = await live(subscriptionResource({ topic: 'urn:aceso:topic:access' }));
  for (let round = 0; round < 3; round++) {
    // Whatever came before it was looked at before it: also that the count of the last round was told.
    await node.send('GET', `Observation/${id}`);
    await untilCount(node, follows, reads().length - before);
  }
  assert.equal(countIn((await node.send('GET', `Subscription/${follows}/$status`)).json), reads().length - before);
  assert.ok(node.vault.interactions.some((one) => 'interaction' in one && one.interaction === '$status'));
});

test('another’s subscription is as absent as what never was, also among staff', async (t) => {
  const { node, a, live } = await started(t);
  const { id, json } = await live(subscriptionResource({ topic: TOPIC, endpoint: a.url }));
  node.caller.current = { ...NURSE, account: 'd'.repeat(32) };
  const patch = { 'content-type': 'application/json-patch+json' };
  const basic = (reference: string) => ({
    ...{ resourceType: 'Basic', code: { text: 'x' } },
    extension: [{ url: 'urn:x', valueReference: { reference } }],
  });
  const bundle = (request: object, resource?: object) => ({
    ...{ resourceType: 'Bundle', type: 'transaction' },
    entry: [{ request, ...(resource && { resource }) }],
  });
  const asks: readonly ((one: string) => ReturnType<SubscriptionNode['send']>)[] = [
    ...['', '/_history', '/_history/1', '/$status', '/$events', '/$get-ws-binding-token'].map(
      (rest) => (one: string) => node.send('GET', `Subscription/${one}${rest}`),
    ),
    (one) => node.send('PUT', `Subscription/${one}`, { ...json, id: one }),
    (one) => node.send('PUT', `Subscription/${one}`, { ...json, id: one }, { 'if-match': 'W/"1"' }),
    (one) => node.send('PUT', `Subscription/${one}`, { ...json, id: one, criteria: 'none' }),
    (one) => node.send('PATCH', `Subscription/${one}`, [{ op: 'add', path: '/reason', value: 'x' }], patch),
    (one) => node.send('DELETE', `Subscription/${one}`),
    (one) => node.send('DELETE', `Subscription?_id=${one}`),
    (one) => node.send('POST', 'Basic', basic(`Subscription/${one}`)),
    (one) => node.send('POST', 'Basic', basic(`Subscription/${one}/_history/1`)),
    (one) => node.send('POST', '', bundle({ method: 'DELETE', url: `Subscription/${one}` })),
    (one) => node.send('POST', '', bundle({ method: 'PUT', url: `Subscription/${one}` }, { ...json, id: one })),
  ];
  for (const [at, ask] of asks.entries()) {
    const [there, never] = [await ask(id), await ask(NEVER)];
    const plain = (text: string, one: string) =>
      text.replaceAll(one, 'ID').replace(/"(id|timestamp|requestId|lastUpdated)":"[^"]*"/g, '');
    assert.equal(there.status, never.status, `${at}: ${there.text} ${never.text}`);
    assert.equal(plain(there.text, id), plain(never.text, NEVER), String(at));
  }
  node.caller.current = NURSE;
  assert.equal((await node.send('GET', `Subscription/${id}`)).json.meta.versionId, json.meta.versionId);
});

test('many at once get no more room than one after the other, nor do those that were off', async (t) => {
  const { node, codeOf } = await started(t);
  const resource = subscriptionResource({ topic: TOPIC });
  const many = LIMITS.perClient + 30;
  const all = await Promise.all(Array.from({ length: many }, () => node.send('POST', 'Subscription', resource)));
  const made = all.filter(({ status }) => status === 201).map(({ json }) => json.id as string);
  assert.equal(made.length, LIMITS.perClient);
  const [first = '', second = ''] = made;
  const { json } = await node.untilStatus(first, 'active');
  assert.equal(await codeOf('PUT', `Subscription/${first}`, { ...json, reason: 'changed' }), '200', 'its own place');
  assert.equal(await codeOf('PUT', `Subscription/${first}`, { ...json, status: 'off' }), '200');
  while ((await codeOf('POST', 'Subscription', resource)) !== '201')
    await new Promise((resolve) => setTimeout(resolve, 5));
  const again = { ...json, status: 'requested' };
  assert.equal(await codeOf('PUT', `Subscription/${first}`, again), '429 SUBSCRIPTION_TOO_MANY');
  await node.send('DELETE', `Subscription/${second}`);
  while ((await codeOf('PUT', `Subscription/${first}`, again)) !== '200')
    await new Promise((resolve) => setTimeout(resolve, 5));
});

test('strangers’ websockets keep nobody else’s out, and who is bound elsewhere keeps no connection', async (t) => {
  const { node, live } = await started(t);
  const { id } = await live(subscriptionResource({ topic: TOPIC }));
  const url = await node.listen();
  const opened = () =>
    new Promise<WebSocket>((resolve) => {
      const socket = new WebSocket(url);
      socket.onopen = () => resolve(socket);
    });
  const strangers = await Promise.all(Array.from({ length: 250 }, opened));
  const bind = async () => {
    const { json } = await node.send('GET', `Subscription/${id}/$get-ws-binding-token`);
    const socket = await opened();
    const closed = new Promise<number>((resolve) => {
      socket.onclose = ({ code }) => resolve(code);
    });
    const greeted = new Promise<'greeted'>((resolve) => {
      socket.onmessage = () => resolve('greeted');
    });
    socket.send(`bind-with-token ${json.parameter[0].valueString}`);
    return { socket, closed, first: await Promise.race([greeted, closed]) };
  };
  const one = await bind();
  assert.equal(one.first, 'greeted');
  const other = await bind();
  assert.equal(other.first, 'greeted');
  assert.equal(await one.closed, 1008);
  for (const socket of [...strangers, other.socket]) socket.close();
});

test('of those who wait for a token the longest waiting goes, of its own network first', () => {
  const cut: string[] = [];
  const sockets = createWaitingSockets(2, 4);
  const enter = (name: string, address: string) => sockets.enter(address, () => cut.push(name));
  enter('a1', '192.0.2.1');
  const leave = enter('b1', '2001:db8::1');
  enter('b2', '2001:db8::2');
  enter('b3', '2001:db8::3');
  assert.deepEqual(cut, ['b1'], 'one network of IPv6');
  leave();
  enter('c1', '192.0.2.3');
  enter('d1', '192.0.2.4');
  assert.deepEqual(cut, ['b1', 'a1']);
  enter('b4', '2001:db8::4');
  assert.deepEqual(cut, ['b1', 'a1', 'b2']);
});

test('an import writes no subscription, and none over another’s', async (t) => {
  const { node, a, b, live } = await started(t);
  const { id } = await live(subscriptionResource({ topic: TOPIC, endpoint: a.url }));
  const sent = { ...subscriptionResource({ ...FULL, endpoint: b.url, header: ['Authorization: Bearer PLAIN'] }), id };
  const options = {
    ...{ vault: node.vault, conformance: r4Conformance(await loadDefinitions()), baseUrl: BASE_URL, clock: Date.now },
    registration: { register: async () => 'b'.repeat(32), registerMany: async () => [] },
  };
  for (const url of [`Subscription/${id}`, 'Subscription/other']) {
    const resource = { ...sent, id: url.split('/')[1] };
    const entry = [{ request: { method: 'PUT', url }, resource }];
    const bundle = utf8(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
    await assert.rejects(importBundle(bundle, options), { code: 'IMPORT_SUBSCRIPTION', data: { entry: 0 } });
  }
  assert.equal((await node.vault.current('Subscription', id))?.author, node.vault.custodian);
  assert.equal(await node.vault.current('Subscription', 'other'), undefined);
});

test('a subscription ends with the token of the organisation that it was asked for by', async (t) => {
  const node = await startSmartNode(t);
  const hired = async (days: number) =>
    (
      await node.api('POST', '/api/tokens', {
        label: 'test',
        roleCodes: ['http://snomed.info/sct|309343006'],
        purposes: ['TREAT'],
        days,
      })
    ).json as { token: string };
  const { token } = await hired(1);
  const resource = subscriptionResource({ topic: TOPIC });
  const made = await node.fhir(token, 'Subscription', {
    ...{ method: 'POST', body: JSON.stringify(resource) },
    headers: { 'content-type': 'application/fhir+json' },
  });
  assert.equal(made.status, 201, made.text);
  const statusNow = async () => (await node.fhir(node.admin, `Subscription/${made.json.id}`)).json.status as string;
  while ((await statusNow()) !== 'active') await new Promise((resolve) => setTimeout(resolve, 10));
  const observe = () =>
    node.fhir(node.admin, 'Observation', {
      ...{ method: 'POST', headers: { 'content-type': 'application/fhir+json' } },
      body: JSON.stringify({ resourceType: 'Observation', status: 'final', code: { text: 'x' } }),
    });
  await observe();
  assert.equal(await statusNow(), 'active');
  assert.equal((await node.api('POST', '/api/tokens/revoke', { token })).status, 200);
  await observe();
  while ((await statusNow()) !== 'off') await new Promise((resolve) => setTimeout(resolve, 10));
});
