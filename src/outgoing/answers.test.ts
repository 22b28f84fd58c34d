import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { rejectOf } from '../../test/support/reject-of.ts';
import { utf8 } from '../std/bytes.ts';
import { canonicalBytes } from '../std/canonical-json.ts';
import type { ResolveName } from './cleared-address.ts';
import { createOutgoing } from './create-outgoing.ts';
import type { Outgoing, OutgoingRequest } from './outgoing.ts';
import type { OutgoingRule } from './rules.ts';

const ORGANISATION = 'a'.repeat(32);
const HOME = ['127.0.0.1/32'];

/** A server on 127.0.0.1 and what was asked of it. */
interface Hook {
  readonly port: number;
  readonly url: string;
  readonly asked: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[];
  readonly count: { connections: number };
  /** Resolves once no connection is open. */
  idle(): Promise<void>;
}

async function startHook(t: TestContext, answer: (response: ServerResponse) => void): Promise<Hook> {
  const [asked, count]: [Hook['asked'], Hook['count']] = [[], { connections: 0 }];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const { method = '', url: path = '', headers } = request;
    asked.push({ method, path, headers, body: Buffer.concat(parts).toString() });
    answer(response);
  });
  const open = new Set<Socket>();
  let idle = () => {};
  server.on('connection', (socket) => {
    count.connections += 1;
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      if (open.size === 0) idle();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    ...{ port, asked, count, url: `http://127.0.0.1:${port}` },
    idle: () =>
      new Promise((resolve) => {
        if (open.size === 0) resolve();
        idle = resolve;
      }),
  };
}

/** The guard under the rules given. */
function outgoingUnder(rules: readonly OutgoingRule[], resolve?: ResolveName): Outgoing {
  const document = canonicalBytes({ revision: 1, rules: rules as { origin: string }[] });
  return createOutgoing({
    storeOf: (organisation) => ({
      getDocument: async () => (organisation === ORGANISATION ? document : undefined),
      putDocument: () => assert.fail('nothing is to be changed'),
    }),
    ...(resolve === undefined ? {} : { resolve }),
  });
}

/** Asks the hook, which a rule allows. */
function ask({ url }: { readonly url: string }, request: Partial<OutgoingRequest> = {}) {
  const rules = [{ origin: url, addresses: HOME }];
  return outgoingUnder(rules).request(ORGANISATION, { url: `${url}/`, method: 'GET', ...request });
}

async function codeOf(run: Promise<unknown>): Promise<string> {
  const { code, data } = await rejectOf(run);
  for (const name of Object.keys(data)) assert.equal(name, 'origin');
  return code;
}

test('what a rule allows is asked and answered', async (t) => {
  const hook = await startHook(t, (response) => {
    response.writeHead(202, { 'X-One': 'a', 'Set-Cookie': ['b=1', 'c=2'] });
    response.end('héllo');
  });
  const answer = await ask(hook, {
    ...{ url: `${hook.url}/a/b?c=d#e`, method: 'POST', body: utf8('{"x":1}') },
    headers: { 'Content-Type': 'application/json', authorization: 'Bearer t' },
  });
  assert.equal(answer.status, 202);
  assert.equal(answer.headers['x-one'], 'a');
  assert.equal(answer.headers['set-cookie'], 'b=1, c=2');
  assert.equal(Buffer.from(answer.body).toString(), 'héllo');
  const [asked] = hook.asked;
  assert.deepEqual([asked?.method, asked?.path, asked?.body], ['POST', '/a/b?c=d', '{"x":1}']);
  assert.deepEqual(asked?.headers, {
    'content-type': 'application/json',
    authorization: 'Bearer t',
    host: `127.0.0.1:${hook.port}`,
    'accept-encoding': 'identity',
    connection: 'close',
    'content-length': '7',
  });
  await hook.idle();
});

test('rules are those of the organisation alone, and of this very moment', async (t) => {
  const hook = await startHook(t, (response) => response.end());
  const outgoing = outgoingUnder([{ origin: hook.url, addresses: HOME }]);
  await outgoing.requireAllowed(ORGANISATION, hook.url);
  assert.equal(hook.count.connections, 0, 'only asked whether it may');
  assert.equal(await codeOf(outgoing.requireAllowed('b'.repeat(32), hook.url)), 'OUTGOING_NOT_ALLOWED');
  const request = { url: hook.url, method: 'GET' } as const;
  assert.equal(await codeOf(outgoing.request('b'.repeat(32), request)), 'OUTGOING_NOT_ALLOWED');
  assert.equal(hook.count.connections, 0);
});

test('a name is resolved once, and the address that was checked is the one that is asked', async (t) => {
  const hook = await startHook(t, (response) => response.end('first'));
  const origin = `http://hook.example:${hook.port}`;
  // A name server that answers what is allowed first and what is not afterwards, and never says this machine has the name.
  const answers = [['127.0.0.1'], ['10.0.0.1'], ['127.0.0.1']];
  let times = 0;
  const outgoing = outgoingUnder([{ origin, addresses: HOME }], async () => answers[times++] ?? []);
  const ask = () => outgoing.request(ORGANISATION, { url: `${origin}/x`, method: 'GET' });
  assert.equal((await ask()).status, 200);
  assert.deepEqual([times, hook.count.connections], [1, 1]);
  assert.equal(hook.asked[0]?.headers.host, `hook.example:${hook.port}`);
  assert.equal(await codeOf(ask()), 'OUTGOING_ADDRESS_REFUSED');
  assert.deepEqual([times, hook.count.connections], [2, 1]);
  await ask();
  assert.deepEqual([times, hook.count.connections], [3, 2]);
  assert.equal(await codeOf(ask()), 'OUTGOING_NAME_UNKNOWN');
});

test('upper case, the dot of the root and a default port are the same origin', async (t) => {
  const hook = await startHook(t, (response) => response.end());
  const outgoing = outgoingUnder([{ origin: `http://hook.example:${hook.port}`, addresses: HOME }], async (name) => {
    assert.equal(name, 'hook.example');
    return ['127.0.0.1'];
  });
  for (const written of ['http://hook.example', 'HTTP://HOOK.example', 'http://hook.example.'])
    await outgoing.request(ORGANISATION, { url: `${written}:${hook.port}`, method: 'GET' });
  for (const { headers } of hook.asked) assert.equal(headers.host, `hook.example:${hook.port}`);
  const named = outgoingUnder([{ origin: 'https://xn--bcher-kva.example' }], async () => ['2606:4700::1111']);
  await named.requireAllowed(ORGANISATION, 'https://bücher.example:443/jwks');
});

test('no redirect is followed, whatever its status', async (t) => {
  const inner = await startHook(t, (response) => response.end('secret'));
  const targets = [
    inner.url,
    `//127.0.0.1:${inner.port}/`,
    'http://169.254.169.254/latest/meta-data/',
    'file:///etc/passwd',
  ];
  for (const status of [300, 301, 302, 303, 304, 305, 307, 308]) {
    for (const location of targets) {
      const hook = await startHook(t, (response) => response.writeHead(status, { location }).end());
      assert.equal(await codeOf(ask(hook)), 'OUTGOING_REDIRECTED', `${status} to ${location}`);
      assert.equal(await codeOf(ask(hook, { method: 'POST' })), 'OUTGOING_REDIRECTED', `${status} to ${location}`);
      await hook.idle();
    }
  }
  // Neither do other statuses and headers send anywhere.
  const hook = await startHook(t, (response) =>
    response.writeHead(201, { location: inner.url, refresh: `0; url=${inner.url}`, link: `<${inner.url}>` }).end(),
  );
  assert.equal((await ask(hook)).status, 201);
  assert.equal(inner.count.connections, 0);
});

test('an answer that is too large is left where the bound lies', async (t) => {
  const maxBytes = 100_000;
  const declared = await startHook(t, (response) => {
    response.writeHead(200, { 'content-length': maxBytes + 1 });
    response.write('x');
  });
  assert.equal(await codeOf(ask(declared, { maxBytes })), 'OUTGOING_ANSWER_TOO_LARGE');
  await declared.idle();
  let sent = 0;
  const endless = await startHook(t, (response) => {
    const write = (): void => {
      while (!response.destroyed) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536))) break;
      }
    };
    response.on('drain', write);
    write();
  });
  assert.equal(await codeOf(ask(endless, { maxBytes })), 'OUTGOING_ANSWER_TOO_LARGE');
  await endless.idle();
  assert.ok(sent < 100_000_000, `${sent} bytes were taken`);
  const exact = await startHook(t, (response) => response.end(Buffer.alloc(maxBytes)));
  assert.equal((await ask(exact, { maxBytes })).body.length, maxBytes);
  const header = await startHook(t, (response) => response.writeHead(200, { x: 'y'.repeat(17_000) }).end());
  assert.equal(await codeOf(ask(header)), 'OUTGOING_ANSWER_TOO_LARGE');
});

test('what is compressed is refused, though it was asked for as it is', async (t) => {
  for (const encoding of ['gzip', 'br', 'zstd', 'deflate', 'GZIP, identity', 'x']) {
    const hook = await startHook(t, (response) => response.writeHead(200, { 'content-encoding': encoding }).end('x'));
    assert.equal(await codeOf(ask(hook)), 'OUTGOING_ANSWER_UNFIT', encoding);
    assert.equal(hook.asked[0]?.headers['accept-encoding'], 'identity');
  }
  const plain = await startHook(t, (response) => response.writeHead(200, { 'content-encoding': 'identity' }).end('x'));
  assert.equal((await ask(plain)).status, 200);
});

test('the time covers the name, the answer’s head and its last byte', async (t) => {
  const timeoutMs = 150;
  const silent = await startHook(t, () => {});
  assert.equal(await codeOf(ask(silent, { timeoutMs })), 'OUTGOING_TIMED_OUT');
  await silent.idle();
  const dribble = await startHook(t, (response) => {
    const timer = setInterval(() => response.write('x'), 10);
    response.once('close', () => clearInterval(timer));
  });
  assert.equal(await codeOf(ask(dribble, { timeoutMs })), 'OUTGOING_TIMED_OUT');
  await dribble.idle();
  const informing = await startHook(t, (response) => {
    const timer = setInterval(() => response.writeProcessing(), 10);
    response.once('close', () => clearInterval(timer));
  });
  assert.equal(await codeOf(ask(informing, { timeoutMs })), 'OUTGOING_TIMED_OUT');
  await informing.idle();
  const nameless = outgoingUnder([{ origin: 'https://hook.example' }], () => new Promise(() => {}));
  const request = { url: 'https://hook.example/', method: 'GET', timeoutMs } as const;
  assert.equal(await codeOf(nameless.request(ORGANISATION, request)), 'OUTGOING_TIMED_OUT');
});

test('a request is called off at any moment', async (t) => {
  const hook = await startHook(t, () => caller.abort());
  const caller = new AbortController();
  assert.equal(await codeOf(ask(hook, { signal: caller.signal })), 'OUTGOING_INTERRUPTED');
  await hook.idle();
  assert.equal(await codeOf(ask(hook, { signal: AbortSignal.abort() })), 'OUTGOING_INTERRUPTED');
  assert.equal(hook.count.connections, 1);
});

test('what is no HTTP, breaks off or is not there is told apart', async () => {
  const answers: readonly (readonly [string, string])[] = [
    ['SSH-2.0-OpenSSH_9.9\r\n', 'OUTGOING_ANSWER_UNFIT'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc', 'OUTGOING_ANSWER_UNFIT'],
    ['HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 'OUTGOING_ANSWER_UNFIT'],
    ['HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', 'OUTGOING_UNREACHABLE'],
    ['HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n', 'OUTGOING_ANSWER_UNFIT'],
    ['', 'OUTGOING_UNREACHABLE'],
  ];
  for (const [text, code] of answers) {
    const server = createTcpServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(text)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    assert.equal(await codeOf(ask({ url })), code, JSON.stringify(text));
    await new Promise((resolve) => server.close(resolve));
    assert.equal(await codeOf(ask({ url })), 'OUTGOING_UNREACHABLE', 'nobody listens any more');
  }
});

test('a caller sets no header that frames the message, names its host or its way', async (t) => {
  const hook = await startHook(t, (response) => response.end());
  const names = [
    ...[
      'Host',
      'Content-Length',
      'transfer-encoding',
      'CONNECTION',
      'keep-alive',
      'TE',
      'trailer',
      'upgrade',
      'expect',
    ],
    ...[
      'accept-encoding',
      'proxy-authorization',
      'Proxy-Connection',
      'forwarded',
      'x-forwarded-for',
      'X-Forwarded-Host',
    ],
    ...['via', 'sec-fetch-site', 'x-http-method-override', '', 'a b', 'a:b', 'a\r\nb', 'ä'],
  ];
  const unfit: OutgoingRequest['headers'][] = [
    ...names.map((name) => ({ [name]: '1' })),
    ...['a\r\nhost: x', 'a\nb', 'a\0', 'ü', '\t'].map((value) => ({ x: value })),
    { 'x-a': '1', 'X-A': '2' },
    { x: 'y'.repeat(16_385) },
    Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`x-${at}`, '1'])),
  ];
  for (const headers of unfit) {
    assert.ok(headers);
    assert.equal(await codeOf(ask(hook, { headers })), 'OUTGOING_REQUEST_UNFIT', JSON.stringify(headers).slice(0, 80));
  }
  assert.equal(await codeOf(ask(hook, { body: utf8('x') })), 'OUTGOING_REQUEST_UNFIT');
  assert.equal(hook.count.connections, 0);
});

test('a proxy of the environment is not used', async (t) => {
  const proxy = await startHook(t, (response) => response.end('proxy'));
  const hook = await startHook(t, (response) => response.end('hook'));
  const child = join(import.meta.dirname, 'create-outgoing.ts');
  const rules = new TextDecoder().decode(
    canonicalBytes({ revision: 1, rules: [{ origin: hook.url, addresses: HOME }] }),
  );
  const script = `
    const { createOutgoing } = await import(${JSON.stringify(child)});
    const store = { getDocument: async () => new TextEncoder().encode(${JSON.stringify(rules)}) };
    const asked = await createOutgoing({ storeOf: () => store }).request('', { url: ${JSON.stringify(hook.url)}, method: 'GET' });
    process.stdout.write(Buffer.from(asked.body).toString() + ' ' + (await (await fetch(${JSON.stringify(hook.url)})).text()));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy.url, http_proxy: proxy.url, NO_PROXY: '' },
  });
  // `fetch` shows that the environment would have been heard.
  assert.equal(stdout, 'hook proxy');
});
