import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { SignJWT } from 'jose';
import type { ChildNode } from '../child-server.ts';
import { closedLoop, httpRequest, type WireRequest } from '../http-clients.ts';
import { type BenchResult, callsPerSecond, rate } from '../result.ts';

const CLIENTS = 8;
const WARM_UP = 300;
const COUNT = 3_000;
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A registered back-end service, which proves itself by ES384. */
export interface Service {
  readonly clientId: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export async function registerService({ url, adminTokens }: ChildNode, scope: string): Promise<Service> {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const kid = randomUUID();
  const body = {
    client_name: 'Benchmark',
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES384', use: 'sig' }] },
    scope,
    actor: { purposes: ['TREAT'] },
  };
  const answer = await fetch(`${url}/api/clients`, {
    method: 'POST',
    headers: { authorization: `Bearer ${Object.values(adminTokens)[0]}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`no service was registered: ${await answer.text()}`);
  const { client_id: clientId } = (await answer.json()) as { client_id: string };
  // A plain key object: jose signs with it without exporting it each time.
  return {
    clientId,
    kid,
    publicKey,
    privateKey: createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
}

async function assertion({ url }: ChildNode, { clientId, kid, privateKey }: Service): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: clientId, sub: clientId, aud: `${url}/auth/token`, exp: now + 280, jti: randomUUID() };
  return new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid }).sign(privateKey);
}

function form(url: string, path: string, fields: Record<string, string>): WireRequest {
  const body = new URLSearchParams(fields).toString();
  return httpRequest({ url, method: 'POST', path, body, type: 'application/x-www-form-urlencoded' });
}

async function tokenRequest(node: ChildNode, service: Service, scope: string): Promise<WireRequest> {
  const signed = { client_assertion_type: ASSERTION, client_assertion: await assertion(node, service) };
  return form(node.url, '/auth/token', { grant_type: 'client_credentials', scope, ...signed });
}

/** An access token of a service. */
export async function serviceToken(node: ChildNode, service: Service, scope: string): Promise<string> {
  const signed = { client_assertion_type: ASSERTION, client_assertion: await assertion(node, service) };
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope, ...signed });
  const answer = await fetch(`${node.url}/auth/token`, { method: 'POST', body });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`no token was issued: ${answer.status}`);
  return token;
}

/** Signatures that one core verifies in a second: no token by `private_key_jwt` is issued without one. */
function verifiesPerSecond({ publicKey, privateKey }: Service): number {
  const message = Buffer.alloc(400);
  const signature = sign('sha384', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return callsPerSecond(500, () => verify('sha384', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature));
}

/** `token.issue`: tokens per second for back-end services, each with an assertion of its own, durable when answered. */
export async function benchIssue(node: ChildNode, service: Service, scope: string): Promise<BenchResult> {
  // Signed before the clock starts: signing is the clients' work.
  const requests = await all(WARM_UP + COUNT, () => tokenRequest(node, service, scope));
  const perSecond = await measured(node, requests);
  return rate('token.issue', perSecond, verifiesPerSecond(service));
}

/** `token.introspect`: introspections per second, each authenticated by an assertion. */
export async function benchIntrospect(node: ChildNode, service: Service, scope: string): Promise<BenchResult> {
  const token = await serviceToken(node, service, scope);
  const requests = await all(WARM_UP + COUNT, async () => {
    const signed = { client_assertion_type: ASSERTION, client_assertion: await assertion(node, service) };
    return form(node.url, '/auth/introspect', { token, ...signed });
  });
  const perSecond = await measured(node, requests);
  return rate('token.introspect', perSecond, verifiesPerSecond(service));
}

/** Per second, each request once, after some of them warmed the server up. */
async function measured({ url }: ChildNode, requests: readonly WireRequest[]): Promise<number> {
  const load = (from: number, count: number) =>
    closedLoop({
      ...{ url, clients: CLIENTS, count, status: 200 },
      request: (at) => requests[from + at] as WireRequest,
    });
  await load(0, WARM_UP);
  const { perSecond } = await load(WARM_UP, COUNT);
  return perSecond;
}

async function all<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let at = 0; at < count; at++) made.push(await make());
  return made;
}
