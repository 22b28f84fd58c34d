import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type Snapshot as AbciSnapshot,
  ResponseApplySnapshotChunk_Result as Applied,
  ResponseOfferSnapshot_Result as Offered,
} from 'cosmjs-types/tendermint/abci/types';
import { notes } from '../../../test/support/notes-contract.ts';
import { consortiumOperator, openNotesNode, SOLE_VALIDATOR } from '../../../test/support/notes-node.ts';
import {
  GENESIS_MS,
  notesGenesis,
  notesKernel,
  noteWire,
  openNotesLedger,
  silentLog,
  temporaryFolder,
} from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import type { Head } from '../../chain/block.ts';
import { validators } from '../../chain/validators.ts';
import { hexToBytes } from '../../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../../std/canonical-json.ts';
import { isReject } from '../../std/reject.ts';
import { createBackfill, entriesOf } from '../cometbft/snapshot/backfill.ts';
import { createSnapshotRestore } from '../cometbft/snapshot/snapshot-restore.ts';
import { createSnapshotStore } from '../cometbft/snapshot/snapshot-store.ts';
import type { Committed } from '../ledger.ts';
import { openCommittedChain } from '../store/committed-chain.ts';
import type { StateSource } from '../store/state-store.ts';
import { exportLedger } from './export-ledger.ts';
import { openExport } from './open-export.ts';

const root = temporaryFolder('move');
after(() => rmSync(root, { recursive: true, force: true }));
const alice = testSigner('alice');
const embedded = notesGenesis(['alice', 'bob']);
const exported = join(root, 'export');

/** An embedded ledger with some blocks, closed again, and what it said of each transaction. */
async function embeddedLedger(): Promise<Committed[]> {
  // Half an hour, so that most of it is older than what a snapshot brings.
  let passedMs = 0;
  const sinceMs = Date.now() - 60 * 60_000;
  const ledger = await openNotesLedger(join(root, 'embedded'), embedded, {
    clock: () => sinceMs + passedMs,
    monotonic: () => passedMs,
  });
  const committed: Committed[] = [];
  for (let block = 0; block < 30; block++) {
    const wires = Array.from({ length: 12 }, (_, at) =>
      noteWire(
        ledger.genesisHash,
        alice,
        { type: 'note.put', name: `n${at}`, text: `${block}` },
        sinceMs + passedMs + 120_000,
      ),
    );
    passedMs += 60_000;
    committed.push(...(await Promise.all(wires.map((wire) => ledger.submit(wire)))));
  }
  await ledger.close();
  return committed;
}

const committed = await embeddedLedger();

async function openEmbedded() {
  return openCommittedChain({ folder: join(root, 'embedded'), kernel: notesKernel(embedded), log: silentLog });
}

/** The genesis of the consortium that goes on. */
function movedGenesis({ head, treeRoot }: { head: Head; treeRoot: string }): JsonObject {
  return notesGenesis([], {
    createdMs: Date.now() + 60_000,
    operator: consortiumOperator(),
    previous: { head, treeRoot },
    sections: { chain: { limits: {}, rules: [{ capability: 'notes', version: 1 }] } },
  });
}

const code = (expected: string) => (error: unknown) => isReject(error) && error.code === expected;

test('an embedded ledger goes on as a consortium: state, log, transactions', async () => {
  const chain = await openEmbedded();
  const progress: number[] = [];
  const manifest = await exportLedger({ chain, folder: exported, onProgress: ({ leaves }) => progress.push(leaves) });
  const { timeMs, ...head } = chain.head();
  assert.deepEqual(manifest.head, head);
  assert.equal(manifest.timeMs, timeMs);
  assert.deepEqual([manifest.counts.leaves, manifest.counts.transactions], [head.logSize, committed.length]);
  assert.equal(progress.at(-1), head.logSize);
  await assert.rejects(exportLedger({ chain, folder: exported }), code('EXPORT_FOLDER_IN_USE'));
  // The same bytes once more: an export is made of nothing but the ledger.
  assert.deepEqual(await exportLedger({ chain, folder: join(root, 'export-again') }), manifest);

  const opened = await openExport(exported);
  assert.deepEqual(opened.manifest, manifest);
  const genesis = movedGenesis(opened.manifest);
  const folder = join(root, 'moved');
  // Stopped in the middle, wherever: the folder starts anew.
  for (const broken of breakings(() => opened.source()))
    await assert.rejects(
      openNotesNode(folder, genesis, () => broken),
      /broken off/,
    );
  let node = await openNotesNode(folder, genesis, opened.source);
  for (let round = 0; round < 2; round++) {
    assert.equal(node.chain.head().genesis, node.kernel.genesisHash);
    assert.equal(node.chain.baseHeight(), head.height);
    for (const one of committed) {
      assert.deepEqual(node.chain.find(one.outcome.id), one);
      assert.deepEqual(node.chain.leaf(one.leafIndex), chain.leaf(one.leafIndex));
      assert.deepEqual(await node.chain.wire(one), await chain.wire(one));
    }
    const snapshot = node.chain.snapshot();
    const state = node.kernel.state(snapshot);
    const { account, ...record } = SOLE_VALIDATOR;
    assert.deepEqual(state.get(validators, account), record);
    assert.equal(state.get(notes, alice.account, 'n3'), round === 0 ? '29' : 'moved');
    snapshot.release();
    if (round === 1) break;
    assert.deepEqual([node.chain.head().height, node.chain.head().logSize], [head.height, head.logSize]);
    const now = node.chain.head().timeMs;
    const own = noteWire(node.kernel.genesisHash, alice, { type: 'note.put', name: 'n3', text: 'moved' }, now + 1000);
    const old = (await chain.wire(committed[5] as Committed)) as Uint8Array;
    const { outcomes } = await node.block([own, old], now);
    assert.deepEqual(
      outcomes.map(({ code }) => code),
      ['OK', 'TRANSACTION_OTHER_LEDGER'],
    );
    assert.equal(node.chain.head().height, head.height + 1);
    // Without the export: it is asked for once.
    await node.close();
    node = await openNotesNode(folder, genesis);
  }
  await node.chain.verifyBlocks();
  await node.close();
  await chain.close();
});

test('a member joins what was moved by a snapshot, without the export, and fetches what is older from the others', async () => {
  const opened = await openExport(exported);
  const genesis = movedGenesis(opened.manifest);
  const first = await openNotesNode(join(root, 'first'), genesis, opened.source);
  const snapshots = createSnapshotStore({
    folder: join(root, 'snapshots'),
    chain: first.chain,
    log: silentLog,
    keep: 1,
    everyBlocks: 1,
  });
  const folder = join(root, 'joining');
  // Stops before there is any snapshot leave nothing.
  for (let start = 0; start < 2; start++) {
    const waiting = await openNotesNode(folder, genesis, undefined, true);
    assert.deepEqual([waiting.chain.head().height, waiting.chain.head().logSize], [opened.manifest.head.height, 0]);
    await assert.rejects(waiting.block([], Date.now()), /is not to be committed/);
    await waiting.close();
  }
  const joining = await openNotesNode(folder, genesis, undefined, true);
  const { calls } = createSnapshotRestore({ chain: joining.chain, log: silentLog });
  for (const isBad of [true, false]) {
    await first.block([], first.chain.head().timeMs + 1);
    snapshots.onCommit(first.chain.head().height);
    await snapshots.idle();
    const snapshot = (await snapshots.calls.listSnapshots()).snapshots?.[0] as AbciSnapshot;
    const appHash = hexToBytes(isBad ? 'a'.repeat(64) : first.chain.head().appHash) as Uint8Array;
    assert.equal((await calls.offerSnapshot({ snapshot, appHash })).result, Offered.ACCEPT);
    for (let index = 0; index < snapshot.chunks; index++) {
      const { chunk } = await snapshots.calls.loadSnapshotChunk({ ...snapshot, chunk: index });
      const { result } = await calls.applySnapshotChunk({ index, chunk: chunk as Uint8Array, sender: 'peer' });
      assert.equal(result, isBad ? Applied.REJECT_SNAPSHOT : Applied.ACCEPT);
      if (isBad) break;
    }
  }
  await snapshots.close();
  const { chain } = joining;
  await assert.rejects(exportLedger({ chain, folder: join(root, 'incomplete') }), code('EXPORT_LOG_INCOMPLETE'));
  await assert.rejects(openExport(join(root, 'incomplete')), code('EXPORT_MALFORMED'));
  const backfill = createBackfill({
    chain: joining.chain,
    fetchEntries: (from, limit) => entriesOf(first.chain, from, limit),
    log: silentLog,
  });
  backfill.start();
  while (backfill.progress().missing > 0) await new Promise((resolve) => setTimeout(resolve, 2));
  await backfill.close();
  for (const one of committed) {
    assert.deepEqual(joining.chain.find(one.outcome.id), one);
    assert.deepEqual(await joining.chain.wire(one), await first.chain.wire(one));
  }
  const timeMs = first.chain.head().timeMs + 1;
  const wire = noteWire(first.kernel.genesisHash, alice, { type: 'note.put', name: 'n1', text: 'on' }, timeMs + 1000);
  for (const node of [first, joining]) assert.equal((await node.block([wire], timeMs)).outcomes[0]?.code, 'OK');
  assert.deepEqual(joining.chain.head(), first.chain.head());
  await joining.close();
  const again = await openNotesNode(folder, genesis);
  assert.deepEqual(again.chain.head(), first.chain.head());
  await again.close();
  await first.close();
});

/** The source, broken off at each of its steps. */
function* breakings(source: () => StateSource): Generator<StateSource> {
  const broken = (): never => {
    throw new Error('broken off');
  };
  async function* half<T>(items: AsyncIterable<T>, count: number): AsyncGenerator<T> {
    let at = 0;
    for await (const item of items) {
      if (at++ === count) broken();
      yield item;
    }
    broken();
  }
  for (const rows of [0, 5]) yield { ...source(), rows: half(source().rows, rows) };
  yield { ...source(), prove: broken };
  const proving = source();
  yield { ...proving, prove: (loaded, write) => proving.prove(loaded, write).then(broken) };
  const entering = source();
  yield { ...entering, entries: (loaded) => half(entering.entries(loaded), 1) };
  yield { ...source(), finish: broken };
}

test('an export that is damaged, of something else, or of another ledger is refused', async () => {
  const { manifest } = await openExport(exported);
  const genesis = movedGenesis(manifest);
  let count = 0;
  async function open(change: (folder: string) => void, of: JsonObject = genesis): Promise<void> {
    const folder = join(root, `bad-${count++}`);
    cpSync(exported, folder, { recursive: true });
    change(folder);
    const { source } = await openExport(folder);
    const node = await openNotesNode(join(root, `refused-${count}`), of, source);
    await node.close();
  }
  const manifestWith = (change: JsonObject) => (folder: string) => {
    const path = join(folder, 'manifest.json');
    writeFileSync(path, canonicalBytes({ ...(parseCanonical(readFileSync(path)) as JsonObject), ...change }));
  };
  await open(() => {});
  const chunk = (folder: string, at: number): string => join(folder, `0000000${at}.chunk`);
  await assert.rejects(
    open((folder) => appendFileSync(chunk(folder, 0), 'x')),
    code('LEDGER_STATE_UNPROVEN'),
  );
  await assert.rejects(
    open((folder) => unlinkSync(chunk(folder, 1))),
    code('LEDGER_STATE_UNPROVEN'),
  );
  await assert.rejects(open(manifestWith({ chunks: manifest.chunks.slice(0, 1) })), code('LEDGER_STATE_UNPROVEN'));
  await assert.rejects(open(manifestWith({ chunks: [...manifest.chunks].reverse() })), code('LEDGER_STATE_UNPROVEN'));
  await assert.rejects(open(manifestWith({ treeRoot: 'a'.repeat(64) })), code('LEDGER_STATE_UNPROVEN'));
  await assert.rejects(
    open(manifestWith({ head: { ...manifest.head, height: manifest.head.height + 1 } })),
    code('LEDGER_STATE_UNPROVEN'),
  );
  await assert.rejects(open(manifestWith({ more: 1 })), code('EXPORT_MALFORMED'));
  await assert.rejects(
    open((folder) => unlinkSync(join(folder, 'manifest.json'))),
    code('EXPORT_MALFORMED'),
  );

  // Genesis names another head of the same state, and so another export.
  const other = movedGenesis({ ...manifest, head: { ...manifest.head, height: manifest.head.height + 1 } });
  await assert.rejects(
    open(() => {}, other),
    code('GENESIS_STATE_DIFFERS'),
  );
  await assert.rejects(
    open(() => {}, { ...genesis, createdMs: manifest.timeMs - 1 }),
    code('GENESIS_MALFORMED'),
    'block time goes on',
  );
  await open(() => {}, { ...genesis, createdMs: manifest.timeMs });
  await assert.rejects(openNotesNode(join(root, 'without'), genesis), code('GENESIS_STATE_MISSING'));
  await assert.rejects(
    openNotesNode(join(root, 'other'), embedded, (await openExport(exported)).source),
    code('GENESIS_STATE_DIFFERS'),
  );
});

test('a ledger whose state begins anew carries its log on alone', async () => {
  const opened = await openExport(exported);
  const { head } = opened.manifest;
  const genesis = notesGenesis(['alice'], {
    createdMs: GENESIS_MS,
    operator: consortiumOperator(),
    previous: { head },
  });
  const node = await openNotesNode(join(root, 'anew'), genesis, opened.source);
  assert.deepEqual([node.chain.head().height, node.chain.head().logSize], [head.height, head.logSize]);
  assert.deepEqual(node.chain.head().appHash, node.kernel.initialise().head.appHash);
  const snapshot = node.chain.snapshot();
  assert.equal(node.kernel.state(snapshot).get(notes, alice.account, 'n3'), undefined);
  snapshot.release();
  assert.deepEqual(node.chain.find((committed[0] as Committed).outcome.id), committed[0]);
  const wire = noteWire(
    node.kernel.genesisHash,
    alice,
    { type: 'note.put', name: 'n3', text: 'anew' },
    GENESIS_MS + 1000,
  );
  const { outcomes } = await node.block([wire], GENESIS_MS);
  assert.equal(outcomes[0]?.code, 'OK');
  await node.close();
});
