import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Fastify from 'fastify';
import { testSigner } from '../../../test/support/test-signer.ts';
import { createMemberCheck } from '../../auth/member-call-check.ts';
import { createMemberFetch } from '../../auth/member-fetch.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { Reject } from '../../std/reject.ts';
import type { EngineRpc } from '../cometbft/engine/engine-rpc.ts';
import { createLedgerPlugin } from './ledger-plugin.ts';
import type { ServedLedger } from './member-routes.ts';

const hospital = testSigner('hospital');
const clinic = testSigner('clinic');
const stranger = testSigner('stranger');
const CHAIN = 'c4'.repeat(32);

/** A node of the hospital's whose engine answers as told, and what it was asked. */
async function startNode(t: TestContext, engine: EngineRpc['call']) {
  const app = Fastify();
  const clock = { nowMs: Date.now() };
  const requireMember = createMemberCheck({
    chain: CHAIN,
    audiences: [hospital.account],
    keysOf: (member) => [hospital, clinic].filter(({ account }) => account === member).map(({ record }) => record),
    clock: () => clock.nowMs,
  });
  const asked: unknown[] = [];
  const call: EngineRpc['call'] = (method, params, timeoutMs) => {
    asked.push([method, params]);
    return engine(method, params, timeoutMs);
  };
  const ledger = { genesis: {}, subscribe: () => () => {} } as unknown as ServedLedger;
  app.register(createLedgerPlugin(ledger, { requireMember, engine: { call }, clock: () => clock.nowMs }));
  app.get('/', async () => ({ genesis: CHAIN, organisations: [{ account: hospital.account }] }));
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  const post = async (body: unknown, signer = clinic) => {
    const request = createMemberFetch({ signer, chain: CHAIN, clock: () => clock.nowMs, fetch });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await request(`${url}/ledger/engine`, { ...init, body: text });
    return { status: response.status, body: (await response.json()) as JsonObject };
  };
  return { url, post, asked, clock };
}

const rpc = (method: string, params: unknown = {}) => ({ jsonrpc: '2.0', id: 7, method, params });

test('the calls of light clients reach the engine, and nothing else does', async (t) => {
  const { post, asked } = await startNode(t, async (method) => ({ said: method }));
  const relayed = [
    rpc('commit'),
    rpc('commit', { height: '12' }),
    rpc('validators', { height: '12', page: '1', per_page: '100' }),
    rpc('consensus_params', { height: '12' }),
  ];
  for (const call of relayed) {
    assert.deepEqual((await post(call)).body, { jsonrpc: '2.0', id: 7, result: { said: call.method } });
  }
  assert.deepEqual(
    asked,
    relayed.map(({ method, params }) => [method, params]),
  );
  const refused = [
    ...['broadcast_tx_sync', 'broadcast_evidence', 'unsafe_flush_mempool', 'dial_peers', 'block', 'net_info'].map(
      (method) => rpc(method),
    ),
    ...['__proto__', 'toString', 'Commit', 'commit '].map((method) => rpc(method)),
    ...[{ height: 12 }, { height: '-1' }, { height: '1e3' }, { hash: '12' }, { height: ['1'] }, ['1'], null].map(
      (params) => rpc('commit', params),
    ),
    rpc('status', { height: '1' }),
    [rpc('commit')],
    { ...rpc('commit'), id: 'seven' },
    { ...rpc('commit'), more: 1 },
    { jsonrpc: '2.0', method: 'commit', params: {} },
    '{"jsonrpc":',
    'null',
    `${'['.repeat(2000)}${']'.repeat(2000)}`,
  ];
  for (const call of refused) {
    const { status, body } = await post(call);
    assert.deepEqual([status, body.code], [400, 'ENGINE_CALL_INVALID'], JSON.stringify(call).slice(0, 200));
  }
  assert.equal((await post(rpc('commit', { height: '1'.repeat(5000) }))).status, 413);
  assert.equal(asked.length, relayed.length);
});

test('status tells where the chain stands, not who stands where', async (t) => {
  const { post } = await startNode(t, async () => ({
    node_info: { network: 'aceso-1', listen_addr: 'tcp://10.0.0.7:26656', id: 'ab', moniker: 'm' },
    sync_info: { latest_block_height: '7' },
    validator_info: { address: 'AB' },
  }));
  assert.deepEqual((await post(rpc('status'))).body.result, {
    node_info: { network: 'aceso-1' },
    sync_info: { latest_block_height: '7' },
  });
});

test('the engine’s refusal is passed on in the words that light clients read; an engine that is away is no answer', async (t) => {
  const refusal = { kind: 'invalid', sentence: '' } as const;
  let error: Error = new Reject('ENGINE_REFUSED', refusal, { method: 'commit', message: 'height 9 is not available' });
  const { post } = await startNode(t, async () => Promise.reject(error));
  const { status, body } = await post(rpc('commit', { height: '9' }));
  assert.equal(status, 200);
  assert.deepEqual(body, {
    ...{ jsonrpc: '2.0', id: 7 },
    error: { code: -32603, message: 'Internal error', data: 'height 9 is not available' },
  });
  error = new Reject('ENGINE_UNREACHABLE', { kind: 'unavailable', sentence: '' }, { reason: '/run/aceso/rpc.sock' });
  assert.deepEqual((({ status, body }) => [status, body.code])(await post(rpc('commit'))), [503, 'ENGINE_UNREACHABLE']);
});

test('only members call the engine, for what they signed, and none more than fifty times a second', async (t) => {
  const { url, post, asked, clock } = await startNode(t, async () => ({}));
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(rpc('commit')) };
  assert.equal((await fetch(`${url}/ledger/engine`, init)).status, 401);
  assert.equal((await post(rpc('commit'), stranger)).body.code, 'MEMBER_CALL_SIGNATURE_WRONG');
  // Between signing and arrival, the body is exchanged.
  const exchanged = createMemberFetch({
    ...{ signer: clinic, chain: CHAIN, clock: () => clock.nowMs },
    fetch: (address, given) => fetch(address, { ...given, ...(given?.body ? { body: `${given.body} ` } : {}) }),
  });
  const answer = (await (await exchanged(`${url}/ledger/engine`, init)).json()) as { code: string };
  assert.equal(answer.code, 'MEMBER_CALL_MISADDRESSED');
  assert.equal(asked.length, 0);
  for (let times = 0; times < 50; times++) assert.equal((await post(rpc('commit'))).status, 200);
  assert.deepEqual((({ status, body }) => [status, body.code])(await post(rpc('commit'))), [
    429,
    'ENGINE_CALLS_TOO_MANY',
  ]);
  assert.equal((await post(rpc('commit'), hospital)).status, 200);
  clock.nowMs += 20;
  assert.equal((await post(rpc('commit'))).status, 200);
  assert.equal((await post(rpc('commit'))).status, 429);
});
