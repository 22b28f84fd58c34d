import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { notesGenesis, notesKernel, noteWire, silentLog, temporaryFolder } from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { cometBftOperator, type Genesis } from '../../chain/genesis.ts';
import { verifyHead } from '../../chain/receipt/verify-head.ts';
import type { JsonObject } from '../../std/canonical-json.ts';
import { type CometBftLedger, type CometBftLedgerOptions, createCometBftLedger } from './cometbft-ledger.ts';
import { createEngine } from './engine/create-engine.ts';
import type { Engine } from './engine/engine.ts';
import { cometBftForTest, genesisForTest, logForTest, settingsForTest, until } from './engine/engine-for-test.ts';

const alice = testSigner('alice');

/** Notes, kept by one validator of a real engine. */
interface Place {
  readonly genesis: JsonObject;
  open(options?: Partial<CometBftLedgerOptions>): Promise<{ ledger: CometBftLedger; engine: Engine }>;
}

async function place(t: TestContext): Promise<Place | undefined> {
  const program = await cometBftForTest(t, process.env);
  if (program === undefined) return undefined;
  const { operator, createdMs } = genesisForTest(1);
  const genesis = { ...notesGenesis(['alice']), operator, createdMs } as unknown as JsonObject;
  const settings = await settingsForTest(t, { program, genesis: genesis as unknown as Genesis });
  const folder = temporaryFolder('cometbft-ledger');
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    genesis,
    async open(options = {}) {
      const engine = await createEngine(settings, logForTest());
      const ledger = await createCometBftLedger({
        folder: join(folder, 'consortium'),
        kernel: notesKernel(genesis),
        ...{ genesis, engine, clock: Date.now, log: silentLog, threads: 0 },
        ownNode: cometBftOperator(operator)?.validators[0]?.node ?? '',
        members: { entries: async () => [], signedHeader: async () => undefined },
        ...options,
      });
      t.after(() => ledger.close());
      await ledger.ready(20_000);
      return { ledger, engine };
    },
  };
}

function note(ledger: CometBftLedger, text: string): Uint8Array {
  return noteWire(ledger.genesisHash, alice, { type: 'note.put', name: 'n', text }, Date.now() + 60_000);
}

test('a transaction is committed, found, proved by the votes, and there after a restart', {
  timeout: 60_000,
}, async (t) => {
  const here = await place(t);
  if (here === undefined) return;
  const { ledger } = await here.open();
  const wire = note(ledger, 'one');
  const [committed, again] = await Promise.all([ledger.submit(wire), ledger.submit(wire)]);
  assert.equal(committed.outcome.code, 'OK');
  assert.deepEqual(again, committed, 'the same bytes wait with the first');
  await assert.rejects(ledger.submit(wire), { code: 'TRANSACTION_REPLAYED' });
  const proved = await ledger.signedHead(committed.height);
  assert(proved.head.height >= committed.height && proved.head.logSize > committed.leafIndex);
  const header = await verifyHead(proved, here.genesis as unknown as Genesis);
  assert.equal(header.height, proved.head.height + 1);
  const held = ledger.read(proved.head);
  assert.deepEqual(held.head, proved.head);
  held.release();
  const lie = { ...proved, head: { ...proved.head, appHash: '0'.repeat(64) } };
  await assert.rejects(verifyHead(lie, here.genesis as unknown as Genesis), { code: 'RECEIPT_HEAD_UNPROVEN' });
  await ledger.close();
  const { ledger: after } = await here.open();
  assert.deepEqual(await after.find(committed.outcome.id), committed);
  assert.deepEqual(await after.wire(committed), wire);
  assert.equal((await after.submit(note(after, 'two'))).outcome.code, 'OK');
});

test('the engine is killed again and again, and nothing that was acknowledged is lost', {
  timeout: 90_000,
}, async (t) => {
  const here = await place(t);
  if (here === undefined) return;
  const { ledger, engine } = await here.open();
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    const sent = Array.from({ length: 20 }, (_, at) => ledger.submit(note(ledger, `${round} ${at}`)));
    const pid = engine.pid();
    assert(pid !== undefined);
    setTimeout(() => process.kill(pid, 'SIGKILL'), round * 60);
    for (const one of await Promise.allSettled(sent)) {
      if (one.status === 'fulfilled') acknowledged.push(one.value.outcome.id);
      else assert.match((one.reason as { code: string }).code, /^LEDGER_(?:NO_QUORUM|NOT_COMMITTED)$/);
    }
    await until(
      'the engine is back',
      async () => engine.pid() !== undefined && engine.pid() !== pid && ledger.health().status === 'ok',
    );
  }
  assert(acknowledged.length > 20);
  for (const id of acknowledged) assert((await ledger.find(id)) !== undefined);
});

test('blocks that the engine threw away are still proved: receipts need our own log alone', {
  timeout: 90_000,
}, async (t) => {
  const here = await place(t);
  if (here === undefined) return;
  const { ledger, engine } = await here.open({ retainBlocks: 5, snapshotEveryBlocks: 10 });
  const first = await ledger.submit(note(ledger, 'first'));
  while (ledger.head().height < 25) await ledger.submit(note(ledger, `at ${ledger.head().height}`));
  const { earliestHeight } = await engine.rpc.status();
  assert(earliestHeight > first.height, `the engine keeps blocks from ${earliestHeight} on`);
  assert.deepEqual(await ledger.find(first.outcome.id), first);
  assert((await ledger.wire(first)) !== undefined && (await ledger.leaf(first.leafIndex)) !== undefined);
  await verifyHead(await ledger.signedHead(), here.genesis as unknown as Genesis);
  assert((await ledger.snapshotHeights()).every((height) => height % 10 === 0));
});

test('an idle ledger makes no blocks', { timeout: 60_000 }, async (t) => {
  const here = await place(t);
  if (here === undefined) return;
  const { ledger } = await here.open();
  await ledger.submit(note(ledger, 'one'));
  await ledger.signedHead(ledger.head().height);
  const { height } = ledger.head();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  assert.equal(ledger.head().height, height);
});
