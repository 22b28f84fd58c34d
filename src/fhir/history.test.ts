import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, createFhirNode, type FhirAnswer, type FhirNode } from '../../test/support/fhir-node.ts';

let node: FhirNode;
const patients: string[] = [];
before(async () => {
  node = await createFhirNode({ limits: { scannedRows: 60 } });
  for (let i = 0; i < 4; i++) patients.push((await node.send('POST', 'Patient', { resourceType: 'Patient' })).json.id);
  for (let i = 0; i < 12; i++) {
    const body = {
      resourceType: 'Observation',
      id: `o${i % 6}`,
      status: 'final',
      code: { text: `${i}` },
      subject: { reference: `Patient/${patients[i % 3]}` },
    };
    await node.send('PUT', `Observation/o${i % 6}`, body);
  }
  await node.send('DELETE', 'Observation/o5');
});
after(() => node.app.close());

type Entry = {
  fullUrl: string;
  request: { method: string; url: string };
  response: { etag: string; lastModified: string };
};
const entriesOf = ({ json }: FhirAnswer): Entry[] => json.entry ?? [];
const nextOf = ({ json }: FhirAnswer): string | undefined =>
  json.link.find((link: { relation: string }) => link.relation === 'next')?.url.slice(BASE_URL.length + 1);

async function walk(path: string): Promise<{ entries: Entry[]; pages: number[] }> {
  const entries: Entry[] = [];
  const pages: number[] = [];
  for (let at: string | undefined = path; at !== undefined; ) {
    const answer: FhirAnswer = await node.send('GET', at);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.type, 'history');
    assert.equal(answer.json.total, undefined);
    entries.push(...entriesOf(answer));
    pages.push(entriesOf(answer).length);
    at = nextOf(answer);
  }
  return { entries, pages };
}

test('type history: all versions of the type, newest first, page by page', async () => {
  const { entries, pages } = await walk('Observation/_history?_count=5');
  assert.deepEqual(pages, [5, 5, 3]);
  assert.deepEqual(entries[0]?.request, { method: 'DELETE', url: 'Observation/o5' });
  assert.equal(new Set(entries.map(({ fullUrl, response }) => `${fullUrl} ${response.etag}`)).size, 13);
  assert.deepEqual(
    entries.map(({ response }) => response.lastModified),
    entries
      .map(({ response }) => response.lastModified)
      .sort()
      .reverse(),
  );
});

test('system history: all types', async () => {
  const { entries } = await walk('_history?_count=7');
  assert.equal(entries.length, 17);
  assert.equal(entries.filter(({ request }) => request.url === 'Patient').length, 4);
});

test('_since leaves out what is older', async () => {
  const all = (await walk('Observation/_history')).entries;
  const since = all[4]?.response.lastModified as string;
  assert.equal((await walk(`Observation/_history?_count=2&_since=${encodeURIComponent(since)}`)).entries.length, 5);
  assert.equal((await walk('Observation/o1/_history?_since=2999')).entries.length, 0);
  assert.equal((await walk('Observation/o1/_history?_since=2000-01-01T00:00:00Z')).entries.length, 2);
  for (const value of ['x', '2020-13', '', '2020-01-01T00:00:00+0100'])
    assert.equal((await node.send('GET', `_history?_since=${encodeURIComponent(value)}`)).status, 400, value);
});

test('what may not be seen is not there: neither in pages nor in links', async () => {
  const hidden = await node.vault.accountOf('Patient', patients[0] as string);
  node.denies.read = ({ account }) => account === hidden;
  const { entries, pages } = await walk('Observation/_history?_count=4');
  assert.equal(entries.length, 9);
  assert.deepEqual(pages, [4, 4, 1]);
  assert.equal((await walk('Observation/_history?_count=9')).pages.length, 1);
  const absent = await node.send('GET', 'Observation/nobody/_history');
  for (const path of [
    'Observation/o0/_history',
    'Observation/o0/_history?_since=2999',
    'Observation/o0/_history?_count=1',
  ]) {
    const answer = await node.send('GET', path);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.text, absent.text);
  }
  node.denies.read = () => true;
  assert.deepEqual(await walk('_history?_count=1'), { entries: [], pages: [0] });
  node.denies.read = () => false;
});

test('history is journalled once for each account, with what it showed', async () => {
  const before = node.vault.interactions.length;
  const answer = await node.send('GET', 'Observation/_history?_count=6');
  const journalled = node.vault.interactions.slice(before);
  assert.equal(new Set(journalled.map(({ account }) => account)).size, journalled.length);
  assert.equal(journalled.flatMap(({ versions }) => versions).length, entriesOf(answer).length);
});

test('parameters that are not known, cursors that are none, a scan that is too long', async () => {
  assert.equal((await node.send('GET', '_history?_total=accurate')).status, 400);
  const lenient = await node.send('GET', '_history?_total=accurate&_count=1', undefined, {
    prefer: 'handling=lenient',
  });
  assert.equal(lenient.json.link[0].url, `${BASE_URL}/_history?_count=1`);
  assert.equal((await node.send('GET', '_history?_cursor=')).status, 400);
  assert.equal((await node.send('GET', `_history?_cursor=${'x'.repeat(600)}`)).status, 400);
  assert.equal((await node.send('POST', '_history', '{}')).status, 405);
  for (let i = 0; i < 70; i++) await node.send('POST', 'Patient', { resourceType: 'Patient' });
  node.denies.read = ({ type }) => type === 'Patient';
  const answer = await node.send('GET', '_history?_count=10');
  node.denies.read = () => false;
  assert.equal(answer.status, 403);
  assert.equal(answer.json.issue[0].code, 'too-costly');
});
