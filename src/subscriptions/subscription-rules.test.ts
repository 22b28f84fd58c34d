import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readNotification, startReceiver, subscriptionResource } from '../../test/support/hook-receiver.ts';
import { createSubscriptionNode, NURSE } from '../../test/support/subscription-node.ts';
import { LIMITS } from './limits.ts';

const TOPIC = 'urn:aceso:topic:observation';
const BASE = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';

async function started(t: TestContext) {
  const receiver = await startReceiver();
  const node = await createSubscriptionNode(t, [receiver.origin]);
  t.after(() => receiver.die());
  const resource = subscriptionResource({ topic: TOPIC, endpoint: receiver.url });
  const codeOf = async (given: object) => {
    const { status, json } = await node.send('POST', 'Subscription', given);
    return `${status} ${json.issue?.[0].details.coding[0].code}`;
  };
  return { receiver, node, resource, codeOf };
}

test('what a subscription asks for and is not served is refused with 422, a code each', async (t) => {
  const { resource, codeOf, receiver } = await started(t);
  const { channel } = resource;
  const filters = (...valueString: string[]) => ({
    ...resource,
    _criteria: { extension: valueString.map((one) => ({ url: `${BASE}/backport-filter-criteria`, valueString: one })) },
  });
  const withChannel = (more: object) => ({ ...resource, channel: { ...channel, ...more } });
  const extended = (name: string, value: object) => withChannel({ extension: [{ url: `${BASE}/${name}`, ...value }] });
  const content = (valueCode: string) => ({
    _payload: { extension: [{ url: `${BASE}/backport-payload-content`, valueCode }] },
  });
  const refused: readonly (readonly [string, object])[] = [
    ['SUBSCRIPTION_TOPIC_UNKNOWN', { ...resource, criteria: 'Observation?code=1-8' }],
    ['SUBSCRIPTION_TOPIC_UNKNOWN', { ...resource, criteria: 'urn:aceso:topic:subscription' }],
    ['SUBSCRIPTION_FILTER_INVALID', filters('Patient?name=x')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('colour=red')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('Observation?patient.name=x')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('Observation?_has:Provenance:target:agent=x')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('Observation?_count=1')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('date=yesterday')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('Observation?')],
    ['SUBSCRIPTION_FILTER_INVALID', filters('x'.repeat(LIMITS.filterChars + 1))],
    ['SUBSCRIPTION_FILTER_INVALID', filters(...Array.from({ length: LIMITS.filters + 1 }, () => 'status=final'))],
    ['SUBSCRIPTION_FILTER_INVALID', { ...filters('kind=write'), criteria: 'urn:aceso:topic:access' }],
    ['SUBSCRIPTION_CHANNEL_UNSUPPORTED', withChannel({ type: 'email', endpoint: 'mailto:a@b.example' })],
    ['SUBSCRIPTION_CHANNEL_UNSUPPORTED', withChannel({ type: 'websocket' })],
    ['SUBSCRIPTION_CHANNEL_UNSUPPORTED', withChannel({ endpoint: 'ftp://x.example' })],
    [
      'SUBSCRIPTION_CHANNEL_UNSUPPORTED',
      withChannel({ endpoint: `${receiver.url}/${'x'.repeat(LIMITS.endpointChars)}` }),
    ],
    ['SUBSCRIPTION_PAYLOAD_UNSUPPORTED', withChannel({ payload: 'application/fhir+xml' })],
    ['SUBSCRIPTION_PAYLOAD_UNSUPPORTED', withChannel(content('everything'))],
    ['SUBSCRIPTION_PAYLOAD_UNSUPPORTED', withChannel({ _payload: undefined })],
    ['SUBSCRIPTION_TIMING_INVALID', extended('backport-heartbeat-period', { valueUnsignedInt: 0 })],
    ['SUBSCRIPTION_TIMING_INVALID', extended('backport-timeout', { valueUnsignedInt: 61 })],
    ['SUBSCRIPTION_TIMING_INVALID', extended('backport-max-count', { valuePositiveInt: 101 })],
    ['SUBSCRIPTION_TIMING_INVALID', { ...resource, end: '2001-01-01T00:00:00Z' }],
    ['SUBSCRIPTION_HEADER_INVALID', withChannel({ header: ['no colon'] })],
    ['SUBSCRIPTION_HEADER_INVALID', withChannel({ header: ['Host: elsewhere.example'] })],
    ['SUBSCRIPTION_HEADER_INVALID', withChannel({ header: ['X-A: 1\r\nX-B: 2'] })],
    ['SUBSCRIPTION_HEADER_INVALID', withChannel({ header: ['X-A: 1', 'x-a: 2'] })],
    ['SUBSCRIPTION_HEADER_INVALID', withChannel({ header: [`X-A: ${'1'.repeat(LIMITS.headerChars)}`] })],
    [
      'SUBSCRIPTION_HEADER_INVALID',
      withChannel({ header: Array.from({ length: LIMITS.headers + 1 }, (_, at) => `X-${at}: 1`) }),
    ],
    ['SUBSCRIPTION_STATUS_INVALID', { ...resource, status: 'active' }],
  ];
  for (const [code, given] of refused) assert.equal(await codeOf(given), `422 ${code}`, JSON.stringify(given));
  assert.equal(await codeOf(withChannel({ endpoint: 'https://elsewhere.example/hook' })), '403 OUTGOING_NOT_ALLOWED');
});

test('the capability statement lists the topics and the operations', async (t) => {
  const { node } = await started(t);
  const { json } = await node.send('GET', 'metadata');
  const entry = json.rest[0].resource.find(({ type }: { type: string }) => type === 'Subscription');
  const topics = entry.extension.map(({ valueCanonical }: { valueCanonical: string }) => valueCanonical);
  assert.ok(
    ['observation', 'care-plan', 'consent', 'access', 'break-glass'].every((name) =>
      topics.includes(`urn:aceso:topic:${name}`),
    ),
  );
  assert.ok(
    entry.extension.every(
      ({ url }: { url: string }) => url === `${BASE}/capabilitystatement-subscriptiontopic-canonical`,
    ),
  );
  assert.deepEqual(
    ['status', 'events', 'get-ws-binding-token'].filter(
      (name) => !entry.operation.some((one: { name: string }) => one.name === name),
    ),
    [],
  );
});

test('the id is the server’s, and only the owner changes or asks for events', async (t) => {
  const { node, resource } = await started(t);
  const put = await node.send('PUT', 'Subscription/mine', { ...resource, id: 'mine' });
  assert.equal(put.json.issue[0].details.coding[0].code, 'SUBSCRIPTION_ID_GIVEN');
  const id = await node.subscribe(resource);
  const { json } = await node.untilStatus(id, 'active');
  for (const other of [
    { ...NURSE, account: 'f'.repeat(32) },
    { ...NURSE, client: 'app' },
  ]) {
    node.caller.current = other;
    const changed = await node.send('PUT', `Subscription/${id}`, { ...json, reason: 'mine now' });
    assert.equal(changed.json.issue[0].details.coding[0].code, 'SUBSCRIPTION_ID_GIVEN');
    assert.equal((await node.send('DELETE', `Subscription/${id}`)).status, 404);
    for (const operation of ['$events', '$status', '$get-ws-binding-token'])
      assert.equal((await node.send('GET', `Subscription/${id}/${operation}`)).status, 404, operation);
    assert.equal((await node.send('GET', 'Subscription/$status')).json.entry, undefined);
    assert.equal((await node.send('GET', `Subscription/${id}`)).status, 404);
    assert.equal((await node.send('GET', 'Subscription?_total=accurate')).json.total, 0);
  }
  node.caller.current = { ...NURSE, kind: 'system', account: NURSE.custodian };
  assert.equal((await node.send('GET', `Subscription/${id}/$status`)).status, 200);
  assert.equal((await node.send('GET', `Subscription/${id}/$events`)).status, 404);
  assert.equal((await node.send('DELETE', `Subscription/${id}`)).status, 204);
});

test('values of headers are sent, and shown to nobody', async (t) => {
  const { node, receiver } = await started(t);
  const header = ['Authorization: Bearer top-secret', 'X-Tenant: seven'];
  const options = { topic: TOPIC, endpoint: receiver.url, header };
  const { json: created, text } = await node.send('POST', 'Subscription', subscriptionResource(options));
  const active = await node.untilStatus(created.id, 'active');
  const history = await node.send('GET', `Subscription/${created.id}/_history`);
  for (const shown of [text, active.text, history.text]) {
    assert.doesNotMatch(shown, /top-secret|seven/);
    assert.match(shown, /Authorization: kept-/);
  }
  assert.equal(receiver.received[0]?.headers.authorization, 'Bearer top-secret');
  // What was read is sent back, with one header changed: the other keeps its value.
  const [authorization] = active.json.channel.header;
  const changed = { ...active.json, channel: { ...active.json.channel, header: [authorization, 'X-Tenant: eight'] } };
  assert.equal((await node.send('PUT', `Subscription/${created.id}`, changed)).status, 200);
  await receiver.until((all) => all.filter(({ type }) => type === 'handshake').length === 2);
  const headers = receiver.received.at(-1)?.headers ?? {};
  assert.deepEqual([headers.authorization, headers['x-tenant']], ['Bearer top-secret', 'eight']);
  await node.send('DELETE', `Subscription/${created.id}`);
  while ((await node.vault.listDocuments('subscription-headers')).length > 0)
    await new Promise((go) => setTimeout(go, 5));
});

test('$events gives kept events again, between the numbers that are asked for', async (t) => {
  const { node, receiver, resource } = await started(t);
  const id = await node.subscribe(resource);
  await node.untilStatus(id, 'active');
  for (let at = 0; at < 5; at++)
    await node.send('POST', 'Observation', {
      resourceType: 'Observation',
      status: 'final',
      code: { text: String(at) },
    });
  await receiver.until(() => receiver.numbers().length === 5);
  const asked = async (query: string) =>
    readNotification((await node.send('GET', `Subscription/${id}/$events${query}`)).text);
  const all = await asked('');
  assert.deepEqual([all.type, all.count, all.events.map(({ number }) => number)], ['query-event', 5, [1, 2, 3, 4, 5]]);
  const some = await asked('?eventsSinceNumber=2&eventsUntilNumber=3&content=full-resource');
  assert.deepEqual(
    some.events.map(({ number }) => number),
    [2, 3],
  );
  assert.deepEqual(
    some.bundle.entry.slice(1).map(({ resource: { code } }: { resource: { code: { text: string } } }) => code.text),
    ['1', '2'],
  );
  assert.deepEqual((await asked('?eventsSinceNumber=6')).events, []);
  assert.equal((await node.send('GET', `Subscription/${id}/$events?eventsSinceNumber=x`)).status, 400);
  assert.equal((await node.send('GET', `Subscription/${id}/$events?eventsSinceNumber=0`)).status, 410);
  const status = await node.send('GET', `Subscription/$status?id=${id}&status=active,error`);
  assert.equal(status.json.type, 'searchset');
  assert.equal(status.json.entry.length, 1);
});

test('a client has so many subscriptions and no more', async (t) => {
  const { node, resource, codeOf } = await started(t);
  for (let at = 0; at < LIMITS.perClient; at++) await node.untilStatus(await node.subscribe(resource), 'active');
  assert.equal(await codeOf(resource), '429 SUBSCRIPTION_TOO_MANY');
  node.caller.current = { ...NURSE, account: 'e'.repeat(32) };
  assert.equal(await codeOf(resource), '201 undefined');
});
