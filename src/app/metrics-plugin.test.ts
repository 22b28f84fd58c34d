import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSeededNode } from '../../test/support/seeded-node.ts';

const METRICS_TOKEN = 'm'.repeat(40);
const DASHBOARD = join(import.meta.dirname, '../../deploy/grafana/aceso.json');
/** What PromQL has beside metrics, in the expressions of the dashboard. */
const WORDS = new Set(
  ['sum', 'min', 'max', 'by', 'rate', 'histogram_quantile', 'time', 'le', 'route', 'method', 'status', 'code'].concat([
    'instance',
    'outcome',
    'organisation',
    'kind',
    'state',
    'work',
    'job',
    'label_values',
  ]),
);

/** Names of metrics in a PromQL expression. */
function metricsIn(expression: string): string[] {
  const bare = expression.replace(/\{[^}]*\}/g, '').replace(/\[[^\]]*\]/g, '');
  return (bare.match(/[a-zA-Z_:][a-zA-Z0-9_:]*/g) ?? []).filter((word) => !WORDS.has(word));
}

/** Value of a sample whose line begins with `start`. */
function sample(text: string, start: string): number {
  const line = text.split('\n').find((one) => one.startsWith(start));
  assert(line, `${start} in\n${text.slice(0, 2000)}`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}

test('a node counts what it does, tells only whom it may, and its dashboard shows nothing that it does not count', async (t) => {
  const { node } = await startSeededNode(t, { seed: false, metricsToken: METRICS_TOKEN });
  const administrator = Object.values(node.adminTokens)[0] as string;
  const call = (path: string, token?: string, init: RequestInit = {}) =>
    fetch(`${node.url}${path}`, {
      ...init,
      headers: { 'content-type': 'application/fhir+json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    });
  const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code];

  // Closed to others, however they ask.
  assert.deepEqual(await codeOf(await call('/metrics')), [401, 'TOKEN_MISSING']);
  assert.deepEqual(await codeOf(await call('/metrics', 'n'.repeat(40))), [401, 'TOKEN_UNKNOWN']);
  assert.deepEqual(await codeOf(await call('/metrics', METRICS_TOKEN.slice(1))), [401, 'TOKEN_UNKNOWN']);
  // The metrics token opens nothing else.
  assert.deepEqual(await codeOf(await call('/api/query/accounts', METRICS_TOKEN)), [401, 'TOKEN_UNKNOWN']);

  const patient = { resourceType: 'Patient', name: [{ family: 'Metricsmith' }] };
  const made = await call('/fhir/Patient', administrator, { method: 'POST', body: JSON.stringify(patient) });
  assert.equal(made.status, 201);
  const { id } = (await made.json()) as { id: string };
  assert.equal((await call(`/fhir/Patient/${id}`, administrator)).status, 200);
  assert.equal((await call('/fhir/Patient/nobody-of-that-id', administrator)).status, 404);
  assert.equal((await call('/nothing/at/all-of-that-name')).status, 404);

  const answer = await call('/metrics', METRICS_TOKEN);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const text = await answer.text();
  const series = 'aceso_http_request_duration_seconds_count';
  assert.equal(sample(text, `${series}{route="/fhir/*",method="POST",status="2xx"}`), 1);
  assert.equal(sample(text, `${series}{route="/fhir/*",method="GET",status="4xx"}`), 1);
  assert.equal(sample(text, `${series}{route="unknown",method="GET",status="4xx"}`), 1);
  assert.equal(sample(text, 'aceso_refusals_total{code="ROUTE_UNKNOWN"}'), 1);
  assert.equal(sample(text, 'aceso_refusals_total{code="TOKEN_UNKNOWN"}'), 3);
  assert.equal(
    sample(text, 'aceso_refusals_total{code="NOT_FOUND"}'),
    1,
    'also of routes with refusals of their own form',
  );
  assert.equal(sample(text, 'aceso_http_requests_open '), 1);
  assert.equal(sample(text, 'aceso_ledger_state{state="ok"}'), 1);
  assert(sample(text, 'aceso_ledger_height ') >= 1);
  assert(sample(text, 'aceso_journal_entries{') >= 1);
  assert(sample(text, 'aceso_vault_commit_seconds_count{') >= 1);
  assert(sample(text, 'process_resident_memory_bytes ') > 1e6);
  // Neither an id, nor a path, nor a token, nor a name.
  for (const secret of [id, 'nobody-of-that-id', 'all-of-that-name', 'Metricsmith', METRICS_TOKEN, administrator])
    assert(!text.includes(secret), secret);
  assert.equal((await call('/metrics', administrator)).status, 200);

  // The dashboard: what its panels ask for is there, and each has something to say about.
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
  const names = new Set(
    (await (await call('/metrics', METRICS_TOKEN)).text()).match(/^# TYPE \S+/gm)?.map((line) => line.slice(7)),
  );
  const asked = new Set<string>();
  const look = (where: string, expression: string): void => {
    for (const metric of metricsIn(expression)) {
      const base = metric.replace(/_(?:bucket|sum|count)$/, '');
      assert(names.has(metric) || names.has(base), `${where}: ${metric}`);
      asked.add(names.has(metric) ? metric : base);
    }
  };
  for (const { title, type, targets = [] } of dashboard.panels) {
    assert(type === 'row' || targets.length > 0, title);
    for (const { expr } of targets) look(title, expr);
  }
  for (const { name, definition = '' } of dashboard.templating.list) look(name, definition);
  const unseen = [...names].filter((name) => name.startsWith('aceso_') && !asked.has(name));
  assert.deepEqual(unseen, [], 'every metric of our own is on the dashboard');
});

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly panels: readonly {
    readonly title: string;
    readonly type: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}
