import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { createHospitalNode } from '../../test/support/hospital-node.ts';
import { createHttpHost } from './http-host.ts';
import { createMetrics } from './metrics.ts';
import { createHttpMetrics } from './metrics-http.ts';
import type { OrganisationContext } from './organisation.ts';
import { createReadiness } from './readiness.ts';
import { announceEnd, closeHost } from './readiness-drain.ts';

const HOUR_MS = 3_600_000;

test('a node is ready when its ledger moves, every vault serves and every index is made; else it says what is not', async (t) => {
  const node = await createHospitalNode(t);
  const organisations = [node.hospital, node.clinic];
  const readiness = createReadiness({ ledger: node.ledger, organisations });
  const codes = (options?: { ledger: boolean }) => readiness.obstacles(options).map(({ code }) => code);
  assert.deepEqual(codes(), ['NODE_STARTING']);
  readiness.started();
  assert.deepEqual(codes(), []);
  assert.equal((await node.app.inject('/ready')).statusCode, 200);

  // A clock that jumps stops the ledger; care goes on.
  node.clock.offsetMs = 2 * HOUR_MS;
  assert.equal((await node.app.inject('/health')).statusCode, 200);
  assert.deepEqual(codes(), ['LEDGER_STANDS_STILL']);
  assert.deepEqual(codes({ ledger: false }), []);
  const answer = await node.app.inject('/ready');
  assert.equal(answer.statusCode, 503);
  const { code, data } = answer.json();
  assert.equal(code, 'NODE_NOT_READY');
  assert.equal(data.reasons[0].code, 'LEDGER_STANDS_STILL');
  assert.match(data.reasons[0].message, /Care at this node goes on/);
  assert.equal((await node.app.inject('/ready/care')).statusCode, 200);
  node.ledger.confirmClock();
  assert.deepEqual(codes(), []);

  // An index that is being made, as its vault says it.
  const building = { done: 1, total: 9 };
  const made: OrganisationContext = {
    ...node.clinic,
    vault: { ...node.clinic.vault, indexState: () => ({ ...node.clinic.vault.indexState(), building }) },
  };
  const [obstacle] = createStarted({ ledger: node.ledger, organisations: [node.hospital, made] }).obstacles();
  assert.equal(obstacle?.code, 'INDEX_NOT_BUILT');
  assert.deepEqual(obstacle?.data, { organisation: 'clinic' });

  // A vault that does not serve: a real one, behind an anchor that it does not know.
  const { generation } = node.clinic.vault.journalHead();
  await node.clinic.vault.checkAgainst({ generation, size: 1_000, root: 'ab'.repeat(32) });
  assert.deepEqual(readiness.obstacles()[0]?.data, { organisation: 'clinic', status: 'behind' });
  assert.deepEqual(codes({ ledger: false }), ['VAULT_NOT_SERVING']);

  readiness.drain();
  assert.deepEqual(codes(), ['NODE_CLOSING']);
});

function createStarted(parts: Parameters<typeof createReadiness>[0]) {
  const readiness = createReadiness(parts);
  readiness.started();
  return readiness;
}

/** A host with a route that answers when it is told, and the lines that it logs. */
async function createHeldHost(boundMs: number) {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const traffic = createHttpMetrics(createMetrics());
  const host = createHttpHost({ logger: pino({ level: 'info' }, stream), observer: traffic });
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  host.get('/slow', async () => {
    asked.resolve();
    await held.promise;
    return { done: true };
  });
  host.get('/quick', async () => ({ quick: true }));
  await host.listen({ host: '127.0.0.1', port: 0 });
  const { port } = host.server.address() as { port: number };
  let isReady = true;
  const drain = (): void => {
    isReady = false;
  };
  const readiness = { started() {}, obstacles: () => [], drain };
  const draining = { host, readiness, open: traffic.open, limits: { noticeMs: 20, boundMs } };
  return { url: `http://127.0.0.1:${port}`, draining, held, asked, lines, isReady: () => isReady };
}

test('a node that ends is not ready first, still serves, and lets requests under way finish', async () => {
  const { url, draining, held, asked, lines, isReady } = await createHeldHost(60_000);
  const slow = fetch(`${url}/slow`);
  await asked.promise;
  const announced = announceEnd(draining);
  assert.equal(isReady(), false, 'before anything is waited for');
  assert.equal((await fetch(`${url}/quick`)).status, 200, 'still served while the notice lasts');
  await announced;
  const closed = closeHost(draining);
  held.resolve();
  assert.deepEqual(await (await slow).json(), { done: true });
  await closed;
  const told = lines.filter(({ msg }) => String(msg).startsWith('drain'));
  assert.deepEqual(
    told.map(({ msg }) => msg),
    ['draining: not ready any more', 'drained'],
  );
  assert.equal(told[0]?.open, 1);
  assert.equal(told[1]?.cut, 0);
});

test('what is still open when the bound is over is cut off, and the log says how much that was', async () => {
  const { url, draining, held, asked, lines } = await createHeldHost(50);
  const slow = fetch(`${url}/slow`).then(
    () => 'answered',
    () => 'cut off',
  );
  await asked.promise;
  await announceEnd(draining);
  await closeHost(draining);
  assert.equal(await slow, 'cut off');
  held.resolve();
  const warning = lines.find(({ level }) => level === 40);
  assert.match(String(warning?.msg), /cutting off/);
  assert.equal(warning?.open, 1);
  assert.equal(lines.find(({ msg }) => msg === 'drained')?.cut, 1);
});
