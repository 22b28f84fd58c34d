import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { testEngine } from '../../test/support/test-engine.ts';
import { createHttpHost } from '../server/http-host.ts';
import { errorForLog } from '../server/log-error.ts';
import { createNodeStarter } from './create-node-starter.ts';

/** A piece of each kind of thing that no log may hold; each is found in whatever surrounds it. */
const MARKS = {
  family: 'Markelhausen',
  given: 'Quirinadette',
  identifier: 'MRN-77Z1-MARK',
  id: 'marked-patient-4711',
  text: 'confidential-marker-note',
  search: 'Searchmarkowitz',
  token: 'aceso_MARKEDTOKENMARKEDTOKENMARKEDTOKENMARKED1234',
  reason: 'marked-break-glass-reason',
  path: 'marked-path-piece',
  query: 'marked-query-value',
  header: 'MARKEDPURPOSE',
  broken: 'marked-broken-json',
  raw: 'marked-raw-bytes',
};

const JSON_TYPE = { 'content-type': 'application/json' };

function captured(): { readonly logger: ReturnType<typeof pino>; readonly lines: string[] } {
  const lines: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(
        ...String(chunk)
          .split('\n')
          .filter((line) => line !== ''),
      );
      done();
    },
  });
  return { logger: pino({ level: 'trace', serializers: { err: errorForLog } }, stream), lines };
}

/** Every line is JSON with level, time and message, and holds none of the marks. */
function judgeLines(lines: readonly string[], marks: Readonly<Record<string, string>>): Record<string, unknown>[] {
  return lines.map((line) => {
    for (const [what, mark] of Object.entries(marks)) assert(!line.includes(mark), `${what} is in the log: ${line}`);
    const parsed = JSON.parse(line) as Record<string, unknown>;
    assert.equal(typeof parsed.level, 'number', line);
    assert.equal(typeof parsed.time, 'number', line);
    assert.equal(typeof parsed.msg, 'string', line);
    return parsed;
  });
}

async function startLogged(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-logs-'));
  const { logger, lines } = captured();
  const nodes = createNodeStarter({
    ...{ keyFolder: join(folder, 'keys'), clock: Date.now, logger, fetch, version: '0', engine: testEngine },
  });
  const node = await nodes.start({
    ...{ folder: join(folder, 'data'), host: '127.0.0.1', port: 0, seed: false, progress() {}, rootKeyMade() {} },
    metricsToken: MARKS.token.repeat(2),
  });
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { node, lines };
}

test('nothing of patients, and no token, is in any line that a node logs, whatever it is asked', async (t) => {
  const { node, lines } = await startLogged(t);
  const own = Object.values(node.adminTokens)[0] as string;
  const ids = new Set<string>();
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${node.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${own}`, 'content-type': 'application/fhir+json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    ids.add(answer.headers.get('x-request-id') ?? '');
    await answer.arrayBuffer();
    return answer.status;
  };
  const patient = {
    resourceType: 'Patient',
    id: MARKS.id,
    name: [{ family: MARKS.family, given: [MARKS.given] }],
    identifier: [{ system: 'urn:mrn', value: MARKS.identifier }],
  };
  // Written, read, found.
  assert.equal(await call('PUT', `/fhir/Patient/${MARKS.id}`, patient), 201);
  assert.equal(await call('GET', `/fhir/Patient/${MARKS.id}`), 200);
  assert.equal(await call('GET', `/fhir/Patient?family=${MARKS.search}&given=${MARKS.given}`), 200);
  assert.equal(await call('GET', `/fhir/Patient?identifier=urn:mrn|${MARKS.identifier}`), 200);
  assert.equal(await call('GET', `/fhir/Patient/${MARKS.id}/_history/1`), 200);
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [{ resource: patient, request: { method: 'POST', url: `Patient/${MARKS.id}` } }],
  };
  const refusals = [
    await call('POST', '/fhir', bundle),
    await call('PUT', `/fhir/Patient/${MARKS.id}`, { ...patient, birthDate: MARKS.text }),
    await call('POST', '/fhir/Patient', `{"resourceType":"Patient","x":${MARKS.broken}}`),
    await call('POST', '/fhir/Patient', { resourceType: 'Patient', [MARKS.text]: MARKS.text }),
    await call('GET', `/fhir/Patient?${MARKS.query}=${MARKS.query}`),
    await call('GET', `/fhir/Patient/${MARKS.path}`),
    await call('GET', `/${MARKS.path}?${MARKS.query}`),
    await call('GET', `/${MARKS.path}/%ff`),
    await call('GET', `/fhir/Patient/${MARKS.path.repeat(200)}`),
    await call('GET', `/api/query/${MARKS.path}?${MARKS.query}=${MARKS.query}`),
    await call('GET', `/fhir/Patient/${MARKS.id}`, undefined, { authorization: `Bearer ${MARKS.token}` }),
    await call('GET', '/metrics', undefined, { authorization: `Bearer ${MARKS.token}` }),
    await call('GET', `/fhir/Patient/${MARKS.id}`, undefined, { 'aceso-purpose': MARKS.header }),
    await call('POST', '/api/access/break-glass', { patient: MARKS.id, reason: MARKS.reason }),
    await call('POST', '/api/backup', { folder: `/${MARKS.path}` }),
    await call('POST', '/api/import', { [MARKS.text]: MARKS.text }),
  ];
  assert(
    refusals.every((status) => status >= 400),
    refusals.join(' '),
  );
  assert(!refusals.includes(500), refusals.join(' '));
  // Whoever enters: the authorization server, by the addresses that it names.
  const configured = await fetch(`${node.url}/fhir/.well-known/smart-configuration`);
  const endpoints = (await configured.json()) as Record<string, string>;
  ids.add(configured.headers.get('x-request-id') ?? '');
  const form = `grant_type=authorization_code&code=${MARKS.token}&client_id=${MARKS.path}&client_assertion=${MARKS.token}&username=${MARKS.family}`;
  for (const name of ['token_endpoint', 'introspection_endpoint', 'revocation_endpoint', 'registration_endpoint']) {
    const path = endpoints[name]?.replace(node.baseUrl, '');
    if (path === undefined) continue;
    await call('POST', path, form, { 'content-type': 'application/x-www-form-urlencoded' });
    await call('POST', path, { client_name: MARKS.text, jwks_uri: `https://${MARKS.path}.example` }, JSON_TYPE);
  }
  const authorize = endpoints.authorization_endpoint?.replace(node.baseUrl, '');
  await call('GET', `${authorize}?client_id=${MARKS.path}&login_hint=${MARKS.family}&launch=${MARKS.token}`);
  // Whatever takes an id.
  for (const path of [
    '/audit/AuditEvent/',
    '/audit/AuditEvent?patient=',
    '/api/erasures/',
    '/api/clients/',
    '/interaction/',
  ])
    await call('GET', `${path}${MARKS.id}`);
  await call('GET', `/api/receipts/versions/Patient/${MARKS.id}/1`);
  await call('GET', `/api/patients/${MARKS.id}/policies`);
  for (const path of ['/api/people', '/api/clients', '/api/consents', '/api/erasures', '/api/tokens', '/api/launches'])
    await call('POST', path, { name: MARKS.family, patient: MARKS.id, text: MARKS.text }, JSON_TYPE);
  assert.equal(await call('DELETE', `/fhir/Patient/${MARKS.id}`), 204);
  // Bytes that are no request.
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  socket.end(`${MARKS.raw} ${MARKS.token}\r\n\r\n`);
  socket.resume();
  await once(socket, 'close');
  await node.close();

  const told = judgeLines(lines, { ...MARKS, own });
  const requests = told.filter(({ msg }) => msg === 'request');
  // One that does not decode has no route, and so no line of its own; the bytes that are no request had no id at all.
  assert(requests.length >= ids.size - 2, `${requests.length} of ${ids.size}`);
  for (const { requestId, route, method, status, ms } of requests) {
    assert(typeof requestId === 'string' && ids.has(requestId), String(requestId));
    assert(
      typeof route === 'string' && typeof method === 'string' && typeof status === 'number' && typeof ms === 'number',
    );
  }
});

test('a bug is logged with its request’s id and where it happened, without the text that it quotes', async (t) => {
  const { logger, lines } = captured();
  const host = createHttpHost({ logger });
  t.after(() => host.close());
  host.get('/bug', async () => JSON.parse(`{"name": ${MARKS.broken}}`));
  host.get('/bug/logged', async (request) => {
    request.log.error({ err: new Error(MARKS.text) }, 'a part failed');
    return {};
  });
  const answer = await host.inject('/bug');
  assert.equal(answer.statusCode, 500);
  assert(!answer.body.includes(MARKS.broken));
  await host.inject('/bug/logged');
  const told = judgeLines(lines, MARKS);
  const bug = told.find(({ msg }) => msg === 'internal error') as {
    requestId: string;
    error: { name: string; frames: string[] };
  };
  assert.equal(bug.requestId, answer.headers['x-request-id']);
  assert.equal(bug.error.name, 'SyntaxError');
  assert(bug.error.frames.some((frame) => frame.includes('logs.test.ts')));
  assert(told.some(({ msg }) => msg === 'a part failed'));
});

test('the guard over log lines sees a mark, and a line that is no JSON', () => {
  const { logger, lines } = captured();
  logger.info({ name: `Anna ${MARKS.family}` }, 'request');
  assert.throws(() => judgeLines(lines, MARKS), /family is in the log/);
  assert.throws(() => judgeLines(['plain text'], MARKS), SyntaxError);
});
