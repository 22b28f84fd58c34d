import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';
import { fittingCount } from './fitting.ts';

const PATIENTS = 70;
const CHARS = 500;
const PAGE_CHARS = 2600;

let node: FhirNode;
before(async () => {
  node = await createFhirNode({ limits: { bundleBytes: PAGE_CHARS, keptChars: 1500, answerChars: 2 * PAGE_CHARS } });
  for (let at = 0; at < PATIENTS; at++) {
    const id = `p${String(at).padStart(2, '0')}`;
    const answer = await node.send('PUT', `Patient/${id}`, {
      ...{ resourceType: 'Patient', id, gender: at % 2 === 0 ? 'female' : 'male' },
      name: [{ text: 'x'.repeat(CHARS) }],
    });
    assert.equal(answer.status, 201, answer.text);
  }
  for (let version = 2; version <= 12; version++)
    await node.send('PUT', 'Patient/p00', {
      ...{ resourceType: 'Patient', id: 'p00', gender: 'female' },
      name: [{ text: `${version} ${'x'.repeat(CHARS)}` }],
    });
});
after(() => node.app.close());

/** Ids (and versions) of all pages, and the most entries that one had. */
async function walked(first: string): Promise<{ ids: string[]; most: number; pages: number }> {
  const ids: string[] = [];
  let [most, pages] = [0, 0];
  for (let next: string | undefined = first; next !== undefined; pages++) {
    const { status, text, json } = await node.send('GET', next);
    assert.equal(status, 200, text);
    assert.ok(text.length < 3 * PAGE_CHARS, `a page of ${text.length} characters`);
    const entries = (json.entry ?? []) as { resource: { id: string; meta: { versionId: string } } }[];
    most = Math.max(most, entries.length);
    ids.push(...entries.map(({ resource }) => `${resource.id}/${resource.meta.versionId}`));
    const link = json.link.find(({ relation }: { relation: string }) => relation === 'next');
    next = link?.url.slice(BASE_URL.length + 1);
  }
  return { ids, most, pages };
}

test('a count of items that fit together, and one at least', async () => {
  const texts = ['aaaa', 'bbbb', 'cccc'];
  const count = (most: number) => fittingCount(texts, async (text) => text, most);
  assert.deepEqual(await Promise.all([0, 4, 7, 8, 11, 12, 100].map(count)), [1, 1, 1, 2, 2, 3, 3]);
  assert.equal(await fittingCount([], async () => '', 0), 0);
  const many = Array.from({ length: 130 }, () => 'x');
  let opened = 0;
  const textOf = async (text: string) => {
    opened++;
    return text;
  };
  assert.equal(await fittingCount(many, textOf, 60), 60);
  // What can no longer fit is not opened.
  assert.ok(opened < 130);
});

test('pages of a search and of a history end where they get too large, and together they have everything once', async () => {
  for (const [query, wanted] of [
    ['Patient?_count=500', PATIENTS],
    ['Patient?gender=male&_sort=-_lastUpdated&_count=20', PATIENTS / 2],
    ['Patient/_history?_count=500', PATIENTS + 11],
    ['Patient/p00/_history?_count=100', 12],
  ] as const) {
    const { ids, most, pages } = await walked(query);
    assert.equal(ids.length, wanted, query);
    assert.equal(new Set(ids).size, wanted, query);
    assert.ok(most >= 3 && most <= 5 && pages > wanted / 5, `${query}: ${most} on a page, ${pages} pages`);
  }
});

test('what a page would include beyond that is refused, never left out', async () => {
  for (let at = 0; at < 8; at++)
    await node.send('PUT', `Basic/b${at}`, {
      ...{ resourceType: 'Basic', id: `b${at}`, code: { text: 'x' } },
      subject: { reference: `Patient/p1${at}` },
    });
  const few = await node.send('GET', 'Basic?_count=2&_include=Basic:subject');
  assert.equal(few.json.entry.length, 4, few.text);
  const many = await node.send('GET', 'Basic?_count=8&_include=Basic:subject');
  assert.equal(many.status, 403, many.text);
  assert.match(many.text, /SEARCH_TOO_COSTLY/);
});

test('a batch answers reads until its answer is full, and writes all the same', async () => {
  const read = { request: { method: 'GET', url: 'Patient/p20' } };
  const write = {
    request: { method: 'PUT', url: 'Basic/late' },
    resource: { resourceType: 'Basic', id: 'late', code: { text: 'x' } },
  };
  const entry = [...Array.from({ length: 14 }, () => read), write];
  const { status, json, text } = await node.send('POST', '', { resourceType: 'Bundle', type: 'batch', entry });
  assert.equal(status, 200, text);
  const statuses = json.entry.map(({ response }: { response: { status: string } }) => response.status);
  const full = statuses.indexOf('413');
  assert.ok(full >= 7 && full <= 11, `${full} were read`);
  assert.deepEqual(new Set(statuses.slice(full, 14)), new Set(['413']));
  assert.equal(statuses[14], '201');
  assert.match(text, /ANSWER_TOO_LARGE/);
});
