import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type NotesNode, openNotesNode } from '../../../test/support/notes-node.ts';
import { GENESIS_MS, notesGenesis, noteWire, temporaryFolder } from '../../../test/support/test-ledger.ts';
import { testSigner } from '../../../test/support/test-signer.ts';
import { OUTCOME_LEAF_TAG, outcomeLeafToBytes } from '../../chain/leaf.ts';
import type { KvReader } from '../../state/store.ts';
import { frameTag } from '../../std/frame.ts';
import { readEntries } from './log-entries.ts';
import { chunkSource, cutChunks } from './state-chunks.ts';
import { stateRows } from './state-rows.ts';
import { openStateStore, type StateSource } from './state-store.ts';

const root = temporaryFolder('restore');
after(() => rmSync(root, { recursive: true, force: true }));
const genesis = notesGenesis(['alice']);
const alice = testSigner('alice');

function source(rows: Readonly<Record<string, number>>, change: Partial<StateSource> = {}): StateSource {
  return {
    rows: (async function* () {
      for (const [key, value] of Object.entries(rows)) yield [key, Uint8Array.of(value)] as const;
    })(),
    prove: async () => {},
    async *entries() {},
    finish: () => ({ height: 7, writes: new Map([['s/last', Uint8Array.of(9)]]) }),
    ...change,
  };
}

function rowsOf(store: KvReader): Record<string, number> {
  return Object.fromEntries([...store.range(' ', '~')].map(([key, value]) => [key, value[0] as number]));
}

test('a store is replaced as a whole, and readers see the one before until then', async () => {
  const path = join(root, 'replaced');
  const store = openStateStore({ path });
  store.apply(3, new Map([['s/old', Uint8Array.of(1)]]), { firstLeafIndex: 0, leaves: [], transactions: new Map() });
  await store.flush();
  const before = store.snapshot();
  let seen: unknown;
  await store.load(
    source(
      { 's/a': 1, 's/b': 2 },
      {
        async prove(loaded, write) {
          assert.deepEqual(rowsOf(loaded), { 's/a': 1, 's/b': 2 });
          await write(
            new Map([
              ['s/b', null],
              ['s/c', Uint8Array.of(3)],
            ]),
          );
          assert.deepEqual(rowsOf(loaded), { 's/a': 1, 's/c': 3 });
          const now = store.snapshot();
          seen = [now.height, rowsOf(now), now.get('s/a')];
          now.release();
        },
      },
    ),
  );
  assert.deepEqual(seen, [3, { 's/old': 1 }, undefined]);
  assert.deepEqual(rowsOf(before), { 's/old': 1 });
  const now = store.snapshot();
  assert.deepEqual([now.height, rowsOf(now)], [7, { 's/a': 1, 's/c': 3, 's/last': 9 }]);
  assert.deepEqual([now.get('s/a'), now.get('s/old')], [Uint8Array.of(1), undefined]);
  assert.deepEqual([store.flushedHeight(), store.baseHeight()], [7, 7]);
  before.release();
  now.release();
  await store.close();
});

test('what was broken off counts as empty and leaves nothing behind', async () => {
  const path = join(root, 'broken');
  const fail = (): never => {
    throw new Error('broken off');
  };
  for (const change of [{ prove: fail }, { entries: fail }, { finish: fail }]) {
    const store = openStateStore({ path });
    await assert.rejects(store.load(source({ 's/stray': 1 }, change)), /broken off/);
    await store.close();
    const again = openStateStore({ path });
    assert.equal(again.flushedHeight(), undefined);
    await again.load(source({ 's/a': 1 }));
    const now = again.snapshot();
    assert.deepEqual(rowsOf(now), { 's/a': 1, 's/last': 9 });
    now.release();
    await again.close();
  }
  // A chain too begins on nothing but genesis.
  const folder = join(root, 'chain');
  const stray = openStateStore({ path: join(folder, 'state') });
  await assert.rejects(stray.load(source({ 's/notes.texts/a/b': 1 }, { finish: fail })), /broken off/);
  await stray.close();
  const node = await openNotesNode(folder, genesis);
  const now = node.chain.snapshot();
  assert.equal(now.get('s/notes.texts/a/b'), undefined);
  now.release();
  await node.close();
});

test('entries are found by the leaf that names signers, in whichever order they come', async () => {
  const leaf = (id: number, index: number, signed: boolean): Uint8Array =>
    outcomeLeafToBytes({
      id: id.toString(16).padStart(64, '0'),
      height: 1,
      index,
      timeMs: 1,
      signers: signed ? [{ account: 'a'.repeat(32), key: 'b'.repeat(64), role: 'sender' }] : [],
      code: 'OK',
      data: {},
    });
  // By id: genuine first, genuine last, never genuine, once.
  const log = [
    leaf(1, 0, true),
    leaf(2, 1, false),
    leaf(3, 2, false),
    leaf(1, 3, false),
    leaf(2, 4, true),
    leaf(3, 5, false),
    leaf(4, 6, false),
  ];
  const runs = [
    [[0, 7]],
    [
      [0, 2],
      [2, 5],
      [5, 7],
    ],
    [
      [5, 7],
      [2, 5],
      [0, 2],
    ],
    log.map((_, at) => [at, at + 1]).reverse(),
  ] as [number, number][][];
  for (const [number, order] of runs.entries()) {
    const store = openStateStore({ path: join(root, `runs-${number}`) });
    for (const [from, to] of order)
      await store.putEntries(
        from,
        log.slice(from, to).map((bytes, at) => ({ leaf: bytes, wire: Uint8Array.of(from + at) })),
      );
    const found = [1, 2, 3, 4].map((id) => store.leafIndexOf(id.toString(16).padStart(64, '0')));
    assert.deepEqual(found, [0, 4, 2, 6]);
    for (const [index, bytes] of log.entries()) {
      assert.deepEqual(store.leaf(index), bytes);
      assert.deepEqual(store.wire(index), Uint8Array.of(index));
    }
    assert.deepEqual(store.leaf(7), undefined);
    await store.close();
  }
  // Also over a repetition of later blocks that is not flushed yet.
  const store = openStateStore({ path: join(root, 'unflushed') });
  const id = '1'.padStart(64, '0');
  store.apply(1, new Map(), { firstLeafIndex: 3, leaves: log.slice(3, 4), transactions: new Map([[id, 3]]) });
  await store.putEntries(
    0,
    log.slice(0, 3).map((bytes) => ({ leaf: bytes })),
  );
  assert.equal(store.leafIndexOf(id), 0);
  await store.flush();
  assert.equal(store.leafIndexOf(id), 0);
  await store.close();
});

async function sourceNode(): Promise<NotesNode> {
  const node = await openNotesNode(join(root, 'source'), genesis);
  for (let height = 1; height <= 5; height++) {
    const timeMs = GENESIS_MS + height;
    await node.block(
      [noteWire(node.kernel.genesisHash, alice, { type: 'note.put', name: `n${height}`, text: 'x' }, timeMs + 1)],
      timeMs,
    );
  }
  return node;
}

const origin = await sourceNode();
after(() => origin.close());

async function stateOf({ chain }: NotesNode, pause: () => Promise<void> = async () => {}): Promise<StateSource> {
  const snapshot = chain.snapshot();
  const chunks = await Array.fromAsync(cutChunks(stateRows(snapshot), 0, readEntries(chain, 0, chain.head().logSize)));
  snapshot.release();
  const read = async (index: number): Promise<Uint8Array> => {
    await pause();
    return chunks[index] as Uint8Array;
  };
  return chunkSource({ chunks: chunks.length, read, judge: () => {}, entries: 'all', notBeforeMs: 0 });
}

test('a chain that was refused a state stands at genesis, and goes on from there or from another state', async () => {
  const node = await openNotesNode(join(root, 'refused'), genesis);
  const before = node.chain.head();
  const bad = {
    ...(await stateOf(origin)),
    finish: (): never => {
      throw new Error('refused');
    },
  };
  await assert.rejects(node.chain.restore(bad), /refused/);
  assert.deepEqual(node.chain.head(), before);
  assert.equal(node.chain.leaf(0), undefined);
  // Begun by an append that failed; it holds no block.
  writeFileSync(join(root, 'refused', 'blocks', '0000000000000001.blocks'), 'half');
  await node.chain.restore(await stateOf(origin));
  assert.deepEqual(node.chain.head(), origin.chain.head());
  await node.close();

  const other = await openNotesNode(join(root, 'blocks'), genesis);
  await assert.rejects(other.chain.restore({ ...(await stateOf(origin)), prove: bad.finish }), /refused/);
  for await (const { block } of origin.chain.stored(1)) await other.block(block.transactions, block.timeMs);
  assert.deepEqual(other.chain.head(), origin.chain.head());
  await assert.rejects(other.chain.restore(await stateOf(origin)), /before the first block/);
  await other.close();
  const again = await openNotesNode(join(root, 'blocks'), genesis);
  assert.deepEqual(again.chain.head(), origin.chain.head());
  await again.close();
});

test('the state of another ledger is refused', async () => {
  const foreign = await openNotesNode(join(root, 'foreign'), notesGenesis(['alice'], { name: 'foreign' }));
  await assert.rejects(foreign.chain.restore(await stateOf(origin)), /LEDGER_OTHER_GENESIS/);
  assert.equal(foreign.chain.head().height, 0);
  await foreign.close();
});

test('no block is committed over ids that a later state has told the kernel', async () => {
  const node = await openNotesNode(join(root, 'ids'), genesis);
  await node.chain.restore(await stateOf(origin));
  const bad = { ...(await stateOf(origin)), prove: () => Promise.reject(new Error('refused')) };
  await assert.rejects(node.chain.restore(bad), /refused/);
  assert.equal(node.chain.head().height, 0);
  await assert.rejects(node.block([], GENESIS_MS), /block 1 is not to be committed/);
  await node.chain.restore(await stateOf(origin));
  await node.block([], GENESIS_MS + 10);
  assert.equal(node.chain.head().height, 6);
  await node.close();
});

test('a chain closes while it is being restored, and the folder then begins anew', async () => {
  const node = await openNotesNode(join(root, 'closing'), genesis);
  let reading = (): void => {};
  const begun = new Promise<void>((resolve) => {
    reading = resolve;
  });
  let goOn = (): void => {};
  const paused = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const restored = node.chain.restore(
    await stateOf(origin, () => {
      reading();
      return paused;
    }),
  );
  const refused = assert.rejects(restored, /being closed/);
  await begun;
  await assert.rejects(node.chain.putEntries(0, []), /brings its own/);
  await assert.rejects(node.chain.restore(await stateOf(origin)), /before the first block/);
  await assert.rejects(node.block([], GENESIS_MS), /being restored/);
  const closed = node.close();
  goOn();
  await Promise.all([closed, refused]);
  const again = await openNotesNode(join(root, 'closing'), genesis);
  assert.equal(again.chain.head().height, 0);
  assert.equal(again.chain.leaf(0), undefined);
  await again.chain.restore(await stateOf(origin));
  assert.equal(frameTag(again.chain.leaf(0) as Uint8Array), OUTCOME_LEAF_TAG);
  await again.close();
});
