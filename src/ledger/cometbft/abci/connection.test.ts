import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { checkTx, FLUSH, frameOf, kindsOf, testEngine, testServer, until } from './test-engine.ts';

/** Calls of one method which a test answers when it likes. */
function gatedCalls<A>() {
  const calls: { readonly request: unknown; answer(value: A): void }[] = [];
  const method = (request?: unknown): Promise<A> => new Promise((resolve) => calls.push({ request, answer: resolve }));
  return { calls, method };
}

test('CheckTx is handed on as it comes, and answered in the order of the requests', async (t) => {
  const { calls, method } = gatedCalls<{ code: number }>();
  const { path } = await testServer(t, { checkTx: method });
  const engine = await testEngine(t, path);
  engine.send(checkTx(0), checkTx(1), FLUSH, checkTx(2), FLUSH);
  await until(() => calls.length === 3);
  calls[2]?.answer({ code: 2 });
  calls[1]?.answer({ code: 1 });
  await pause(20);
  assert.equal(engine.pieces(), 0, 'nothing overtakes the first');
  calls[0]?.answer({ code: 0 });
  const all = [...(await engine.untilFlush()), ...(await engine.untilFlush())];
  assert.deepEqual(kindsOf(all), ['checkTx', 'checkTx', 'flush', 'checkTx', 'flush']);
  assert.deepEqual(
    all.flatMap((one) => one.checkTx?.code ?? []),
    [0, 1, 2],
  );
});

test('answers of one turn leave in one write, without a Flush too', async (t) => {
  const { path } = await testServer(t);
  const engine = await testEngine(t, path);
  engine.send(...Array.from({ length: 500 }, (_, i) => checkTx(i & 255)));
  for (let i = 0; i < 500; i++) assert((await engine.answer())?.checkTx);
  assert.equal(engine.pieces(), 1);
});

test('a transaction keeps its bytes when the socket reads on', async (t) => {
  const seen: Uint8Array[] = [];
  const { path } = await testServer(t, {
    checkTx: async ({ tx }) => {
      seen.push(tx);
      return {};
    },
  });
  const engine = await testEngine(t, path);
  for (let round = 0; round < 20; round++) {
    engine.send(...Array.from({ length: 100 }, () => checkTx(...Array(300).fill(round))), FLUSH);
    await engine.untilFlush();
  }
  assert.equal(seen.length, 2_000);
  assert(seen.every((tx, i) => tx.length === 300 && tx.every((byte) => byte === Math.floor(i / 100))));
});

test('any other call waits for all before it, and what follows waits for it', async (t) => {
  const events: string[] = [];
  const query = gatedCalls<object>();
  const check = gatedCalls<object>();
  const { path } = await testServer(t, {
    checkTx: () => {
      events.push('checkTx');
      return check.method();
    },
    query: () => {
      events.push('query');
      return query.method();
    },
  });
  const engine = await testEngine(t, path);
  engine.send(checkTx(1), frameOf({ query: {} }), frameOf({ query: {} }), checkTx(2), FLUSH);
  await pause(20);
  assert.deepEqual(events, ['checkTx']);
  check.calls[0]?.answer({});
  await until(() => query.calls.length === 1);
  await pause(20);
  assert.deepEqual(events, ['checkTx', 'query']);
  query.calls[0]?.answer({});
  await until(() => query.calls.length === 2);
  query.calls[1]?.answer({});
  await until(() => check.calls.length === 2);
  check.calls[1]?.answer({});
  assert.deepEqual(kindsOf(await engine.untilFlush()), ['checkTx', 'query', 'query', 'checkTx', 'flush']);
});

test('blocks are executed one after another, and Info on another connection waits for them', async (t) => {
  const events: string[] = [];
  const slow = (name: string) => async () => {
    events.push(`${name} begins`);
    await pause(5);
    events.push(`${name} ends`);
    return {};
  };
  const { path } = await testServer(t, {
    ...{ finalizeBlock: slow('block'), commit: slow('commit'), info: slow('info') },
    query: async () => {
      events.push('query');
      return {};
    },
  });
  const [consensus, other, third] = await Promise.all([0, 1, 2].map(() => testEngine(t, path)));
  assert(consensus && other && third);
  consensus.send(frameOf({ finalizeBlock: {} }), frameOf({ commit: {} }), FLUSH);
  await until(() => events.length === 1);
  other.send(frameOf({ info: {} }), FLUSH);
  third.send(frameOf({ query: {} }), FLUSH);
  await Promise.all([consensus, other, third].map((one) => one.untilFlush()));
  const lines = events.filter((event) => event !== 'query');
  assert.equal(events.indexOf('query'), 1, 'a query waits for no block');
  assert.deepEqual(lines.slice(0, 2), ['block begins', 'block ends']);
  for (let i = 0; i < lines.length; i += 2) assert.equal(lines[i]?.split(' ')[0], lines[i + 1]?.split(' ')[0]);
});

test('no more than 10,000 requests of a connection are under way', async (t) => {
  const { calls, method } = gatedCalls<object>();
  const { path } = await testServer(t, { checkTx: method });
  const engine = await testEngine(t, path);
  const COUNT = 150_000;
  const one = checkTx(...Array(300).fill(1));
  for (let i = 0; i < COUNT; i += 1_000) engine.send(...Array<Uint8Array>(1_000).fill(one));
  engine.send(FLUSH);
  await until(() => calls.length >= 10_000);
  await pause(50);
  assert.equal(calls.length, 10_000);
  assert(engine.socket.writableLength > 30 * 1024 * 1024, 'the rest stays with the engine');
  for (let answered = 0; answered < COUNT; answered++) {
    await until(() => calls.length > answered);
    calls[answered]?.answer({});
  }
  assert.equal((await engine.untilFlush()).length, COUNT + 1);
});

test('no more than 8 MiB of a connection are under way, whatever their number', async (t) => {
  const { calls, method } = gatedCalls<object>();
  const { path } = await testServer(t, { checkTx: method });
  const engine = await testEngine(t, path);
  const one = frameOf({ checkTx: { tx: new Uint8Array(1024 * 1024) } });
  engine.send(...Array.from({ length: 30 }, () => one), FLUSH);
  await until(() => calls.length >= 8);
  await pause(50);
  assert.equal(calls.length, 8);
  for (let answered = 0; answered < 30; answered++) {
    await until(() => calls.length > answered);
    calls[answered]?.answer({});
  }
  assert.equal((await engine.untilFlush()).length, 31);
});

test('during a call no more than about 8 MiB are read ahead', async (t) => {
  const { calls, method } = gatedCalls<object>();
  const { path } = await testServer(t, { query: method });
  const engine = await testEngine(t, path);
  const one = frameOf({ checkTx: { tx: new Uint8Array(1024 * 1024) } });
  engine.send(frameOf({ query: {} }), ...Array.from({ length: 30 }, () => one), FLUSH);
  await until(() => calls.length === 1);
  await pause(100);
  assert(engine.socket.writableLength > 20 * 1024 * 1024);
  calls[0]?.answer({});
  assert.equal((await engine.untilFlush()).length, 32);
});

test('an engine that reads no answers is not asked for more requests', async (t) => {
  let asked = 0;
  const { path } = await testServer(t, {
    query: async () => {
      asked++;
      return { value: new Uint8Array(256 * 1024) };
    },
  });
  const engine = await testEngine(t, path);
  engine.socket.pause();
  engine.send(...Array.from({ length: 200 }, () => frameOf({ query: {} })), FLUSH);
  await pause(200);
  assert(asked > 0 && asked < 20, `${asked} answers wait`);
  engine.socket.resume();
  assert.equal((await engine.untilFlush()).length, 201);
});

test('a message of 40 MB goes through', async (t) => {
  const sizes: number[] = [];
  const { path } = await testServer(t, {
    processProposal: async ({ txs }) => {
      sizes.push(txs[0]?.length ?? 0);
      return { status: 1 };
    },
  });
  const engine = await testEngine(t, path);
  engine.send(frameOf({ processProposal: { txs: [new Uint8Array(40_000_000)] } }), FLUSH);
  assert.deepEqual(kindsOf(await engine.untilFlush()), ['processProposal', 'flush']);
  assert.deepEqual(sizes, [40_000_000]);
});
