import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isReject } from '../../../std/reject.ts';
import { createEngine } from './create-engine.ts';
import { createEngineRpc } from './create-engine-rpc.ts';
import { cometBftForTest, genesisForTest, logForTest, settingsForTest, until } from './engine-for-test.ts';
import { ENGINE_VERDICTS } from './engine-rpc.ts';
import { idleApplication } from './idle-application-for-test.ts';

const wire = (number: number, length = 40): Uint8Array => {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(4, number);
  return bytes;
};
const hasCode = (code: string, pattern: RegExp) => (error: unknown) =>
  isReject(error) && error.code === code && pattern.test(JSON.stringify(error.data));

test('an engine is asked over its socket', { timeout: 60_000 }, async (t) => {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return;
  // Two validators of which one is away: no block empties the mempool.
  const settings = await settingsForTest(t, { program, genesis: genesisForTest(2) });
  const engine = await createEngine(settings, logForTest());
  const application = idleApplication();
  await mkdir(settings.socketFolder, { recursive: true });
  await application.listen(engine.abciSocket);
  t.after(async () => {
    await engine.stop();
    await application.close();
  });
  await engine.start();
  await until('running', () => engine.health().status === 'running');
  const { rpc } = engine;

  assert.deepEqual(await rpc.status(), { height: 0, catchingUp: true, earliestHeight: 0 });
  assert.deepEqual(await rpc.peers(), []);
  await assert.rejects(rpc.call('no_such_method'), hasCode('ENGINE_REFUSED', /Method not found/));
  await assert.rejects(rpc.signedHeader(1_000), hasCode('ENGINE_REFUSED', /must be less than or equal/));
  await assert.rejects(rpc.signedHeader(-1), hasCode('ENGINE_REFUSED', /greater than 0/));

  const refused = Uint8Array.of(0x21, 1);
  for (const mode of ['sync', 'async'] as const) {
    const base = mode === 'sync' ? 1_000_000 : 2_000_000;
    const known = wire(base);
    assert.deepEqual(await rpc.broadcast([], mode), []);
    assert.deepEqual(
      (await rpc.broadcast([known], mode)).map(({ code }) => code),
      [0],
    );
    const results = await rpc.broadcast([wire(base + 1), known, wire(base + 2, 65_537), refused, wire(base + 3)], mode);
    const { inCache, tooLarge } = ENGINE_VERDICTS;
    assert.deepEqual(
      results.map(({ code }) => code),
      [0, inCache, tooLarge, mode === 'sync' ? 7 : 0, 0],
    );
    assert.match(results[2]?.log ?? '', /Tx too large/);
    // 100 of 64 KiB are more than one request may have.
    const large = Array.from({ length: 100 }, (_, at) => wire(base + 100 + at, 65_536));
    assert.deepEqual(new Set((await rpc.broadcast(large, mode)).map(({ code }) => code)), new Set([0]));
  }

  const many = Array.from({ length: 12_000 }, (_, at) => wire(at));
  await rpc.broadcast(many, 'async');
  await until('full', async () => (await rpc.broadcast([wire(3_000_000)]))[0]?.code === ENGINE_VERDICTS.full);
  assert.match((await rpc.broadcast([wire(3_000_000)]))[0]?.log ?? '', /mempool is full/);
  assert.equal((await rpc.call('num_unconfirmed_txs')).n_txs, '10000');
});

async function serverForTest(t: TestContext, answer: RequestListener) {
  const folder = await mkdtemp(join(tmpdir(), 'aceso-rpc-'));
  const server = createServer(answer);
  const socketPath = join(folder, 'rpc.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const rpc = createEngineRpc({ socketPath });
  t.after(async () => {
    rpc.close();
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  return rpc;
}

test('an engine that is not there, is silent, or answers with something else cannot be reached', async (t) => {
  const absent = createEngineRpc({ socketPath: join(tmpdir(), 'aceso-no-such.sock') });
  await assert.rejects(absent.status(), hasCode('ENGINE_UNREACHABLE', /ENOENT/));
  await assert.rejects(absent.broadcast([wire(1)]), hasCode('ENGINE_UNREACHABLE', /ENOENT/));
  const silent = await serverForTest(t, () => undefined);
  await assert.rejects(silent.call('health', {}, 50), hasCode('ENGINE_UNREACHABLE', /no answer in time/));
  const strange = await serverForTest(t, (_, answer) => answer.end('<html>'));
  await assert.rejects(strange.call('health'), hasCode('ENGINE_UNREACHABLE', /JSON/));
  const scalar = await serverForTest(t, (_, answer) => answer.end('null'));
  await assert.rejects(scalar.call('health'), hasCode('ENGINE_UNREACHABLE', /no answer of JSON-RPC/));
  const half = await serverForTest(t, (_, answer) => {
    answer.writeHead(200, { 'content-length': 100 });
    answer.write('{"a":');
    setTimeout(() => answer.destroy(), 20);
  });
  await assert.rejects(half.call('health'), hasCode('ENGINE_UNREACHABLE', /aborted|ECONNRESET/));
});

test('an answer without end is cut off', async (t) => {
  let sentBytes = 0;
  const endless = await serverForTest(t, (_, answer) => {
    const piece = Buffer.alloc(1024 * 1024, 0x20);
    const send = (error?: Error | null): void => {
      if (error || sentBytes > 64 * 1024 * 1024) return;
      sentBytes += piece.length;
      answer.write(piece, send);
    };
    send();
  });
  await assert.rejects(endless.call('health'), hasCode('ENGINE_UNREACHABLE', /too large/));
  assert(sentBytes < 64 * 1024 * 1024);
});

test('an idle connection that the engine closed is tried once more', async (t) => {
  let answered = 0;
  const rpc = await serverForTest(t, (request, answer) => {
    answered += 1;
    // The second request on a connection finds it gone, as when the engine closed it just then.
    if (answered === 2) request.socket.destroy();
    else answer.end('{"jsonrpc":"2.0","id":0,"result":{}}');
  });
  await rpc.call('health');
  await rpc.call('health');
  assert.equal(answered, 3);
});
