import assert from 'node:assert/strict';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Caller } from '../auth/caller.ts';
import { CODES as AUTH_CODES } from '../auth/codes.ts';
import { rejecter } from '../std/reject.ts';
import { createHttpHost } from './http-host.ts';
import { createRateLimits, type RateLimitOptions, type RateLimits } from './rate-limit.ts';

const rejectAuth = rejecter(AUTH_CODES);

const PERSON: Caller = {
  custodian: 'c'.repeat(32),
  account: 'a'.repeat(32),
  kind: 'practitioner',
  organisation: 'c'.repeat(32),
  roles: [],
  purpose: 'TREAT',
};
const SYSTEM: Caller = { ...PERSON, account: PERSON.custodian, kind: 'system' };

/** Callers by their token. */
const CALLERS: Readonly<Record<string, Caller>> = {
  ann: PERSON,
  'ann by app': { ...PERSON, client: 'app', grant: { scopes: [] } },
  'ann by app again': { ...PERSON, client: 'app', grant: { scopes: [] } },
  'ann by another app': { ...PERSON, client: 'other', grant: { scopes: [] } },
  'bob by app': { ...PERSON, account: 'b'.repeat(32), client: 'app', grant: { scopes: [] } },
  laboratory: SYSTEM,
  administrator: SYSTEM,
};

const SMALL = {
  token: { perSecond: 1, burst: 10 },
  user: { perSecond: 2, burst: 20 },
  source: { perSecond: 1, burst: 30 },
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly code: string | undefined;
}

interface Bench {
  readonly app: FastifyInstance;
  readonly limits: RateLimits;
  readonly clock: { nowMs: number };
  ask(options: { token?: string; from?: string; path?: string; headers?: Record<string, string> }): Promise<Answer>;
  /** Asks until it is refused for asking too often; how many were not. */
  exhaust(options: Parameters<Bench['ask']>[0], most?: number): Promise<number>;
}

async function bench(options: RateLimitOptions = SMALL, trustedProxies: readonly string[] = []): Promise<Bench> {
  const clock = { nowMs: 0 };
  const limits = createRateLimits({ ...options, clock: () => clock.nowMs });
  const app = createHttpHost({ logger: pino({ level: 'silent' }), trustedProxies });
  limits.guard(app);
  const authenticate = limits.limited(async ({ headers }) => {
    const caller = CALLERS[(headers.authorization ?? '').slice('Bearer '.length)];
    if (caller === undefined) throw rejectAuth(headers.authorization === undefined ? 'TOKEN_MISSING' : 'TOKEN_UNKNOWN');
    return caller;
  });
  app.get('/records', async (request) => ({ account: (await authenticate(request)).account }));
  app.get('/batch', async (request) => {
    limits.charge(request, await authenticate(request), 24);
    return {};
  });
  app.get('/auth/authorize', async (_request, reply) => reply.redirect('/auth/interaction/1', 303));
  app.post('/auth/token', async (request, reply) => {
    // As the provider answers: past the framework, and with the address taken out.
    delete request.raw.headers['x-forwarded-for'];
    reply.hijack();
    reply.raw.statusCode = request.headers.authorization === 'Basic right' ? 200 : 401;
    reply.raw.end('{}');
  });
  const ask: Bench['ask'] = async ({ token, from = '203.0.113.1', path = '/records', headers = {} }) => {
    const response = await app.inject({
      method: path === '/auth/token' ? 'POST' : 'GET',
      url: path,
      remoteAddress: from,
      headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    });
    const body = response.body === '' ? {} : (response.json() as { code?: string });
    return { status: response.statusCode, headers: response.headers, code: body.code };
  };
  return {
    ...{ app, limits, clock, ask },
    async exhaust(asked, most = 200) {
      for (let count = 0; count < most; count++) if ((await ask(asked)).status === 429) return count;
      return most;
    },
  };
}

test('a token is refused after its burst, told when to come again, and let in then', async () => {
  const { ask, exhaust, clock } = await bench();
  assert.equal(await exhaust({ token: 'laboratory' }), 10);
  const refused = await ask({ token: 'laboratory' });
  assert.equal(refused.code, 'RATE_LIMITED');
  assert.equal(refused.headers['retry-after'], '1');
  assert.equal(refused.headers.ratelimit, '"token";r=0;t=1');
  assert.equal(refused.headers['ratelimit-policy'], '"token";q=10;w=10');
  clock.nowMs += 1000;
  assert.equal((await ask({ token: 'laboratory' })).status, 200);
  assert.equal((await ask({ token: 'laboratory' })).status, 429);
});

test('answers say what is left once half is gone, and no waiting time', async () => {
  const { ask } = await bench();
  for (let count = 0; count < 5; count++)
    assert.equal((await ask({ token: 'laboratory' })).headers.ratelimit, undefined, String(count));
  await ask({ token: 'laboratory' });
  const { status, headers } = await ask({ token: 'laboratory' });
  assert.equal(status, 200);
  assert.equal(headers.ratelimit, '"token";r=3;t=1');
  assert.equal(headers['retry-after'], undefined);
});

test('a batch costs as much as its entries, and what comes after it waits for that', async () => {
  const { ask, clock } = await bench();
  assert.equal((await ask({ token: 'laboratory', path: '/batch' })).status, 200);
  const refused = await ask({ token: 'laboratory' });
  assert.equal(refused.status, 429);
  // 25 of 10, of which one burst at the most is owed.
  assert.equal(refused.headers['retry-after'], '11');
  clock.nowMs += 11_000;
  assert.equal((await ask({ token: 'laboratory' })).status, 200);
});

test('an app is one for each of its users, and a new token is no new allowance', async () => {
  const { ask, exhaust } = await bench();
  assert.equal(await exhaust({ token: 'ann by app' }), 10);
  assert.equal((await ask({ token: 'ann by app again' })).status, 429);
  assert.equal((await ask({ token: 'bob by app' })).status, 200);
  assert.equal((await ask({ token: 'ann by another app' })).status, 200);
});

test('a user may use more than one token, but not without end', async () => {
  const { exhaust, ask, clock } = await bench();
  const taken = [await exhaust({ token: 'ann by app' }), await exhaust({ token: 'ann by another app' })];
  assert.deepEqual(taken, [10, 10]);
  const refused = await ask({ token: 'ann' });
  assert.equal(refused.headers.ratelimit, '"user";r=0;t=1');
  assert.equal((await ask({ token: 'bob by app' })).status, 200);
  // What was refused to the user cost the token nothing: the user's two of a second are had by it.
  for (let count = 0; count < 12; count++) assert.equal((await ask({ token: 'ann' })).status, 429);
  clock.nowMs += 1000;
  assert.equal(await exhaust({ token: 'ann' }), 2);
});

test('systems of one organisation do not use up each other’s', async () => {
  const { ask, exhaust } = await bench();
  await exhaust({ token: 'laboratory' });
  assert.equal((await ask({ token: 'administrator' })).status, 200);
});

test('nobody locks out who holds a token: not from elsewhere, not from the same address, not with wrong tokens', async () => {
  const { ask, exhaust } = await bench();
  const victim = { token: 'ann by app', from: '203.0.113.1' };
  assert.equal(await exhaust({ from: '203.0.113.1' }), 30, 'requests without a token');
  assert.equal((await ask({ from: '203.0.113.1', token: 'guessed' })).code, 'RATE_LIMITED');
  await exhaust({ path: '/auth/authorize', from: '203.0.113.1' });
  await exhaust({ path: '/auth/token', from: '203.0.113.1' });
  for (let from = 2; from < 40; from++) await ask({ from: `203.0.113.${from}`, token: 'guessed' });
  assert.equal(await exhaust(victim), 10, 'all of the victim’s own allowance is there');
});

test('what comes from one network counts for it alone', async () => {
  const { ask, exhaust } = await bench();
  assert.equal(await exhaust({ from: '2001:db8:0:1::1' }), 30);
  assert.equal((await ask({ from: '2001:db8:0:1:ffff::2' })).status, 429, 'the same /64');
  assert.equal((await ask({ from: '2001:db8:0:2::1' })).status, 401);
  assert.equal((await ask({ from: '203.0.113.1' })).status, 401);
});

test('at the ways in, failures count and so does what is begun; what succeeds at the token endpoint does not', async () => {
  const { ask, exhaust, clock } = await bench();
  const right = { path: '/auth/token', headers: { authorization: 'Basic right' } };
  assert.equal(await exhaust(right, 100), 100);
  assert.equal(await exhaust({ path: '/auth/token' }), 30);
  assert.equal((await ask(right)).status, 429, 'also what would succeed');
  assert.equal((await ask({ ...right, from: '203.0.113.2' })).status, 200);
  assert.equal(await exhaust({ path: '/auth/authorize', from: '203.0.113.3' }), 1);
  clock.nowMs += 1000;
  assert.equal((await ask(right)).status, 200);
});

test('a way in counts however its address is written, and what else is below /auth counts most', async () => {
  const app = createHttpHost({ logger: pino({ level: 'silent' }), trustedProxies: ['127.0.0.1'] });
  createRateLimits({ source: { perSecond: 0.001, burst: 3 } }).guard(app);
  const paths = ['/auth/register', '/auth/token', '/sign-in/enrol/options', '/api/accounts/claim'];
  for (const path of paths) app.post(path, async (_request, reply) => reply.code(403).send({}));
  app.all('/auth/*', async (_request, reply) => reply.callNotFound());
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  const addressOf = (index: number) => `203.0.113.${index}`;
  const written: readonly (readonly [target: string, taken: number])[] = [
    ...[['/auth/token', 3] as const, ['/auth/tok%65n', 3] as const, ['http://x/auth/token', 3] as const],
    ...[['/auth/Token', 1] as const, ['/auth//token', 1] as const, ['/auth/tokens', 1] as const],
    ...[['/auth/register', 1] as const, ['/auth/regi%73ter', 1] as const, ['http://x/auth/register', 1] as const],
    ...[['/sign-in/enrol/options', 3] as const, ['/s%69gn-in/enrol/options', 3] as const],
    ...[['/api/accounts/claim', 3] as const, ['/api/accounts/cl%61im', 3] as const],
    ...[['http://x/api/accounts/claim', 3] as const, ['/api/accounts/claim?', 3] as const],
  ];
  for (const [index, [target, taken]] of written.entries()) {
    let count = 0;
    while (count < 8 && (await statusOf(port, target, addressOf(index))) !== 429) count++;
    assert.equal(count, taken, target);
  }
  await app.close();
});

test('by default one network begins four hundred sign-ins at once, and then waits', async () => {
  const { exhaust, clock } = await bench({});
  const authorize = { path: '/auth/authorize' };
  assert.equal(await exhaust(authorize, 1000), 400);
  clock.nowMs += 1000;
  assert.ok((await exhaust(authorize, 1000)) <= 20);
  assert.equal(await exhaust({ ...authorize, from: '203.0.113.2' }, 10), 10);
});

test('X-Forwarded-For is believed of proxies that were named, and of nobody else', async () => {
  const behind = (address: string) => ({ headers: { 'x-forwarded-for': address }, path: '/auth/token' });
  const without = await bench();
  for (let count = 0; count < 30; count++) await without.ask({ ...behind(`198.51.100.${count}`), from: '10.0.0.1' });
  assert.equal((await without.ask({ ...behind('198.51.100.99'), from: '10.0.0.1' })).status, 429);

  const { ask, exhaust } = await bench(SMALL, ['10.0.0.0/8']);
  assert.equal(await exhaust({ ...behind('198.51.100.1'), from: '10.0.0.1' }), 30);
  assert.equal((await ask({ ...behind('198.51.100.2'), from: '10.0.0.1' })).status, 401);
  // What the client itself puts before the proxy's word is not looked at.
  assert.equal((await ask({ ...behind('198.51.100.9, 198.51.100.1'), from: '10.0.0.1' })).status, 429);
  assert.equal((await ask({ ...behind('198.51.100.1'), from: '203.0.113.1' })).status, 401);
});

test('by default nobody who works with it notices', async () => {
  const { exhaust } = await bench({});
  assert.equal(await exhaust({ token: 'laboratory' }, 3000), 3000);
  assert.equal(await exhaust({}, 3000), 3000);
});

/** Status of a POST whose target is written just so, as a proxy on this machine sends it on. */
function statusOf(port: number, target: string, from: string): Promise<number> {
  return new Promise((resolve, fail) => {
    let answer = '';
    const socket = connect({ port, host: '127.0.0.1' }, () =>
      socket.write(
        `POST ${target} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${from}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      ),
    );
    socket.on('data', (part) => {
      answer += part;
    });
    socket.on('error', fail);
    socket.on('close', () => resolve(Number(answer.slice(9, 12))));
  });
}
