import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { SearchRegistry } from '../../src/fhir/search/search-registry.ts';
import type { FhirNode } from '../support/fhir-node.ts';
import { type FuzzedRequest, fuzzedRequest } from './fhir-fuzz-grammar.ts';
import { NAMED_CASES } from './fhir-fuzz-named.ts';
import { checkAnswer, checkIntact, createFuzzNode, knownCodes } from './fhir-fuzz-node.ts';

/*
 * Whatever is asked of the FHIR service is answered, soon, and with a refusal of its own where it is refused; and what
 * is stored stays whole.
 */

const RUNS = process.env.ACESO_LONG === '1' ? 10_000 : 400;
/** Requests of one run, sent at once. */
const AT_ONCE = 6;
const seed = Number(process.env.ACESO_SEED ?? 1);
/** No request takes nearly as long, on a busy machine either. */
const BOUND_MS = 10_000;

let node: FhirNode;
let registry: SearchRegistry;
let known: ReadonlySet<string>;
before(async () => {
  ({ node, registry } = await createFuzzNode());
  known = await knownCodes();
});
after(() => node.app.close());

test('what is meant to do harm meets a limit, and says which', async (t) => {
  for (const { name, method = 'GET', path, headers = {}, body, expect } of NAMED_CASES) {
    const startMs = performance.now();
    const { status, headers: given, text, json } = await node.send(method, path, body, headers);
    const code = json?.resourceType === 'OperationOutcome' ? json.issue[0].details.coding?.[0].code : undefined;
    checkAnswer(known, method, { status, contentType: given['content-type'], text });
    const [wanted, wantedCode] = expect;
    if (wanted !== 0)
      assert.deepEqual(
        [status, wantedCode === undefined ? undefined : code],
        [wanted, wantedCode],
        `${name}: ${status} ${code} ${text.slice(0, 300)}`,
      );
    const tookMs = performance.now() - startMs;
    assert.ok(tookMs < BOUND_MS, `${name} took ${tookMs.toFixed(0)} ms`);
    if (tookMs > 500) t.diagnostic(`${name}: ${tookMs.toFixed(0)} ms`);
  }
});

test('a cursor is taken where it was given, and nowhere else', async () => {
  const ask = async (path: string): Promise<{ status: number; next: string }> => {
    const { status, json, text } = await node.send('GET', path);
    checkAnswer(known, 'GET', { status, contentType: 'application/fhir+json', text });
    const links = (json.link ?? []) as { relation: string; url: string }[];
    const url = links.find(({ relation }) => relation === 'next')?.url ?? '?';
    return { status, next: new URLSearchParams(url.slice(url.indexOf('?'))).get('_cursor') ?? '' };
  };
  for (const id of ['c-1', 'c-2', 'c-3'])
    await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id, name: [{ family: id }] });
  const searches = [
    'Patient?_count=1',
    'Patient?_count=1&_sort=family',
    'Patient?_count=1&_sort=-family',
    'Patient?_count=1&family=c',
    'Patient/_history?_count=1',
    '_history?_count=1',
    'Patient/p/$everything?_count=1',
    'Patient/c-1/_history?_count=1',
    'Observation?_count=1',
  ];
  const given = new Map<string, string>();
  for (const search of searches) given.set(search, (await ask(search)).next);
  assert.ok([...given.values()].filter((cursor) => cursor !== '').length >= 6);
  const parted = (search: string) => search.replace('_count=1', '_count=2');
  for (const [from, cursor] of given) {
    if (cursor === '') continue;
    // The size of the page is no part of what is searched.
    for (const same of [from, parted(from)])
      assert.equal((await ask(`${same}&_cursor=${encodeURIComponent(cursor)}`)).status, 200, from);
    for (const to of searches) {
      if (to === from) continue;
      assert.equal(
        (await ask(`${to}&_cursor=${encodeURIComponent(cursor)}`)).status,
        400,
        `a cursor of ${from} at ${to}`,
      );
    }
    for (let at = 0; at < cursor.length; at += 3) {
      const forged = cursor.slice(0, at) + (cursor[at] === 'A' ? 'B' : 'A') + cursor.slice(at + 1);
      const { status } = await ask(`${from}&_cursor=${encodeURIComponent(forged)}`);
      assert.ok(status === 400 || status === 200, `${status} for a forged cursor of ${from}`);
    }
  }
});

test('a cursor goes on while data and clock change, whatever was asked for', async () => {
  const made = async (patient: string, id: string) => {
    await node.send('PUT', `Patient/${patient}`, {
      resourceType: 'Patient',
      id: patient,
      name: [{ family: 'Moving' }],
    });
    const subject = { reference: `Patient/${patient}` };
    const rest = { status: 'final', code: { text: 'x' }, subject, effectiveDateTime: '2020-01-01' };
    await node.send('PUT', `Observation/${id}`, { resourceType: 'Observation', id, ...rest });
  };
  for (const at of [1, 2, 3]) await made(`moving-${at}`, `moving-${at}`);
  const searches = [
    'Patient?family=Moving',
    'Patient?family=Moving&_sort=-_lastUpdated',
    'Observation?date=ap2020-01-01',
    'Observation?subject:Patient.family=Moving',
    'Patient?_has:Observation:subject:date=2020',
    'Patient/moving-1/Observation?',
    'Observation/_history?',
    'Patient/moving-1/$everything?',
  ];
  for (const [at, search] of searches.entries()) {
    const first = await node.send('GET', `${search}&_count=1`);
    const links = (first.json.link ?? []) as { relation: string; url: string }[];
    const next = links.find(({ relation }) => relation === 'next')?.url;
    if (next === undefined) continue;
    node.now.ms += 60_000;
    await made(`later-${at}`, `later-${at}`);
    const second = await node.send('GET', next.slice(next.indexOf('/fhir/') + '/fhir/'.length));
    assert.equal(second.status, 200, `${search}: ${second.text}`);
    assert.notEqual(second.json.entry?.[0].fullUrl, first.json.entry[0].fullUrl, search);
  }
});

test(`every request is answered, and refused with a code where it is refused (ACESO_SEED=${seed})`, async (t) => {
  let slowestMs = 0;
  const statuses = new Map<number, number>();
  const one = async ({ method, path, headers, body }: FuzzedRequest): Promise<void> => {
    // The host itself refuses an address that cannot be read, before any service sees it.
    if (!isReadable(path)) return;
    const startMs = performance.now();
    const url = path === '' ? '/fhir' : `/fhir/${path}`;
    const sent = node.app.inject({
      method: method as 'GET',
      url,
      headers,
      ...(body === undefined ? {} : { payload: body }),
    });
    const answer = await Promise.race([sent, sleep(BOUND_MS, undefined, { ref: false })]);
    assert.ok(answer !== undefined, `no answer within ${BOUND_MS} ms`);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    const { statusCode: status, rawPayload } = answer;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const isPlain = answer.headers['content-encoding'] === undefined;
    const contentType = answer.headers['content-type'];
    checkAnswer(known, method, {
      status,
      contentType,
      text: isPlain ? rawPayload.toString() : '{"resourceType":"Any"}',
    });
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fuzzedRequest(registry), { minLength: 1, maxLength: AT_ONCE }), async (requests) => {
      await Promise.all(requests.map(one));
    }),
    { numRuns: RUNS, seed },
  );
  await checkIntact(node);
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  for (const name of ['status', 'value', 'id']) assert.ok(!(name in {}), `Object.prototype has got a ${name}`);
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
  t.diagnostic(`${counts.join(', ')}; slowest ${slowestMs.toFixed(0)} ms`);
  // A grammar whose requests are all refused at the door shows nothing.
  for (const status of [200, 201, 400, 404, 422])
    assert.ok((statuses.get(status) ?? 0) > RUNS / 100, `too few of ${status}`);
});

function isReadable(path: string): boolean {
  try {
    return decodeURIComponent(path.split('?')[0] as string) !== undefined;
  } catch {
    return false;
  }
}
