import assert from 'node:assert/strict';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { canonicalBytes } from '../std/canonical-json.ts';
import { isReject } from '../std/reject.ts';
import { createOutgoing } from './create-outgoing.ts';

/** Of hook.example and 127.0.0.1, signed by itself, from 2000 to 2200: no secret, since nobody trusts it but these tests. */
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBXzCCAQagAwIBAgIBATAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDAR0ZXN0MCAX
DTAwMDEwMTAwMDAwMFoYDzIyMDAwMTAxMDAwMDAwWjAPMQ0wCwYDVQQDDAR0ZXN0
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEo0z7yg6yF7VetTPkYk/ikU1mN8eG
CTUKPGVY3Muttn7hwP2Wtp48oYj+7au1nJVjK6x1iWVnOP3ZCNuVY61Md6NRME8w
DwYDVR0TAQH/BAUwAwEB/zAdBgNVHREEFjAUggxob29rLmV4YW1wbGWHBH8AAAEw
HQYDVR0OBBYEFNGnRt+dkhN5zze68Me1h+I+IXBiMAoGCCqGSM49BAMCA0cAMEQC
IGGi51kgMhTIXYDFjuzBwh+fdj7xaEkqK1gnwEY40/MvAiAsrvU1fhjDrsYM3Q8m
uqwN0evGGeCVz6UvlkyGn8LGmA==
-----END CERTIFICATE-----`;
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4XmEkhvcgYZMtUQk
ZAuMBNkAwy8afnqn1m0TlzkBZEqhRANCAASjTPvKDrIXtV61M+RiT+KRTWY3x4YJ
NQo8ZVjcy622fuHA/Za2njyhiP7tq7WclWMrrHWJZWc4/dkI25VjrUx3
-----END PRIVATE KEY-----`;

async function startServer(t: TestContext) {
  const [names, hosts]: [unknown[], unknown[]] = [[], []];
  const server = createServer({ cert: CERTIFICATE, key: KEY }, (request, response) => {
    hosts.push(request.headers.host);
    names.push((request.socket as unknown as { servername: unknown }).servername);
    response.end('ok');
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return { names, hosts, port: (server.address() as AddressInfo).port };
}

/** Asks for an origin that is at 127.0.0.1; with `authorities` in place of those that Node trusts. */
async function ask(origin: string, authorities?: readonly string[]): Promise<string> {
  const outgoing = createOutgoing({
    storeOf: () => ({
      getDocument: async () => canonicalBytes({ revision: 1, rules: [{ origin, addresses: ['127.0.0.1/32'] }] }),
      putDocument: () => assert.fail('nothing is to be changed'),
    }),
    resolve: async () => ['127.0.0.1'],
    ...(authorities === undefined ? {} : { authorities }),
  });
  try {
    const { body } = await outgoing.request('', { url: `${origin}/`, method: 'GET' });
    return Buffer.from(body).toString();
  } catch (error) {
    assert.ok(isReject(error), String(error));
    assert.deepEqual(error.data, { origin });
    return error.code;
  }
}

test('the certificate must name the host that was asked for, though the address was looked up before', async (t) => {
  const { port, names, hosts } = await startServer(t);
  assert.equal(await ask(`https://hook.example:${port}`, [CERTIFICATE]), 'ok');
  assert.equal(await ask(`https://127.0.0.1:${port}`, [CERTIFICATE]), 'ok');
  assert.deepEqual(names, ['hook.example', false]);
  assert.deepEqual(hosts, [`hook.example:${port}`, `127.0.0.1:${port}`]);
  // The connection goes to 127.0.0.1, which the certificate names too.
  assert.equal(await ask(`https://other.example:${port}`, [CERTIFICATE]), 'OUTGOING_TLS_FAILED');
  assert.equal(names.length, 2, 'nothing was asked of it');
});

test('a certificate that nobody trusts is refused, whatever the environment says', async (t) => {
  const { port, names } = await startServer(t);
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  t.after(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  for (const value of ['1', '0']) {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = value;
    assert.equal(await ask(`https://hook.example:${port}`), 'OUTGOING_TLS_FAILED');
  }
  assert.deepEqual(names, []);
});

test('what speaks no TLS is no https', async (t) => {
  const plain = createPlainServer((_request, response) => response.end());
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => plain.close(resolve)));
  const { port } = plain.address() as AddressInfo;
  assert.equal(await ask(`https://hook.example:${port}`, [CERTIFICATE]), 'OUTGOING_TLS_FAILED');
});
