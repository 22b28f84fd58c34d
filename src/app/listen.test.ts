import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { createHttpHost } from '../server/http-host.ts';
import { createMetrics } from '../server/metrics.ts';
import { observeConnections } from '../server/metrics-parts.ts';
import { isReject } from '../std/reject.ts';
import { freePort, listen, type NodeAddress, nodeAddress } from './listen.ts';

const BOTH = ['127.0.0.1', '::1'] as const;

/** False on a machine without IPv6, which has no second place to listen at. */
const withoutIpv6 = await new Promise<false | string>((resolve) => {
  const probe = createServer();
  probe.once('error', () => resolve('needs ::1'));
  probe.listen({ host: '::1', port: 0 }, () => probe.close(() => resolve(false)));
});

const silentHost = () => createHttpHost({ logger: pino({ level: 'silent' }) });

test('a node on the loopback interface is called localhost, and has both addresses that this leads to', () => {
  const both = { baseUrl: 'http://localhost:8103' };
  const cases: readonly (readonly [Parameters<typeof nodeAddress>, NodeAddress])[] = [
    [['127.0.0.1', 8103], { ...both, hosts: [...BOTH], ownUrl: 'http://127.0.0.1:8103' }],
    [['::1', 8103], { ...both, hosts: ['::1', '127.0.0.1'], ownUrl: 'http://[::1]:8103' }],
    [['localhost', 8103], { ...both, hosts: [...BOTH], ownUrl: 'http://localhost:8103' }],
    [['127.0.0.1', 8103, 'http://localhost:8103'], { ...both, hosts: [...BOTH], ownUrl: 'http://127.0.0.1:8103' }],
  ];
  for (const [given, wanted] of cases) assert.deepEqual(nodeAddress(...given), wanted);
});

test('whatever else the operator says counts as it stands, and nothing more is listened on', () => {
  for (const [host, baseUrl] of [
    ['127.0.0.1', 'https://aceso.example'],
    ['127.0.0.1', 'http://127.0.0.1:8103'],
    ['127.0.0.1', 'http://localhost:9000'],
    ['0.0.0.0', 'http://localhost:8103'],
    ['127.0.0.2', undefined],
    ['10.0.0.7', undefined],
  ] as const) {
    const { hosts, baseUrl: called } = nodeAddress(host, 8103, baseUrl);
    assert.deepEqual([hosts, called], [[host], baseUrl ?? `http://${host}:8103`]);
  }
});

test('every address leads to the one server, whose end waits for all of them', { skip: withoutIpv6 }, async () => {
  const host = silentHost();
  const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  host.get('/from', async ({ ip }) => ({ ip }));
  host.get('/slow', async () => {
    begun.resolve();
    await released.promise;
    return { done: true };
  });
  const metrics = createMetrics();
  observeConnections(metrics, host);
  const port = await freePort([...BOTH]);
  const { url, closed } = await listen(host, [...BOTH], port);
  assert.equal(url, `http://127.0.0.1:${port}`);
  for (const [name, ip] of [
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
  ]) {
    const answer = await fetch(`http://${name}:${port}/from`);
    assert.deepEqual(await answer.json(), { ip });
  }
  assert.equal((await fetch(`http://localhost:${port}/from`)).status, 200);
  assert.match((await metrics.scrape()).text, /^aceso_http_connections [2-3]$/m);

  const slow = fetch(`http://[::1]:${port}/slow`, { headers: { connection: 'close' } });
  await begun.promise;
  let isClosed = false;
  const closing = Promise.all([host.close(), closed]).then(() => {
    isClosed = true;
  });
  // Taken by nobody from now on, on either address.
  while (
    await fetch(`http://[::1]:${port}/from`).then(
      () => true,
      () => false,
    )
  )
    await new Promise(setImmediate);
  assert.equal(isClosed, false, 'a request that came by the second address is under way');
  released.resolve();
  assert.deepEqual(await (await slow).json(), { done: true });
  await closing;
});

test('a port that another program has on one of the addresses is in use', { skip: withoutIpv6 }, async (t) => {
  const other = createServer();
  t.after(() => other.close());
  const port = await freePort([...BOTH]);
  await new Promise<void>((resolve) => other.listen({ host: '::1', port }, resolve));
  const host = silentHost();
  await assert.rejects(listen(host, [...BOTH], port), (error) => isReject(error) && error.code === 'PORT_IN_USE');
  assert.equal(host.server.listening, false);
  await host.close();
});

test('an address that this machine does not have is left out where it is not the first', async () => {
  // Documentation's own (RFC 5737): no machine has it.
  const absent = '192.0.2.1';
  const host = silentHost();
  const port = await freePort(['127.0.0.1', absent]);
  const { url, closed } = await listen(host, ['127.0.0.1', absent], port);
  assert.equal(url, `http://127.0.0.1:${port}`);
  await Promise.all([host.close(), closed]);
  await assert.rejects(
    listen(silentHost(), [absent], 0),
    (error) => isReject(error) && error.code === 'ADDRESS_UNUSABLE',
  );
});
