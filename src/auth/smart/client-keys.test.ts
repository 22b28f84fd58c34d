import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outgoing } from '../../outgoing/outgoing.ts';
import { utf8 } from '../../std/bytes.ts';
import { createKeySetFetch } from './client-keys.ts';

const URL = 'https://service.example/keys';

test('a key set is taken for a minute whatever its server says, and a failure for five seconds', async () => {
  let nowMs = 0;
  let asked = 0;
  let [status, text] = [200, '{"keys":[{"kty":"EC"}]}'];
  const outgoing: Outgoing = {
    requireAllowed: async () => {},
    request: async () => {
      asked++;
      const headers = { 'cache-control': 'max-age=315360000', expires: 'Fri, 01 Jan 2100 00:00:00 GMT', age: '0' };
      return { status, headers, body: utf8(text) };
    },
  };
  const fetchKeySet = createKeySetFetch(outgoing, () => nowMs);
  const first = await fetchKeySet('hospital', URL);
  assert.deepEqual([...first.headers], [['content-type', 'application/json']]);
  assert.equal(await first.text(), text);
  nowMs = 59_999;
  await fetchKeySet('hospital', URL);
  assert.equal(asked, 1);
  await fetchKeySet('clinic', URL);
  assert.equal(asked, 2, 'each organisation asks under its own rules');

  nowMs = 60_000;
  text = '{"keys":[{"kty":"RSA"}]}';
  await assert.rejects(fetchKeySet('hospital', URL), /a weak key/);
  [status, text] = [404, '{"keys":[]}'];
  await assert.rejects(fetchKeySet('hospital', URL), /a weak key/, 'a failure is remembered for a moment');
  assert.equal(asked, 3);
  nowMs += 5000;
  await assert.rejects(fetchKeySet('hospital', URL), /no key set/);
  assert.equal(asked, 4);
});
