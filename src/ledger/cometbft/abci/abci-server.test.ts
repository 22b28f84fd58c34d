import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Response } from 'cosmjs-types/tendermint/abci/types';
import { reject } from './codes.ts';
import { checkTx, FLUSH, frameOf, kindsOf, type RequestDraft, testEngine, testServer, until } from './test-engine.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

test('each kind is answered by its method, zeros filled in', async (t) => {
  const snapshot = { height: 1n, format: 2, chunks: 3, hash: bytes('h'), metadata: bytes('m') };
  const { path } = await testServer(t, {
    info: async () => ({ lastBlockHeight: 7n }),
    initChain: async ({ chainId }) => ({ appHash: bytes(chainId) }),
    query: async ({ path: asked }) => ({ key: bytes(asked), height: -1n }),
    checkTx: async ({ tx }) => ({ code: tx[0] ?? 0, log: 'no' }),
    commit: async () => ({ retainHeight: 3n }),
    listSnapshots: async () => ({ snapshots: [snapshot] }),
    offerSnapshot: async ({ appHash }) => ({ result: appHash[0] ?? 0 }),
    loadSnapshotChunk: async ({ chunk }) => ({ chunk: Uint8Array.of(chunk) }),
    applySnapshotChunk: async ({ index }) => ({ result: 1, refetchChunks: [index] }),
    prepareProposal: async ({ txs }) => ({ txs: txs.slice(1) }),
    processProposal: async () => ({ status: 2 }),
    finalizeBlock: async ({ hash }) => ({ appHash: hash }),
  });
  const engine = await testEngine(t, path);
  const asked: readonly (readonly [RequestDraft, (one: Response) => unknown, unknown])[] = [
    [{ info: {} }, ({ info }) => [info?.lastBlockHeight, info?.data], [7n, '']],
    [{ initChain: { chainId: 'abc' } }, ({ initChain }) => initChain?.appHash, bytes('abc')],
    [{ query: { path: '/x' } }, ({ query }) => [query?.key, query?.height], [bytes('/x'), -1n]],
    [{ checkTx: { tx: Uint8Array.of(9) } }, ({ checkTx: one }) => [one?.code, one?.log, one?.gasUsed], [9, 'no', 0n]],
    [{ prepareProposal: { txs: [bytes('a'), bytes('b')] } }, (one) => one.prepareProposal?.txs, [bytes('b')]],
    [{ processProposal: {} }, ({ processProposal }) => processProposal?.status, 2],
    [{ finalizeBlock: { hash: bytes('h') } }, ({ finalizeBlock }) => finalizeBlock?.appHash, bytes('h')],
    [{ commit: {} }, ({ commit }) => commit?.retainHeight, 3n],
    [{ listSnapshots: {} }, ({ listSnapshots }) => listSnapshots?.snapshots, [snapshot]],
    [{ offerSnapshot: { appHash: Uint8Array.of(3) } }, ({ offerSnapshot }) => offerSnapshot?.result, 3],
    [{ loadSnapshotChunk: { chunk: 5 } }, (one) => one.loadSnapshotChunk?.chunk, Uint8Array.of(5)],
    [{ applySnapshotChunk: { index: 4 } }, (one) => one.applySnapshotChunk?.refetchChunks, [4]],
  ];
  for (const [request, read, expected] of asked) {
    engine.send(frameOf(request), FLUSH);
    const all = await engine.untilFlush();
    assert.deepEqual(kindsOf(all), [Object.keys(request)[0], 'flush']);
    assert.deepEqual(read(all[0] as Response), expected);
  }
});

/** What no conforming engine sends, and the code that the log, the exception and `onEngineFault` name. */
const BAD: readonly (readonly [string, readonly number[], string])[] = [
  ['an empty message', [0], 'ABCI_REQUEST_MALFORMED'],
  ['a request cut short', [3, 66, 2, 10], 'ABCI_REQUEST_MALFORMED'],
  ['an unknown kind', [3, 0xaa, 0x01, 0], 'ABCI_REQUEST_UNKNOWN'],
  ['ExtendVote', [3, 0x92, 0x01, 0], 'ABCI_REQUEST_UNEXPECTED'],
  ['VerifyVoteExtension', [3, 0x9a, 0x01, 0], 'ABCI_REQUEST_UNEXPECTED'],
  ['a length that is too large', [0xff, 0xff, 0xff, 0xff, 0x07], 'ABCI_FRAME_TOO_LARGE'],
  ['a length that is none', [0x80, 0x00], 'ABCI_FRAME_MALFORMED'],
  ['HTTP', [...Buffer.from('GET / HTTP/1.1\r\n\r\n'.padEnd(100))], 'ABCI_REQUEST_MALFORMED'],
];

for (const [name, sent, code] of BAD) {
  test(`${name} is answered with an exception, and only its connection closed`, async (t) => {
    const { path, server, log, faults } = await testServer(t);
    const [engine, other] = await Promise.all([testEngine(t, path), testEngine(t, path)]);
    engine.send(frameOf({ echo: { message: 'before' } }), Uint8Array.from(sent), FLUSH, checkTx(1));
    const all = await engine.untilFlush();
    assert.deepEqual(kindsOf(all), ['echo', 'exception']);
    assert.match(all[1]?.exception?.error ?? '', new RegExp(`^${code}: [A-Z]`));
    assert.deepEqual([faults, log.lines], [[code], [`error ${code}`]]);
    await until(() => server.connections() === 1);
    other.send(FLUSH);
    assert.deepEqual(kindsOf(await other.untilFlush()), ['flush']);
  });
}

test('a peer that goes on writing after its exception can still read it, and is cut off in the end', async (t) => {
  const { path, server } = await testServer(t);
  const engine = await testEngine(t, path);
  engine.socket.pause();
  const garbage = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 20; i++) engine.send(garbage);
  await pause(100);
  engine.socket.resume();
  assert.deepEqual(kindsOf(await engine.untilFlush()), ['exception']);
  await until(() => server.connections() === 0);
});

const secret = 'Jane Doe, born 1970';
const FAILING: readonly (readonly [string, () => Promise<object>])[] = [
  ['rejects', () => Promise.reject(new Error(secret))],
  [
    'throws',
    () => {
      throw new TypeError(secret);
    },
  ],
  ['refuses', () => Promise.reject(reject('ABCI_FRAME_CUT'))],
  ['rejects with nothing', () => Promise.reject(undefined)],
  ['answers with the wrong types', async () => ({ appHash: 7, txResults: [{ code: 'x' }], events: 5 })],
];

for (const [name, finalizeBlock] of FAILING) {
  test(`an application that ${name} ends the connection with an exception`, async (t) => {
    const asked: string[] = [];
    const { path, server, log, faults } = await testServer(t, {
      finalizeBlock,
      commit: async () => {
        asked.push('commit');
        return {};
      },
    });
    const engine = await testEngine(t, path);
    engine.send(frameOf({ echo: { message: 'a' } }), frameOf({ finalizeBlock: {} }), frameOf({ commit: {} }), FLUSH);
    const all = await engine.untilFlush();
    assert.deepEqual(kindsOf(all), ['echo', 'exception']);
    assert.match(all[1]?.exception?.error ?? '', /^ABCI_APPLICATION_FAILED: /);
    assert(!all[1]?.exception?.error.includes(secret));
    assert.deepEqual([asked, faults, log.lines], [[], ['ABCI_APPLICATION_FAILED'], ['error ABCI_APPLICATION_FAILED']]);
    await until(() => server.connections() === 0);
  });
}

test('an answer that cannot be encoded leaves those before it whole', async (t) => {
  const { path } = await testServer(t, {
    checkTx: async ({ tx }) => (tx[0] === 1 ? { events: [{ type: 'x', attributes: 5 as never }] } : { code: 3 }),
  });
  const engine = await testEngine(t, path);
  engine.send(checkTx(0), checkTx(0), checkTx(1), checkTx(0), FLUSH);
  const all = await engine.untilFlush();
  assert.deepEqual(kindsOf(all), ['checkTx', 'checkTx', 'exception']);
  assert.equal(all[1]?.checkTx?.code, 3);
});

test('an engine that is killed in the middle of a message is logged as that', async (t) => {
  const { path, server, log, faults } = await testServer(t);
  const engine = await testEngine(t, path);
  engine.send(FLUSH, checkTx(1, 2, 3).subarray(0, 4));
  await engine.untilFlush();
  engine.socket.destroy();
  await until(() => server.connections() === 0);
  assert.deepEqual([log.lines, faults], [['warn ABCI_FRAME_CUT'], []]);
});

test('what a killed engine had asked for and not begun is not done, and the next engine takes over', async (t) => {
  const asked: string[] = [];
  const block = Promise.withResolvers<object>();
  const { path, server, log } = await testServer(t, {
    finalizeBlock: () => {
      asked.push('block');
      return block.promise;
    },
    commit: async () => {
      asked.push('commit');
      return {};
    },
    info: async () => {
      asked.push('info');
      return {};
    },
  });
  const killed = await testEngine(t, path);
  killed.send(frameOf({ finalizeBlock: {} }), frameOf({ commit: {} }), FLUSH);
  await until(() => asked.length === 1);
  killed.socket.destroy();
  await until(() => server.connections() === 0);
  assert.deepEqual(log.lines, ['info the engine closed a connection']);
  const [query, consensus] = await Promise.all([testEngine(t, path), testEngine(t, path)]);
  query.send(frameOf({ info: {} }), FLUSH);
  await pause(20);
  assert.deepEqual(asked, ['block'], 'a height is not told while a block is executed');
  block.resolve({});
  await query.untilFlush();
  consensus.send(frameOf({ finalizeBlock: {} }), frameOf({ commit: {} }), FLUSH);
  assert.deepEqual(kindsOf(await consensus.untilFlush()), ['finalizeBlock', 'commit', 'flush']);
  assert.deepEqual(asked, ['block', 'info', 'block', 'commit']);
});

test('an application that fails when nobody waits any more is logged all the same', async (t) => {
  const block = Promise.withResolvers<object>();
  let asked = 0;
  const { path, server, log } = await testServer(t, {
    finalizeBlock: () => {
      asked++;
      return block.promise;
    },
  });
  const engine = await testEngine(t, path);
  engine.send(frameOf({ finalizeBlock: {} }), FLUSH);
  await until(() => asked === 1);
  engine.socket.destroy();
  await until(() => server.connections() === 0);
  block.reject(new Error('disk'));
  await until(() => log.lines.length === 2);
  assert.equal(log.lines[1], 'error ABCI_APPLICATION_FAILED');
});

test('a half-closed connection is closed', async (t) => {
  const check = Promise.withResolvers<object>();
  const { path, server } = await testServer(t, { checkTx: () => check.promise });
  const engine = await testEngine(t, path);
  engine.send(frameOf({ echo: { message: 'a' } }), checkTx(1));
  engine.socket.end();
  await until(() => engine.socket.destroyed && server.connections() === 0);
  assert.deepEqual(kindsOf(await engine.untilFlush()), ['echo']);
  check.resolve({});
});

test('a second engine is refused, and the first goes on', async (t) => {
  const { path, log, faults } = await testServer(t);
  const [first, second] = await Promise.all([testEngine(t, path), testEngine(t, path)]);
  first.send(frameOf({ processProposal: {} }), FLUSH);
  await first.untilFlush();
  second.send(frameOf({ info: {} }), frameOf({ processProposal: {} }), FLUSH);
  const all = await second.untilFlush();
  assert.match(all.at(-1)?.exception?.error ?? '', /^ABCI_SECOND_ENGINE: /);
  first.send(frameOf({ finalizeBlock: {} }), FLUSH);
  assert.deepEqual(kindsOf(await first.untilFlush()), ['finalizeBlock', 'flush']);
  assert.deepEqual([faults, log.lines], [[], ['error ABCI_SECOND_ENGINE']]);
});

test('the seventeenth connection is refused', async (t) => {
  const { path, server, faults } = await testServer(t);
  const engines = await Promise.all(Array.from({ length: 16 }, () => testEngine(t, path)));
  await until(() => server.connections() === 16);
  const last = await testEngine(t, path);
  assert.match((await last.answer())?.exception?.error ?? '', /^ABCI_TOO_MANY_CONNECTIONS: /);
  for (const engine of engines) {
    engine.send(FLUSH);
    assert.deepEqual(kindsOf(await engine.untilFlush()), ['flush']);
  }
  assert.deepEqual(faults, []);
  last.socket.destroy();
  engines[0]?.socket.destroy();
  await until(() => server.connections() === 15);
  const next = await testEngine(t, path);
  next.send(FLUSH);
  assert.deepEqual(kindsOf(await next.untilFlush()), ['flush']);
});

test('close ends all connections, and waits for what the application is doing', async (t) => {
  const block = Promise.withResolvers<object>();
  let asked = 0;
  let isClosed = false;
  const { path, server, log, faults } = await testServer(t, {
    finalizeBlock: () => {
      asked++;
      return block.promise;
    },
  });
  const engine = await testEngine(t, path);
  engine.send(frameOf({ finalizeBlock: {} }), FLUSH);
  await until(() => asked === 1);
  const gone = once(engine.socket, 'close');
  const closed = server.close().then(() => {
    isClosed = true;
  });
  await gone;
  assert.equal(isClosed, false);
  block.resolve({});
  await closed;
  assert.deepEqual([server.connections(), faults, log.lines], [0, [], []]);
  await server.close();
});

test('a call that waits for its turn is not made when its connection has gone', async (t) => {
  const asked: string[] = [];
  const block = Promise.withResolvers<object>();
  const { path, server } = await testServer(t, {
    finalizeBlock: () => {
      asked.push('block');
      return block.promise;
    },
    applySnapshotChunk: async () => {
      asked.push('chunk');
      return {};
    },
  });
  const [consensus, snapshot] = await Promise.all([testEngine(t, path), testEngine(t, path)]);
  consensus.send(frameOf({ finalizeBlock: {} }), FLUSH);
  await until(() => asked.length === 1);
  snapshot.send(frameOf({ applySnapshotChunk: {} }), FLUSH);
  await pause(20);
  snapshot.socket.destroy();
  await until(() => server.connections() === 1);
  block.resolve({});
  await consensus.untilFlush();
  await pause(20);
  assert.deepEqual(asked, ['block']);
});

test('an exception reaches an engine that is held back by requests without an answer', async (t) => {
  const fail: ((error: Error) => void)[] = [];
  const { path, server, log, faults } = await testServer(t, {
    checkTx: () => new Promise((_, reject) => fail.push(reject)),
  });
  const engine = await testEngine(t, path);
  for (let i = 0; i < 100; i++) engine.send(...Array<Uint8Array>(1_000).fill(checkTx(...Array(300).fill(1))));
  await until(() => fail.length === 10_000);
  await pause(50);
  assert(engine.socket.writableLength > 0);
  fail[5_000]?.(new Error('disk'));
  let isBroken = false;
  engine.socket.on('error', () => {
    isBroken = true;
  });
  assert.deepEqual(kindsOf(await engine.untilFlush()), ['exception']);
  await until(() => server.connections() === 0);
  assert.equal(isBroken, false, 'what it was writing was taken from it');
  for (const one of fail) one(new Error('late'));
  await pause(20);
  assert.deepEqual([faults, log.lines], [['ABCI_APPLICATION_FAILED'], ['error ABCI_APPLICATION_FAILED']]);
});
