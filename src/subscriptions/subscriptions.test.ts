import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { FhirAnswer } from '../../test/support/fhir-node.ts';
import {
  type HookReceiver,
  readNotification,
  startReceiver,
  subscriptionResource,
} from '../../test/support/hook-receiver.ts';
import { createSubscriptionNode, NURSE, type SubscriptionNode } from '../../test/support/subscription-node.ts';

const TOPIC = 'urn:aceso:topic:observation';
const PROFILES = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';

const observation = (code: string) => ({
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code }] },
});

/** Resolves once the journal was followed up to now: another subscription, of the same pass, was told of a marker. */
async function markedPasses(node: SubscriptionNode, receiver: HookReceiver): Promise<() => Promise<void>> {
  const topic = 'urn:aceso:topic:organization';
  const marks = await node.subscribe(subscriptionResource({ topic, endpoint: receiver.url }));
  await node.untilStatus(marks, 'active');
  let count = 0;
  return async () => {
    await node.send('POST', 'Organization', { resourceType: 'Organization', name: 'marker' });
    count += 1;
    await receiver.until(() => receiver.numbersOf(marks).length === count);
  };
}

function countIn({ json }: FhirAnswer): string | undefined {
  const parameters: { name: string; valueString: string }[] = json.entry[0].resource.parameter;
  return parameters.find(({ name }) => name === 'events-since-subscription-start')?.valueString;
}

async function started(t: TestContext) {
  const receiver = await startReceiver();
  const node = await createSubscriptionNode(t, [receiver.origin]);
  t.after(() => receiver.die());
  return { receiver, node };
}

test('a rest-hook is greeted, becomes active and is told of each event, numbered from 1', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url }));
  await node.untilStatus(id, 'active');
  const [handshake] = receiver.received;
  assert.deepEqual([handshake?.type, handshake?.status, handshake?.count], ['handshake', 'requested', 0]);
  const created = await node.send('POST', 'Observation', observation('1-8'));
  await node.send('POST', 'Patient', { resourceType: 'Patient' });
  const again = await node.send('PUT', `Observation/${created.json.id}`, { ...created.json, status: 'amended' });
  assert.equal(again.status, 200);
  await node.send('DELETE', `Observation/${created.json.id}`);
  await receiver.until(() => receiver.numbers().length === 3);
  assert.deepEqual(receiver.numbers(), [1, 2, 3]);
  const events = receiver.received.flatMap((one) => one.events);
  assert.deepEqual(
    [...new Set(events.map(({ focus }) => focus))],
    [`http://aceso.example/fhir/Observation/${created.json.id}`],
  );
  const last = receiver.received.at(-1);
  assert.deepEqual([last?.type, last?.status, last?.count], ['event-notification', 'active', 3]);
  assert.equal(last?.subscription, `http://aceso.example/fhir/Subscription/${id}`);
  assert.equal(last?.headers['content-type'], 'application/fhir+json');
  assert.equal(last?.bundle.type, 'history');
  assert.deepEqual(last?.bundle.meta.profile, [`${PROFILES}/backport-subscription-notification-r4`]);
  assert.ok(last?.bundle.entry.every((entry: { request?: object }) => entry.request !== undefined));
  assert.equal(last?.bundle.entry.length, 1, 'ids alone');
  assert.deepEqual(node.failures, []);
});

test('content is as much as was asked for', async (t) => {
  const { receiver, node } = await started(t);
  const ids: Record<string, string> = {};
  for (const content of ['empty', 'full-resource'])
    ids[content] = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, content }));
  for (const id of Object.values(ids)) await node.untilStatus(id, 'active');
  const { json, text } = await node.send('POST', 'Observation', observation('1-8'));
  await node.send('DELETE', `Observation/${json.id}`);
  await receiver.until(() => receiver.numbers().length === 4);
  const of = (content: string) =>
    receiver.received.filter((one) => one.subscription.endsWith(ids[content] as string) && one.events.length > 0);
  for (const { bundle, events } of of('empty')) {
    assert.equal(bundle.entry.length, 1);
    assert.ok(events.every(({ focus, timestamp }) => focus === undefined && timestamp !== undefined));
  }
  const entries = of('full-resource').flatMap(({ bundle }) => bundle.entry.slice(1));
  assert.deepEqual(
    entries.map(({ request, response }) => [request.method, request.url, response.status]),
    [
      ['POST', 'Observation', '201'],
      ['DELETE', `Observation/${json.id}`, '204'],
    ],
  );
  assert.equal(JSON.stringify(entries[0].resource), text);
  assert.equal(entries[1].resource, undefined);
});

test('filters let through what a search would find; several must all hold', async (t) => {
  const { receiver, node } = await started(t);
  const filters = ['Observation?code=http://loinc.org|1-8,http://loinc.org|2-9', 'status:not=amended'];
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, filters }));
  await node.untilStatus(id, 'active');
  const first = await node.send('POST', 'Observation', observation('3-1'));
  const second = await node.send('POST', 'Observation', observation('2-9'));
  await node.send('PUT', `Observation/${second.json.id}`, { ...second.json, status: 'amended' });
  const third = await node.send('POST', 'Observation', observation('1-8'));
  await node.send('DELETE', `Observation/${first.json.id}`);
  // Judged by what it was.
  await node.send('DELETE', `Observation/${third.json.id}`);
  await receiver.until(() => receiver.numbers().length >= 3);
  const told = receiver.received.flatMap(({ events }) => events.map(({ focus }) => focus?.split('/').at(-1)));
  assert.deepEqual(told, [second.json.id, third.json.id, third.json.id]);
  assert.deepEqual(receiver.numbers(), [1, 2, 3]);
});

test('what policy denies at the time of the event has no number and shows in no count', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url }));
  const passed = await markedPasses(node, receiver);
  await node.untilStatus(id, 'active');
  await node.send('POST', 'Observation', observation('1'));
  await passed();
  node.denies.read = (row) => row.type === 'Observation';
  for (const code of ['2', '3']) await node.send('POST', 'Observation', observation(code));
  await passed();
  assert.equal(countIn(await node.send('GET', `Subscription/${id}/$status`)), '1');
  node.denies.read = () => false;
  await node.send('POST', 'Observation', observation('4'));
  await passed();
  await receiver.until(() => receiver.numbersOf(id).length === 2);
  assert.deepEqual(receiver.numbersOf(id), [1, 2]);
  assert.equal(countIn(await node.send('GET', `Subscription/${id}/$status`)), '2');
});

test('what policy denies later keeps its number and shows nothing else', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url }));
  await node.untilStatus(id, 'active');
  await node.send('POST', 'Observation', observation('1'));
  await receiver.until(() => receiver.numbersOf(id).length === 1);
  node.denies.read = (row) => row.type === 'Observation';
  const events = await node.send('GET', `Subscription/${id}/$events?content=full-resource`);
  const shown = readNotification(events.text);
  assert.deepEqual(shown.events, [{ number: 1, focus: undefined, timestamp: undefined }]);
  assert.equal(shown.bundle.entry.length, 1);
});

test('what leaves is journalled before it does, as a read by the owner', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, content: 'empty' }));
  await node.untilStatus(id, 'active');
  receiver.answer.status = 503;
  const { json } = await node.send('POST', 'Observation', observation('1'));
  const row = await node.vault.current('Observation', json.id);
  receiver.answer.status = 200;
  await receiver.until(() => receiver.numbers().length === 1);
  const read = node.vault.interactions.find(({ versions }) => versions.includes(row?.leaf ?? ''));
  assert.equal(read?.kind, 'read');
  assert.equal(read?.actor, NURSE.account);
  assert.deepEqual('query' in read && [read.interaction, read.query], ['$events', `Subscription/${id}`]);
});

test('a handshake that is refused puts the subscription in error until its client asks anew', async (t) => {
  const { receiver, node } = await started(t);
  receiver.answer.status = 500;
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url }));
  const refused = await node.untilStatus(id, 'error');
  assert.equal(refused.json.error, 'RECEIVER_ANSWERED_500');
  await node.send('POST', 'Observation', observation('1'));
  receiver.answer.status = 200;
  const { error: _error, ...asked } = refused.json;
  assert.equal((await node.send('PUT', `Subscription/${id}`, { ...asked, status: 'requested' })).status, 200);
  await node.untilStatus(id, 'active');
  await node.send('POST', 'Observation', observation('2'));
  await receiver.until(() => receiver.numbers().length === 1);
  assert.deepEqual(
    receiver.received.map(({ type }) => type),
    ['handshake', 'event-notification'],
  );
});

test('a receiver that fails again and again is in error, its events count on, and none is missing when it returns', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, maxCount: 2 }));
  await node.untilStatus(id, 'active');
  receiver.answer.status = 503;
  for (const code of ['1', '2', '3']) await node.send('POST', 'Observation', observation(code));
  const failed = await node.untilStatus(id, 'error');
  assert.equal(failed.json.error, 'RECEIVER_ANSWERED_503');
  for (const code of ['4', '5']) await node.send('POST', 'Observation', observation(code));
  receiver.answer.status = 202;
  const active = await node.untilStatus(id, 'active');
  assert.equal(active.json.error, undefined);
  await receiver.until(() => receiver.numbers().length === 5);
  assert.deepEqual(receiver.numbers(), [1, 2, 3, 4, 5]);
  assert.ok(receiver.received.every(({ events }) => events.length <= 2));
});

test('two receivers, one of which never answers, do not hold each other up', async (t) => {
  const { receiver, node } = await started(t);
  const silent = await startReceiver();
  t.after(() => silent.die());
  const both = await createSubscriptionNode(t, [receiver.origin, silent.origin]);
  for (const { url } of [silent, receiver])
    await both.untilStatus(
      await both.subscribe(subscriptionResource({ topic: TOPIC, endpoint: url, timeout: 60 })),
      'active',
    );
  silent.answer.status = 0;
  for (let at = 0; at < 20; at++) await both.send('POST', 'Observation', observation(String(at)));
  await receiver.until(() => receiver.numbers().length === 20);
  assert.deepEqual(silent.numbers(), []);
  assert.ok(node.failures.length === 0);
});

test('an idle subscription has heartbeats, which are no events', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, heartbeat: 1 }));
  await node.untilStatus(id, 'active');
  await receiver.until((all) => all.filter(({ type }) => type === 'heartbeat').length === 2);
  assert.ok(receiver.received.every(({ events, count }) => events.length === 0 && count === 0));
});

test('a restart goes on where it was: no event twice with another number, none left out', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url }));
  await node.untilStatus(id, 'active');
  await node.send('POST', 'Observation', observation('1'));
  await receiver.until(() => receiver.numbers().length === 1);
  await node.stop();
  for (const code of ['2', '3']) await node.send('POST', 'Observation', observation(code));
  await node.restart();
  await receiver.until(() => receiver.numbers().includes(3));
  assert.deepEqual([...new Set(receiver.numbers())], [1, 2, 3]);
  assert.equal(receiver.received.filter(({ type }) => type === 'handshake').length, 1);
});

test('an owner who may no longer have subscriptions has one that is off', async (t) => {
  const { receiver, node } = await started(t);
  const id = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url }));
  await node.untilStatus(id, 'active');
  node.ended.add(NURSE.account);
  await node.send('POST', 'Observation', observation('1'));
  await node.untilStatus(id, 'off');
  node.ended.clear();
  await node.send('POST', 'Observation', observation('2'));
  await node.restart();
  await node.send('POST', 'Observation', observation('3'));
  assert.deepEqual(receiver.numbers(), []);
});

test('it ends when its client says so, when its end has come, and when it is deleted', async (t) => {
  const { receiver, node } = await started(t);
  const resource = subscriptionResource({ topic: TOPIC, endpoint: receiver.url });
  const id = await node.subscribe(resource);
  const active = await node.untilStatus(id, 'active');
  await node.send('PUT', `Subscription/${id}`, { ...active.json, status: 'off' });
  const deleted = await node.subscribe(resource);
  await node.untilStatus(deleted, 'active');
  assert.equal((await node.send('DELETE', `Subscription/${deleted}`)).status, 204);
  const end = new Date(node.now.ms + 60_000).toISOString();
  const ending = await node.subscribe(subscriptionResource({ topic: TOPIC, endpoint: receiver.url, end }));
  await node.untilStatus(ending, 'active');
  node.now.ms += 120_000;
  await node.untilStatus(ending, 'off');
  const last = await node.subscribe(resource);
  await node.untilStatus(last, 'active');
  await node.send('POST', 'Observation', observation('1'));
  await receiver.until(() => receiver.numbers().length > 0);
  assert.deepEqual(
    receiver.received.flatMap(({ events, subscription }) => (events.length > 0 ? [subscription] : [])),
    [`http://aceso.example/fhir/Subscription/${last}`],
  );
  assert.equal((await node.send('GET', `Subscription/${deleted}/$status`)).status, 404);
});

test('accesses are told to who may follow them, and telling is not told', async (t) => {
  const { receiver, node } = await started(t);
  const topic = 'urn:aceso:topic:access';
  const { json: patient } = await node.send('POST', 'Patient', { resourceType: 'Patient' });
  const filters = [`patient=Patient/${patient.id}`];
  const options = { topic, endpoint: receiver.url, filters, content: 'full-resource' };
  const id = await node.subscribe(subscriptionResource(options));
  await node.untilStatus(id, 'active');
  const passed = await markedPasses(node, receiver);
  await node.send('GET', `Patient/${patient.id}`);
  await receiver.until(() => receiver.numbersOf(id).length === 1);
  // What telling of it left in the journal is behind the first marker at the latest.
  for (let times = 0; times < 3; times++) await passed();
  assert.deepEqual(receiver.numbersOf(id), [1]);
  await node.send('GET', `Patient/${patient.id}`);
  await receiver.until(() => receiver.numbersOf(id).length === 2);
  const told = receiver.received.filter(({ subscription, events }) => subscription.endsWith(id) && events.length > 0);
  const [event] = told.flatMap(({ events }) => events);
  assert.match(event?.focus ?? '', /^http:\/\/node\/audit\/AuditEvent\/0-\d+$/);
  assert.equal(told.at(-1)?.bundle.entry[1].resource.resourceType, 'AuditEvent');
});
