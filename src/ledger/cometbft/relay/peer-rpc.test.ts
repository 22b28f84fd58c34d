import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { testSigner } from '../../../../test/support/test-signer.ts';
import { createMemberCheck } from '../../../auth/member-call-check.ts';
import { createMemberFetch } from '../../../auth/member-fetch.ts';
import { createHttpHost } from '../../../server/http-host.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { addEngineRelay } from '../../http/engine-relay.ts';
import { createEngineRpc } from '../engine/create-engine-rpc.ts';
import { cometBftForTest, until } from '../engine/engine-for-test.ts';
import type { EngineRpc } from '../engine/engine-rpc.ts';
import { createPeerRpc, type PeerRpc } from './peer-rpc.ts';

const hospital = testSigner('hospital');
const clinic = testSigner('clinic');
const CHAIN = 'c4'.repeat(32);

/** The hospital's node before its engine; only the clinic is a member beside it. */
async function startMember(t: TestContext, engine: Pick<EngineRpc, 'call'>) {
  const app = createHttpHost({ logger: pino({ level: 'silent' }) });
  const requireMember = createMemberCheck({
    chain: CHAIN,
    audiences: [hospital.account],
    keysOf: (member) => (member === clinic.account ? [clinic.record] : []),
    clock: Date.now,
  });
  addEngineRelay(app, { engine, requireMember, clock: Date.now });
  app.get('/', async () => ({ genesis: CHAIN, organisations: [{ account: hospital.account }] }));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  return { app, url };
}

/** The joiner's side, for peers at `urls`. */
async function joinThrough(
  t: TestContext,
  urls: readonly string[],
): Promise<PeerRpc & { readonly warnings: string[] }> {
  const warnings: string[] = [];
  const request = createMemberFetch({ signer: clinic, chain: CHAIN, clock: Date.now, fetch });
  const peers = urls.map((url) => ({ url, fetch: request }));
  const rpc = await createPeerRpc({ peers, log: { warn: (details) => void warnings.push(JSON.stringify(details)) } });
  t.after(() => rpc.close());
  return { ...rpc, warnings };
}

const post = (url: string, body: unknown, method = 'POST') =>
  fetch(url, { method, ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }) });
const rpc = (method: string, params: unknown = {}) => ({ jsonrpc: '2.0', id: 3, method, params });

test('the servers answer who knows their path, and relay nothing but a light client’s calls', async (t) => {
  const asked: string[] = [];
  const { app, url } = await startMember(t, {
    call: async (method) => {
      asked.push(method);
      return { said: method };
    },
  });
  const { urls, warnings } = await joinThrough(t, [url, `${url}/`]);
  assert.equal(new Set(urls).size, 2);
  for (const one of urls) {
    assert.match(one, /^http:\/\/127\.0\.0\.1:\d+\/[A-Za-z0-9_-]{43}$/);
    assert.deepEqual(await (await post(one, rpc('status'))).json(), {
      ...{ jsonrpc: '2.0', id: 3 },
      result: { node_info: { network: '' }, sync_info: {} },
    });
  }
  const [one = '', two = ''] = urls;
  const origin = new URL(one).origin;
  const strangers = ['/', '/ledger/engine', `${new URL(two).pathname}`, `${new URL(one).pathname}x`, '/websocket'];
  for (const path of strangers) assert.equal((await post(origin + path, rpc('status'))).status, 404, path);
  assert.equal((await post(one, '', 'GET')).status, 404);
  assert.equal(asked.length, 2);
  for (const method of ['broadcast_evidence', 'broadcast_tx_sync', 'dial_peers', '__proto__']) {
    const { id, error } = (await (await post(one, rpc(method))).json()) as { id: number; error: { data: string } };
    assert.deepEqual([id, error.data], [3, 'not relayed to other members'], method);
  }
  await assert.rejects(post(one, rpc('commit', { height: '1'.repeat(100_000) })), TypeError);
  assert.equal(asked.length, 2);
  assert.deepEqual(warnings, []);

  await app.close();
  for (let times = 0; times < 2; times++) {
    const { error } = (await (await post(one, rpc('status'))).json()) as { error: { data: string } };
    assert.match(error.data, /^Timeout exceeded/);
  }
  assert.equal(warnings.length, 1, 'said once, not at each call');
});

test('a node that refuses the member is not asked again and again', async (t) => {
  const { url } = await startMember(t, { call: async () => ({}) });
  const request = createMemberFetch({ signer: testSigner('stranger'), chain: CHAIN, clock: Date.now, fetch });
  const rpcs = await createPeerRpc({ peers: [{ url, fetch: request }], log: { warn() {} } });
  t.after(() => rpcs.close());
  const { error } = (await (await post(rpcs.urls[0] as string, rpc('status'))).json()) as { error: { data: string } };
  assert.equal(error.data, 'Refused: 401 MEMBER_CALL_SIGNATURE_WRONG');
});

test('CometBFT’s own light client verifies headers, validators and parameters through it', {
  timeout: 60_000,
}, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  const { engine, chainId } = await startChain(t, program);
  const { url } = await startMember(t, engine);
  const { urls } = await joinThrough(t, [url, url]);
  await until('twelve blocks', async () => (await engine.status()).height >= 12);
  const first = await engine.signedHeader(1);
  const hash = (first.commit.block_id as JsonObject).hash as string;
  const primary = await withIdleWebSocket(t, urls[0] as string);
  const light = await startLightClient(t, program, chainId, { primary, witness: urls[1] as string, hash });

  for (const height of [12, 5, 2]) {
    const { header } = await engine.signedHeader(height);
    const { signed_header: verified } = (await light(`commit?height=${height}`)) as { signed_header: JsonObject };
    assert.deepEqual((verified.header as JsonObject).app_hash, header.app_hash);
    assert.deepEqual((verified.header as JsonObject).last_commit_hash, header.last_commit_hash);
    const { total } = (await light(`validators?height=${height}`)) as { total: string };
    assert.equal(total, '1');
  }
  const { consensus_params: params } = (await light('consensus_params?height=12')) as { consensus_params: JsonObject };
  assert.ok(Object.hasOwn(params, 'block'));
  await assert.rejects(light('commit?height=100000'), /100000/);
});

/** One validator with CometBFT's built-in application, its RPC on a unix socket. */
async function startChain(t: TestContext, program: string): Promise<{ engine: EngineRpc; chainId: string }> {
  const home = await mkdtemp(join(tmpdir(), 'aceso-relay-'));
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  await promisify(execFile)(program, ['init', '--home', home], { env: {} });
  const socketPath = join(home, 'rpc.sock');
  run(t, program, [
    ...['start', '--home', home, '--proxy_app', 'kvstore', '--rpc.laddr', `unix://${socketPath}`],
    ...['--p2p.laddr', 'tcp://127.0.0.1:0', '--log_level', 'error'],
  ]);
  const engine = createEngineRpc({ socketPath });
  t.after(() => engine.close());
  const genesis = JSON.parse(await readFile(join(home, 'config', 'genesis.json'), 'utf8')) as { chain_id: string };
  await until('the engine answers', () =>
    engine.status().then(
      ({ height }) => height > 0,
      () => false,
    ),
  );
  return { engine, chainId: genesis.chain_id };
}

/** Asks a light client's own RPC: it answers what it has verified, through primary and witness. */
async function startLightClient(
  t: TestContext,
  program: string,
  chainId: string,
  { primary, witness, hash }: { primary: string; witness: string; hash: string },
): Promise<(path: string) => Promise<unknown>> {
  const home = await mkdtemp(join(tmpdir(), 'aceso-light-'));
  t.after(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const port = await freePort();
  const said = run(t, program, [
    ...['light', chainId, '--primary', primary, '--witnesses', witness, '--height', '1', '--hash', hash],
    ...['--home-dir', home, '--laddr', `tcp://127.0.0.1:${port}`],
  ]);
  const ask = async (path: string): Promise<unknown> => {
    const answer = (await (await fetch(`http://127.0.0.1:${port}/${path}`)).json()) as {
      result?: unknown;
      error?: object;
    };
    if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error));
    return answer.result;
  };
  try {
    await until('the light client answers', () =>
      ask('commit?height=1').then(
        () => true,
        () => false,
      ),
    );
  } catch (error) {
    throw new Error(`${String(error)}: ${said()}`);
  }
  return ask;
}

/**
 * The light client's program, unlike state sync, begins by opening a WebSocket for events, which nothing relays: this
 * stands before one of the servers, accepts that, and passes all else on.
 */
async function withIdleWebSocket(t: TestContext, url: string): Promise<string> {
  const { port, pathname } = new URL(url);
  const front = createServer((incoming, outgoing) => {
    const { method, headers, url: path } = incoming;
    const onward = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  front.on('upgrade', ({ headers }, socket) => {
    const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
    const accept = createHash('sha1').update(key).digest('base64');
    socket.on('error', () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    t.after(() => socket.destroy());
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    front.close();
    front.closeAllConnections();
  });
  return `http://127.0.0.1:${(front.address() as AddressInfo).port}${pathname}`;
}

/** Runs the program until the test ends; answers what it said so far. */
function run(t: TestContext, program: string, words: readonly string[]): () => string {
  const child: ChildProcess = spawn(program, words, {
    env: { CMT_CONSENSUS_TIMEOUT_COMMIT: '20ms' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  const take = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4096);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return () => said;
}

function freePort(): Promise<number> {
  const probe = createNetServer();
  return new Promise((resolve) => {
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
