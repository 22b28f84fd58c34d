import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { consortiumOperator, type NotesNode, openNotesNode } from '../../../../test/support/notes-node.ts';
import {
  GENESIS_MS,
  notesGenesis,
  noteWire,
  silentLog,
  temporaryFolder,
} from '../../../../test/support/test-ledger.ts';
import { testSigner } from '../../../../test/support/test-signer.ts';
import { parseLeaf } from '../../../chain/leaf.ts';
import { readEntries, windowStart } from '../../store/log-entries.ts';
import { chunkSource, cutChunks } from '../../store/state-chunks.ts';
import { stateRows } from '../../store/state-rows.ts';
import type { LogEntry } from '../../store/state-store.ts';
import { createBackfill, entriesOf } from './backfill.ts';

const root = temporaryFolder('backfill');
after(() => rmSync(root, { recursive: true, force: true }));
const genesis = notesGenesis(['alice', 'bob'], { operator: consortiumOperator() });
const [alice, bob] = [testSigner('alice'), testSigner('bob')];

/** A node of 60 blocks over an hour, 780 leaves; in its first block a transaction that comes again, refused, in its last. */
async function openSource(): Promise<{ source: NotesNode; repeated: string }> {
  const source = await openNotesNode(join(root, 'source'), genesis);
  const chain = source.kernel.genesisHash;
  let first: Uint8Array | undefined;
  for (let height = 1; height <= 60; height++) {
    const timeMs = GENESIS_MS + height * 60_000;
    const wires = Array.from({ length: 12 }, (_, at) =>
      noteWire(chain, at % 2 === 0 ? alice : bob, { type: 'note.put', name: `n${at}`, text: `${height}` }, timeMs + 1),
    );
    first ??= wires[0] as Uint8Array;
    await source.block(height === 60 ? [...wires, first] : wires, timeMs);
  }
  const leaf = parseLeaf(source.chain.leaf(0) as Uint8Array);
  assert.equal(leaf?.kind, 'outcome');
  return { source, repeated: leaf.kind === 'outcome' ? leaf.id : '' };
}

async function joinFrom(source: NotesNode, name: string): Promise<NotesNode> {
  const joined = await openNotesNode(join(root, name), genesis);
  const { logSize, height, appHash } = source.chain.head();
  const first = windowStart(source.chain, logSize) as number;
  const state = source.chain.snapshot();
  const chunks = await Array.fromAsync(cutChunks(stateRows(state), first, readEntries(source.chain, first, logSize)));
  state.release();
  await joined.chain.restore(
    chunkSource({
      chunks: chunks.length,
      read: async (index) => chunks[index] as Uint8Array,
      judge: (head) => assert.deepEqual([head.height, head.appHash], [height, appHash]),
      entries: 'window',
      notBeforeMs: 0,
    }),
  );
  return joined;
}

const { source, repeated } = await openSource();
after(() => source.close());

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 2));
}

test('what a joined node lacks is fetched, the newest first, and where to go on is found again after a stop', async () => {
  const joined = await joinFrom(source, 'resumed');
  const { chain } = joined;
  const { logSize } = chain.head();
  // The window alone: the repetition is all that is known of its transaction.
  assert.equal(chain.find(repeated)?.outcome.code, 'TRANSACTION_EXPIRED');
  assert.equal(chain.leaf(0), undefined);
  assert.deepEqual(await entriesOf(chain, 0, 10), []);
  const asked: number[] = [];
  const start = (stopBelow: number, of: NotesNode) => {
    const backfill = createBackfill({
      chain: of.chain,
      fetchEntries(from, limit) {
        asked.push(from);
        return from < stopBelow ? new Promise(() => {}) : entriesOf(source.chain, from, Math.min(limit, 100));
      },
      log: silentLog,
    });
    backfill.start();
    return backfill;
  };
  const stopped = start(512, joined);
  await until(() => stopped.progress().missing === 512);
  await until(() => asked.at(-1) === 0);
  await stopped.close();
  await joined.close();

  const again = await openNotesNode(join(root, 'resumed'), genesis);
  const resumed = start(0, again);
  assert.deepEqual(resumed.progress(), { missing: 512, logSize });
  await until(() => resumed.progress().missing === 0);
  await resumed.close();
  assert.deepEqual(await entriesOf(again.chain, 0, logSize), await entriesOf(source.chain, 0, logSize));
  assert.deepEqual(again.chain.find(repeated), source.chain.find(repeated));
  assert.equal(again.chain.find(repeated)?.outcome.code, 'OK');
  await again.close();
});

test('a member that lies or has nothing is not believed, and the next is asked', async () => {
  const joined = await joinFrom(source, 'lied');
  const bend = (bytes: Uint8Array): Uint8Array => {
    const out = bytes.slice();
    out[50] = (out[50] as number) ^ 1;
    return out;
  };
  const lies: ((entries: readonly LogEntry[]) => readonly LogEntry[])[] = [
    () => [],
    (entries) => entries.map(({ leaf, ...rest }, at) => ({ ...rest, leaf: at === 3 ? bend(leaf) : leaf })),
    (entries) =>
      entries.map((entry, at) => (at === 3 ? { leaf: entry.leaf, wire: bend(entry.wire ?? entry.leaf) } : entry)),
    (entries) => entries.map(({ leaf }) => ({ leaf })),
    (entries) => entries.map(({ leaf }) => ({ leaf, wire: new Uint8Array(10) })),
    (entries) => entries.slice(1),
    () => {
      throw new Error('not to be reached');
    },
  ];
  const attempts: number[] = [];
  const backfill = createBackfill({
    chain: joined.chain,
    async fetchEntries(from, limit, attempt) {
      attempts.push(attempt);
      const entries = await entriesOf(source.chain, from, limit);
      return lies[attempt]?.(entries) ?? entries;
    },
    log: silentLog,
    retryMs: 1,
  });
  backfill.start();
  await until(() => backfill.progress().missing === 0);
  await backfill.close();
  assert.deepEqual(attempts.slice(0, lies.length + 1), [0, 1, 2, 3, 4, 5, 6, 7]);
  const { logSize } = source.chain.head();
  assert.deepEqual(await entriesOf(joined.chain, 0, logSize), await entriesOf(source.chain, 0, logSize));
  await joined.close();
});

test('an answer holds no more than was asked for, and ends with the log', async () => {
  const { logSize } = source.chain.head();
  assert.equal((await entriesOf(source.chain, 5, 7)).length, 7);
  assert.equal((await entriesOf(source.chain, logSize - 2, 7)).length, 2);
  assert.deepEqual(await entriesOf(source.chain, logSize, 7), []);
  assert.deepEqual(await entriesOf(source.chain, logSize + 9, 7), []);
});
