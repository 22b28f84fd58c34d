import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elementsOf, membersOf } from './json-spans.ts';
import { isConditionalReference, localReference, referencesIn, rewriteLinks } from './references.ts';
import { authoredText, withIdentity } from './resource-text.ts';

const identity = { id: 'x-1', version: 7, timeMs: Date.UTC(2026, 4, 6, 7, 8, 9, 10) };
const meta = '"versionId":"7","lastUpdated":"2026-05-06T07:08:09.010Z"';

test('id and meta are set where they stand', () => {
  const text =
    '{"meta":{"tag":[{"code":"a"}],"lastUpdated":"x","profile":["p"]},"a":1.10,"id":"old","resourceType":"T"}';
  const expected = `{"meta":{${meta},"tag":[{"code":"a"}],"profile":["p"]},"a":1.10,"id":"x-1","resourceType":"T"}`;
  assert.equal(withIdentity(text, identity), expected);
  assert.equal(withIdentity(expected, identity), expected);
});

test('id and meta come after resourceType when absent', () => {
  assert.equal(
    withIdentity('{"a":1,"resourceType":"T","b":2}', identity),
    `{"a":1,"resourceType":"T","id":"x-1","meta":{${meta}},"b":2}`,
  );
  assert.equal(
    withIdentity('{"resourceType":"T","id":"q"}', identity),
    `{"resourceType":"T","meta":{${meta}},"id":"x-1"}`,
  );
});

test('authored text is the same for every version of the same content', () => {
  const text = '{"resourceType":"T","meta":{"tag":[{"code":"a"}]},"a":"\\u00e9"}';
  assert.equal(authoredText(withIdentity(text, identity)), authoredText(text));
  assert.equal(authoredText(withIdentity('{"resourceType":"T","a":1.0}', identity)), '{"resourceType":"T","a":1.0}');
  assert.notEqual(authoredText('{"resourceType":"T","a":1.0}'), authoredText('{"resourceType":"T","a":1.00}'));
});

test('property: spans cut exact JSON at the values', () => {
  const object = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 8 });
  fc.assert(
    fc.property(object, (json) => {
      const text = JSON.stringify(json);
      const members = membersOf(text);
      assert.deepEqual(
        members.map(({ name, start, end }) => [name, JSON.parse(text.slice(start, end))]),
        Object.entries(JSON.parse(text)),
      );
      const list = JSON.stringify(Object.values(json));
      assert.deepEqual(
        elementsOf(list, 0).map(({ start, end }) => JSON.parse(list.slice(start, end))),
        JSON.parse(list),
      );
    }),
    { numRuns: 500 },
  );
});

test('references are found where they are members, nowhere else', () => {
  const text =
    '{"a":{"reference":"P/1"},"reference":{"reference":"P\\/2"},"s":"\\"reference\\":\\"P/3\\"","x,\\"reference":"y","l":[{"display":"d","reference":"#c"}]}';
  assert.deepEqual(
    referencesIn(text).map(({ value }) => value),
    ['P/1', 'P/2', '#c'],
  );
});

test('links are rewritten in references, uri elements and narrative, not in other text', () => {
  const urn = 'urn:uuid:0b7ee0e2-0000-4000-8000-000000000001';
  const text =
    `{"text":{"div":"<a href=\\"${urn}\\">${urn}</a><img src='${urn}'/>"},"subject":{"reference":"${urn}"},` +
    `"content":[{"url":"${urn}","title":"${urn}"}],"identifier":[{"value":"${urn}"}],"other":{"reference":"${urn}0"}}`;
  const links = new Set(['url']);
  const rewritten = rewriteLinks(text, links, (value) => (value === urn ? 'Patient/1' : undefined));
  assert.equal(
    rewritten,
    `{"text":{"div":"<a href=\\"Patient/1\\">${urn}</a><img src='Patient/1'/>"},"subject":{"reference":"Patient/1"},` +
      `"content":[{"url":"Patient/1","title":"${urn}"}],"identifier":[{"value":"${urn}"}],"other":{"reference":"${urn}0"}}`,
  );
  assert.equal(
    rewriteLinks(text, links, () => undefined),
    text,
  );
});

test('local references are told from others', () => {
  const base = 'http://aceso.example/fhir';
  assert.deepEqual(localReference('Patient/a-1.B', base), { type: 'Patient', id: 'a-1.B' });
  assert.deepEqual(localReference(`${base}/Patient/1/_history/3`, base), { type: 'Patient', id: '1', version: 3 });
  for (const other of [
    '#p',
    'urn:uuid:1',
    'http://other.example/fhir/Patient/1',
    'Patient',
    'Patient/1/x',
    'Patient/_',
    'Patient?identifier=1',
  ]) {
    assert.equal(localReference(other, base), undefined, other);
  }
  assert.equal(isConditionalReference('Patient?identifier=1'), true);
  assert.equal(isConditionalReference('http://x/Patient?identifier=1'), false);
});
