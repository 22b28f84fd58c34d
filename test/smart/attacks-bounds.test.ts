import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { before, type TestContext, test } from 'node:test';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import {
  APP,
  assertionOf,
  authorizeUrl,
  newServiceKey,
  REDIRECT,
  serviceOf,
  serviceToken,
} from '../support/smart-app.ts';
import { Browser, newPkce, type SmartNode, signIn, startSmartNode } from '../support/smart-node.ts';

/* Attacks on what is bounded: addresses, names, parameters, memory and the lives of keys, against a whole node. */

before(() => loadDefinitions());

/** Status line and headers of an answer to a target that is written just so. */
function raw({ baseUrl }: SmartNode, method: string, target: string): Promise<string> {
  return new Promise((resolve, fail) => {
    let answer = '';
    const socket = connect({ port: Number(new URL(baseUrl).port), host: '127.0.0.1' }, () =>
      socket.write(`${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`),
    );
    socket.on('data', (part) => {
      answer += part;
    });
    socket.on('error', fail);
    socket.on('close', () => resolve(answer.split('\r\n\r\n', 1)[0] ?? ''));
  });
}

/** The key set of a service on its own server, and an organisation that lets this node ask it. */
async function serveKeys(t: TestContext, node: SmartNode, keys: readonly object[]) {
  const served = { keys, asked: 0 };
  const server = createServer((_request, response) => {
    served.asked++;
    response.setHeader('cache-control', 'max-age=315360000');
    response.end(JSON.stringify({ keys: served.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const allow = async (isAllowed: boolean) => {
    const { json } = await node.api('GET', '/api/outgoing');
    const rules = isAllowed ? [{ origin, addresses: ['127.0.0.1/32'] }] : [];
    const { status, text } = await node.api('PUT', '/api/outgoing', { revision: json.revision, rules });
    assert.equal(status, 200, text);
  };
  await allow(true);
  return { served, address: `${origin}/keys`, allow };
}

test('attacks on the bounds of the authorization server', async (t) => {
  const node = await startSmartNode(t);
  const { client_id } = await node.register(APP);
  const ask = (more: Record<string, string> = {}) =>
    fetch(authorizeUrl(node, { client_id, code_challenge: newPkce().challenge, ...more }), { redirect: 'manual' });

  await t.test('no other spelling of a path leads to the provider', async () => {
    const { search } = new URL(authorizeUrl(node, { client_id, code_challenge: newPkce().challenge }));
    assert.match(await raw(node, 'GET', `/auth/authorize${search}`), /^HTTP\/1\.1 303 /);
    for (const path of [
      ...['/auth/Authorize', '/auth/AUTHORIZE', '/auth/%61uthorize', '/auth/authorize/', '/auth//authorize'],
      ...['http://x/auth/authorize', '/auth/authoriz%65', '/auth/./authorize', '/Auth/authorize'],
    ]) {
      const answer = await raw(node, 'GET', `${path}${search}`);
      assert.match(answer, /^HTTP\/1\.1 40[04] /, path);
      assert.doesNotMatch(answer, /set-cookie/i, path);
    }
    for (const path of ['/auth/Token', '/auth/tok%65n', '/auth/token/', 'http://x/auth/token', '/auth/Introspect'])
      assert.match(await raw(node, 'POST', path), /^HTTP\/1\.1 404 /, path);
    assert.match(await raw(node, 'POST', '/auth/token'), /^HTTP\/1\.1 400 /);
  });

  await t.test('long parameters begin nothing, whatever their name and the method', async () => {
    const long = 'x'.repeat(2049);
    for (const name of ['state', 'nonce', 'login_hint', 'launch', 'acr_values', 'ui_locales', 'id_token_hint']) {
      const answer = await ask({ [name]: long });
      assert.ok(answer.headers.get('location')?.startsWith(REDIRECT), name);
      assert.equal(new URL(answer.headers.get('location') ?? '').searchParams.get('error'), 'invalid_request', name);
      assert.deepEqual(answer.headers.getSetCookie(), [], name);
    }
    assert.equal((await ask({ state: 'x'.repeat(2048) })).headers.getSetCookie().length > 0, true);
    const form = new URL(authorizeUrl(node, { client_id, code_challenge: newPkce().challenge })).searchParams;
    form.set('state', 'x'.repeat(50_000));
    const posted = await fetch(`${node.baseUrl}/auth/authorize`, { method: 'POST', body: form, redirect: 'manual' });
    assert.deepEqual(posted.headers.getSetCookie(), []);
  });

  await t.test('a flood of sign-ins is refused, and ends none of another who is at it', async () => {
    const ada = await node.hire('Dr. Ada');
    const browser = new Browser(node.baseUrl);
    const page = await browser.follow(authorizeUrl(node, { client_id, code_challenge: newPkce().challenge }));
    let refused = 0;
    for (let round = 0; round < 40 && refused === 0; round++) {
      const answers = await Promise.all(Array.from({ length: 16 }, () => ask({ state: 'x'.repeat(2048) })));
      refused += answers.filter(({ status }) => status === 429).length;
    }
    assert.ok(refused > 0);
    // The flood comes from this very network: what goes on is refused with it for a moment, and is not ended.
    let landing = await browser.request(page.at);
    for (const start = performance.now(); landing.status === 429 && performance.now() - start < 30_000; ) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      landing = await browser.request(page.at);
    }
    assert.equal(landing.status, 200, landing.text);
    const consent = await signIn(browser, page, ada);
    assert.match(consent.answer.text, /Dr\. Ada/);
  });
});

test('attacks on what is registered', async (t) => {
  const node = await startSmartNode(t);
  const refused = async (more: object, reason: RegExp) => {
    const { status, json } = await node.api('POST', '/api/clients', { ...APP, ...more });
    assert.equal(status, 400, JSON.stringify(more));
    assert.match(json.data.reason, reason, JSON.stringify(more));
  };

  await t.test('redirects in plain text, beside a loopback address, or that read otherwise', async () => {
    for (const uri of ['HTTP://app.example/cb', ' http://app.example/cb', 'https://app.example/\u202ecb', 'evil:cb'])
      await refused({ redirect_uris: [uri] }, /^redirect_uris: /);
    for (const uri of ['evil:cb', 'mailto:x@y', 'intent://x/#Intent', 'http://app.example/cb'])
      await refused({ redirect_uris: ['http://127.0.0.1/cb', uri] }, /^redirect_uris: /);
    await refused({ launch_uri: 'http://app.example/launch' }, /^launch_uri: /);
    await refused({ client_uri: 'https://user@app.example/' }, /^client_uri: /);
    await refused({ origins: ['https://APP.example'] }, /^origins: /);
  });

  await t.test('the port of a loopback address is free for native apps alone', async () => {
    const landing = async (registered: string, asked: string) => {
      const { client_id } = await node.register({ ...APP, redirect_uris: [registered] });
      const parameters = { client_id, code_challenge: newPkce().challenge, redirect_uri: asked };
      return (await fetch(authorizeUrl(node, parameters), { redirect: 'manual' })).status;
    };
    assert.equal(await landing('http://127.0.0.1:3000/cb', 'http://127.0.0.1:31337/cb'), 303);
    assert.equal(await landing('http://127.0.0.1:3000/cb', 'http://127.0.0.1:31337/other'), 400);
    assert.equal(await landing('https://localhost:3000/cb', 'https://localhost:31337/cb'), 400);
    assert.equal(await landing('com.example.app:/cb', 'com.example.app:/cb'), 303);
  });

  await t.test('names that read otherwise than they are', async () => {
    for (const client_name of [
      'Growth\u202echarts',
      'Growth\ncharts',
      ' Growth',
      'Growth\u200bcharts',
      'x'.repeat(129),
    ])
      await refused({ client_name }, /^\/?client_name/);
  });

  await t.test('scopes with a search that asks for nothing', async () => {
    for (const search of ['&', '?', '??', 'category', 'category=', 'category=laboratory&'])
      await refused({ scope: `patient/Observation.rs?${search}` }, /^scope: /);
  });

  await t.test('an app that registers itself under the name of another', async () => {
    await node.register(APP);
    const register = async (client_name: string) => {
      const { json } = await node.api('POST', '/api/clients/registration-tokens');
      const response = await fetch(`${node.baseUrl}/auth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${json.token}` },
        body: JSON.stringify({ ...APP, client_name, scope: 'patient/*.rs' }),
      });
      return response.status;
    };
    for (const name of [APP.client_name, 'GROWTH-CHARTS', 'Ｇrowth charts', 'Growth charts!'])
      assert.equal(await register(name), 400, name);
    assert.equal(await register('Growth tables'), 201);
  });
});

test('a service whose keys may not be fetched any more gets no token by those that were', async (t) => {
  const node = await startSmartNode(t);
  const key = newServiceKey('ES384');
  const { served, address, allow } = await serveKeys(t, node, [key.jwk]);
  const { client_id } = await node.register({ ...serviceOf(key), jwks: undefined, jwks_uri: address });
  const ask = async () => (await serviceToken(node, await assertionOf(node, client_id, key))).status;
  assert.equal(await ask(), 200);
  // Kept for a moment: strangers' assertions do not make this node ask.
  const stranger = newServiceKey('ES384');
  for (let count = 0; count < 5; count++)
    assert.equal((await serviceToken(node, await assertionOf(node, client_id, stranger))).status, 401);
  assert.equal(served.asked, 1);
  await allow(false);
  assert.equal(await ask(), 401);
  await allow(true);
  assert.equal(await ask(), 200);
});
