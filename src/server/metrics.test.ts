import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { pino } from 'pino';
import { createHttpHost } from './http-host.ts';
import { createMetrics, MAX_SERIES } from './metrics.ts';
import { createHttpMetrics } from './metrics-http.ts';
import { countRuns } from './metrics-parts.ts';

const linesOf = async (metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> =>
  (await metrics.scrape()).text.split('\n').filter((line) => line.startsWith(name));

test('each node has figures of its own, and a metric of the same name twice is a mistake', async () => {
  const [one, other] = [createMetrics(), createMetrics()];
  one.counter({ name: 'aceso_probe_total', help: 'Probe.' })();
  other.counter({ name: 'aceso_probe_total', help: 'Probe.' });
  assert.deepEqual(await linesOf(one, 'aceso_probe_total'), ['aceso_probe_total 1']);
  assert.deepEqual(await linesOf(other, 'aceso_probe_total'), ['aceso_probe_total 0']);
  assert.throws(() => one.counter({ name: 'aceso_probe_total', help: 'Probe.' }), /already been registered/);
});

test('labels that never end do not grow a metric without end', async () => {
  const metrics = createMetrics();
  const count = metrics.counter({ name: 'aceso_probe_total', help: 'Probe.', labels: ['code'] });
  for (let at = 0; at < MAX_SERIES + 500; at++) count({ code: `CODE_${at}` });
  count({ code: 'CODE_7' });
  const lines = await linesOf(metrics, 'aceso_probe_total');
  assert.equal(lines.length, MAX_SERIES + 1);
  assert(lines.includes('aceso_probe_total{code="other"} 500'));
  assert(lines.includes('aceso_probe_total{code="CODE_7"} 2'));
});

test('a gauge is read when it is scraped, loses what is gone, and one that throws hides no other', async () => {
  const metrics = createMetrics();
  let readings = [
    { labels: { part: 'a' }, value: 1 },
    { labels: { part: 'b' }, value: 2 },
  ];
  metrics.gauge({ name: 'aceso_probe', help: 'Probe.', labels: ['part'] }, () => readings);
  metrics.gauge({ name: 'aceso_broken', help: 'Probe.', labels: ['part'] }, () => {
    throw new Error('gone');
  });
  assert.equal((await linesOf(metrics, 'aceso_probe')).length, 2);
  readings = [{ labels: { part: 'b' }, value: 3 }];
  assert.deepEqual(await linesOf(metrics, 'aceso_probe'), ['aceso_probe{part="b"} 3']);
  assert.deepEqual(await linesOf(metrics, 'aceso_broken'), []);
});

test('requests are counted by pattern, also those whose client goes away, and none stays open', async (t) => {
  const metrics = createMetrics();
  const traffic = createHttpMetrics(metrics);
  const host = createHttpHost({ logger: pino({ level: 'silent' }), observer: traffic });
  t.after(() => host.close());
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const asked = Promise.withResolvers<void>();
  host.get('/patients/:id', async () => ({ here: true }));
  host.get('/slow', async () => {
    asked.resolve();
    await held;
    return {};
  });
  await host.listen({ host: '127.0.0.1', port: 0 });
  const { port } = host.server.address() as { port: number };
  for (const id of ['p-1', 'p-2', 'p-3']) await (await fetch(`http://127.0.0.1:${port}/patients/${id}`)).text();
  await (await fetch(`http://127.0.0.1:${port}/%ff`)).text();

  const socket = connect(port, '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: node\r\n\r\n');
  await asked.promise;
  assert.equal(traffic.open(), 1);
  socket.destroy();
  // The host sees it go when its loop comes to that connection.
  while (traffic.open() > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  release();

  const count = 'aceso_http_request_duration_seconds_count';
  assert.deepEqual((await linesOf(metrics, count)).sort(), [
    `${count}{route="/patients/:id",method="GET",status="2xx"} 3`,
    `${count}{route="/slow",method="GET",status="aborted"} 1`,
  ]);
  assert.deepEqual(await linesOf(metrics, 'aceso_refusals_total'), [
    'aceso_refusals_total{code="REQUEST_MALFORMED"} 1',
  ]);
});

test('runs of jobs are counted by how they ended, and what a job throws still reaches who runs it', async () => {
  const metrics = createMetrics();
  let fails = false;
  const job = {
    name: 'anchor',
    intervalMs: 1000,
    async run() {
      if (fails) throw new Error('no');
    },
  };
  const [counted] = countRuns(metrics, [job], () => 1_700_000_000_000);
  assert(counted);
  await counted.run();
  await counted.run();
  fails = true;
  await assert.rejects(() => counted.run(), /no/);
  assert.deepEqual(await linesOf(metrics, 'aceso_job'), [
    'aceso_job_runs_total{work="anchor",result="done"} 2',
    'aceso_job_runs_total{work="anchor",result="failed"} 1',
    'aceso_job_last_success_seconds{work="anchor"} 1700000000',
  ]);
});
