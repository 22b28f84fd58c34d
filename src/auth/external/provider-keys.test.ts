import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { jwtVerify, SignJWT } from 'jose';
import { isReject } from '../../std/reject.ts';
import { createProviderKeys } from './provider-keys.ts';

const ADDRESS = 'https://clinic.example/jwks';

function newKey(kid: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' } };
}

function tokenOf({ kid, privateKey }: { kid: string; privateKey: KeyObject }): Promise<string> {
  return new SignJWT({ sub: 'x' }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
}

test('a key set is kept for an hour, and looked at again for an unknown key, once a minute at most', async () => {
  const [first, second, never] = [newKey('first'), newKey('second'), newKey('never')];
  let nowMs = 1_000_000;
  let keys = [first.jwk];
  let asked = 0;
  const keysOf = createProviderKeys(
    async (custodian, { url, method }) => {
      asked++;
      assert.deepEqual([custodian, url, method], ['hospital', ADDRESS, 'GET']);
      return { status: 200, json: { keys } };
    },
    () => nowMs,
  );
  const verifies = async (key: typeof first) =>
    jwtVerify(await tokenOf(key), keysOf('hospital', ADDRESS), { algorithms: ['ES256'] }).then(
      () => true,
      () => false,
    );

  assert.deepEqual(await Promise.all([verifies(first), verifies(first)]), [true, true]);
  assert.equal(asked, 1, 'two at once ask once');
  keys = [first.jwk, second.jwk];
  assert.equal(await verifies(second), false, 'just fetched');
  assert.equal(asked, 1);
  nowMs += 60_000;
  assert.equal(await verifies(second), true, 'turned over');
  assert.equal(asked, 2);
  for (let at = 0; at < 20; at++) assert.equal(await verifies(never), false);
  assert.equal(asked, 2, 'strangers’ keys do not make this node ask');
  nowMs += 59 * 60_000;
  await verifies(first);
  assert.equal(asked, 2);
  nowMs += 60_000;
  await verifies(first);
  assert.equal(asked, 3, 'an hour later');
});

test('a provider that fails is left alone for a moment, and what is no key set is refused', async () => {
  let nowMs = 0;
  let asked = 0;
  let answer: { status: number; json: unknown } = { status: 503, json: undefined };
  const keysOf = createProviderKeys(
    async () => {
      asked++;
      return answer;
    },
    () => nowMs,
  );
  const token = await tokenOf(newKey('x'));
  const codeOf = () =>
    jwtVerify(token, keysOf('hospital', ADDRESS)).then(
      () => 'none',
      (error: unknown) => (isReject(error) ? error.code : 'other'),
    );
  assert.equal(await codeOf(), 'EXTERNAL_PROVIDER_UNAVAILABLE');
  assert.equal(await codeOf(), 'EXTERNAL_PROVIDER_UNAVAILABLE');
  assert.equal(asked, 1);
  for (const json of [
    undefined,
    {},
    { keys: [] },
    { keys: [{}] },
    { keys: Array.from({ length: 65 }, () => ({ kty: 'EC' })) },
  ]) {
    nowMs += 5000;
    answer = { status: 200, json };
    assert.equal(await codeOf(), 'EXTERNAL_PROVIDER_UNFIT');
  }
  assert.equal(asked, 6);
});
