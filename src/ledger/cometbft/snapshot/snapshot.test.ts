import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  type Snapshot as AbciSnapshot,
  ResponseApplySnapshotChunk_Result as Applied,
  ResponseOfferSnapshot_Result as Offered,
} from 'cosmjs-types/tendermint/abci/types';
import { consortiumOperator, type NotesNode, openNotesNode } from '../../../../test/support/notes-node.ts';
import {
  GENESIS_MS,
  notesGenesis,
  noteWire,
  silentLog,
  temporaryFolder,
} from '../../../../test/support/test-ledger.ts';
import { type TestSigner, testSigner } from '../../../../test/support/test-signer.ts';
import type { Head } from '../../../chain/block.ts';
import { parseLeaf } from '../../../chain/leaf.ts';
import { hexToBytes } from '../../../std/bytes.ts';
import { seededRandom } from '../../store/simulated-disk.ts';
import { createBackfill, entriesOf } from './backfill.ts';
import { createSnapshotRestore, type SnapshotRestore } from './snapshot-restore.ts';
import { createSnapshotStore, type SnapshotStore } from './snapshot-store.ts';

const root = temporaryFolder('snapshot');
after(() => rmSync(root, { recursive: true, force: true }));
const EVERY = 8;
const genesis = notesGenesis(['alice', 'bob', 'carol'], { operator: consortiumOperator() });
const signers = ['alice', 'bob', 'carol'].map((label) => testSigner(label));

interface Member {
  readonly node: NotesNode;
  readonly snapshots: SnapshotStore;
  readonly restore: SnapshotRestore;
  block(wires: readonly Uint8Array[], timeMs: number): ReturnType<NotesNode['block']>;
  close(): Promise<void>;
}

async function openMember(name: string): Promise<Member> {
  const folder = join(root, name);
  const node = await openNotesNode(folder, genesis);
  const { chain } = node;
  const snapshots = createSnapshotStore({
    folder: join(folder, 'snapshots'),
    chain,
    log: silentLog,
    keep: 2,
    everyBlocks: EVERY,
  });
  return {
    node,
    snapshots,
    restore: createSnapshotRestore({ chain, log: silentLog }),
    async block(wires, timeMs) {
      const executed = await node.block(wires, timeMs);
      snapshots.onCommit(executed.head.height);
      return executed;
    },
    async close() {
      await snapshots.close();
      await node.close();
    },
  };
}

interface Served {
  readonly snapshot: AbciSnapshot;
  readonly chunks: readonly Uint8Array[];
}

async function serve({ snapshots }: Member, height: number): Promise<Served> {
  await snapshots.idle();
  const list = (await snapshots.calls.listSnapshots()).snapshots ?? [];
  const snapshot = list.find((one) => one.height === BigInt(height)) as AbciSnapshot;
  const chunks: Uint8Array[] = [];
  for (let chunk = 0; chunk < snapshot.chunks; chunk++) {
    const loaded = await snapshots.calls.loadSnapshotChunk({ height: snapshot.height, format: snapshot.format, chunk });
    chunks.push(loaded.chunk as Uint8Array);
  }
  return { snapshot, chunks };
}

async function take({ restore }: Member, { snapshot, chunks }: Served, appHash: string) {
  const offered = await restore.calls.offerSnapshot({ snapshot, appHash: hexToBytes(appHash) as Uint8Array });
  assert.equal(offered.result, Offered.ACCEPT);
  for (const [index, chunk] of chunks.entries()) {
    const applied = await restore.calls.applySnapshotChunk({ index, chunk, sender: 'peer' });
    if (applied.result !== Applied.ACCEPT) return applied;
  }
  return { result: Applied.ACCEPT };
}

function headOf({ chain }: NotesNode): Head {
  const { timeMs: _, ...head } = chain.head();
  return head;
}

/** Blocks like those of a network with a forger in it: empty ones, nonsense, forged copies, repetitions. */
function blockMaker(seed: number) {
  const random = seededRandom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const sent: Uint8Array[] = [];
  let timeMs = GENESIS_MS;
  return (chain: string): { wires: Uint8Array[]; timeMs: number } => {
    timeMs += random() < 0.1 ? 11 * 60_000 : Math.floor(random() * 180_000);
    const wires: Uint8Array[] = [];
    for (let count = Math.floor(random() * 7); count > 0; count--) {
      const kind = random();
      if (kind < 0.1)
        wires.push(Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)));
      else if (kind < 0.25 && sent.length > 0) wires.push(pick(sent.slice(-8)));
      else {
        const name = `n${Math.floor(random() * 30)}`;
        const message = kind < 0.35 ? { type: 'note.drop', name } : { type: 'note.put', name, text: `${random()}` };
        const wire = noteWire(chain, pick(signers) as TestSigner, message, timeMs + 600_000);
        if (kind > 0.9) {
          const forged = wire.slice();
          forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
          wires.push(forged);
        }
        sent.push(wire);
        wires.push(wire);
      }
    }
    return { wires, timeMs };
  };
}

test('a member that joins by a snapshot is the same from there on', async () => {
  const codes = new Set<string>();
  for (let seed = 1; seed <= 6; seed++) {
    const first = await openMember(`first-${seed}`);
    const next = blockMaker(seed);
    const chainOf = first.node.kernel.genesisHash;
    const both: Member[] = [first];
    const step = async (): Promise<void> => {
      const { wires, timeMs } = next(chainOf);
      const results = [];
      for (const member of both) {
        results.push(await member.block(wires, timeMs));
        await member.snapshots.idle();
      }
      for (const result of results) {
        assert.deepEqual(result.head, results[0]?.head);
        assert.deepEqual(result.outcomes, results[0]?.outcomes);
        if (both.length > 1) for (const { code } of result.outcomes) codes.add(code);
      }
    };
    while (first.node.chain.head().height < 3 * EVERY) await step();
    const { appHash } = first.node.chain.head();
    const served = await serve(first, 3 * EVERY);
    let joined = await openMember(`joined-${seed}`);
    assert.equal((await take(joined, served, appHash)).result, Applied.ACCEPT);
    assert.deepEqual(headOf(joined.node), headOf(first.node));
    assert.equal(joined.node.chain.baseHeight(), 3 * EVERY);
    if (seed % 2 === 0) {
      // Stopped right after: the engine may offer the same once more, and then goes on.
      await joined.close();
      joined = await openMember(`joined-${seed}`);
      assert.deepEqual(headOf(joined.node), headOf(first.node));
      if (seed % 4 === 0) assert.equal((await take(joined, served, appHash)).result, Applied.ACCEPT);
    }
    both.push(joined);
    while (first.node.chain.head().height < 4 * EVERY) await step();
    const [a, b] = [await serve(first, 4 * EVERY), await serve(joined, 4 * EVERY)];
    assert.deepEqual(b, a);

    const backfill = createBackfill({
      chain: joined.node.chain,
      fetchEntries: (from, limit) => entriesOf(first.node.chain, from, Math.min(limit, 7)),
      log: silentLog,
    });
    backfill.start();
    while (backfill.progress().missing > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await backfill.close();
    await requireSameLog(first.node, joined.node);
    await joined.close();
    const again = await openNotesNode(join(root, `joined-${seed}`), genesis);
    assert.deepEqual(headOf(again), headOf(first.node));
    await requireSameLog(first.node, again);
    await again.close();
    await first.close();
  }
  for (const code of ['OK', 'SIGNATURE_WRONG', 'TRANSACTION_MALFORMED', 'TRANSACTION_REPLAYED'])
    assert.ok(codes.has(code), `no ${code} among ${[...codes].join(' ')}`);
});

async function requireSameLog(a: NotesNode, b: NotesNode): Promise<void> {
  const { logSize } = a.chain.head();
  const entries = await entriesOf(a.chain, 0, logSize);
  assert.equal(entries.length, logSize);
  assert.deepEqual(await entriesOf(b.chain, 0, logSize), entries);
  for (let index = 0; index < logSize; index++) {
    const leaf = parseLeaf(a.chain.leaf(index) as Uint8Array);
    if (leaf?.kind !== 'outcome') continue;
    const found = a.chain.find(leaf.id);
    assert.deepEqual(b.chain.find(leaf.id), found, `leaf ${index}`);
    assert.deepEqual(await b.chain.wire(found as never), await a.chain.wire(found as never));
  }
}

test('a large snapshot has several chunks, is made beside the work, and is bad in no part', async () => {
  const first = await openMember('large');
  const { genesisHash } = first.node.kernel;
  let timeMs = GENESIS_MS;
  for (let height = 1; height < EVERY; height++) {
    timeMs += 60_000;
    const wires = Array.from({ length: 40 }, (_, at) =>
      noteWire(
        genesisHash,
        signers[at % 3] as TestSigner,
        { type: 'note.put', name: `n${height}x${at}`, text: `${height}`.repeat(39_000) },
        timeMs + 1000,
      ),
    );
    const { outcomes } = await first.block(wires, timeMs);
    assert.ok(outcomes.every(({ code }) => code === 'OK'));
  }
  const done = await first.node.block([], timeMs);
  const longestMs = await longestTurnMs(async () => {
    first.snapshots.onCommit(done.head.height);
    await first.snapshots.idle();
  });
  assert.ok(longestMs < 40, `nobody else had a turn for ${longestMs} ms`);
  const { appHash } = first.node.chain.head();
  const served = await serve(first, EVERY);
  assert.ok(served.chunks.length >= 6, `${served.chunks.length} chunks`);
  assert.ok(served.chunks.every(({ length }) => length <= 4 * 1024 * 1024));

  const joined = await openMember('large-joined');
  const { calls } = joined.restore;
  const { snapshot } = served;
  await calls.offerSnapshot({ snapshot, appHash: hexToBytes(appHash) as Uint8Array });
  for (const [index, chunk] of served.chunks.entries()) {
    const bent = chunk.slice();
    bent[bent.length >> 1] = (bent[bent.length >> 1] as number) ^ 1;
    for (const bad of [bent, chunk.subarray(1), new Uint8Array(16_000_000)]) {
      assert.deepEqual(await calls.applySnapshotChunk({ index, chunk: bad, sender: `liar-${index}` }), {
        result: Applied.RETRY,
        refetchChunks: [index],
        rejectSenders: [`liar-${index}`],
      });
    }
    assert.deepEqual(await calls.applySnapshotChunk({ index, chunk, sender: 'peer' }), { result: Applied.ACCEPT });
  }
  assert.deepEqual(headOf(joined.node), headOf(first.node));
  assert.ok(!readdirSync(joined.node.chain.folder).includes('restoring'));
  await joined.close();
  await first.close();
});

/** The most work between two turns of the event loop, in milliseconds of this thread's own: the machine has others. */
async function longestTurnMs(work: () => Promise<void>): Promise<number> {
  const used = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let [longest, last, isDone] = [0, used(), false];
  const turn = (): void => {
    longest = Math.max(longest, used() - last);
    last = used();
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isDone = true;
  return longest;
}

test('an offer that is none is answered by the name of what is wrong with it', async () => {
  const first = await openMember('offers');
  for (let height = 1; height <= 2 * EVERY; height++) {
    await first.block([], GENESIS_MS);
    await first.snapshots.idle();
  }
  const { snapshot } = await serve(first, EVERY);
  const appHash = hexToBytes(first.node.chain.head().appHash) as Uint8Array;
  const joined = await openMember('offers-joined');
  const offer = async (change: Partial<AbciSnapshot>) =>
    (await joined.restore.calls.offerSnapshot({ snapshot: { ...snapshot, ...change }, appHash })).result;
  const { calls } = joined.restore;
  await assert.rejects(calls.applySnapshotChunk({ index: 0, chunk: new Uint8Array(1), sender: '' }), /ENGINE_REQUEST/);
  assert.equal(await offer({ format: 2 }), Offered.REJECT_FORMAT);
  assert.equal(await offer({ hash: new Uint8Array(32) }), Offered.REJECT_SENDER);
  assert.equal(await offer({ height: 9n }), Offered.REJECT_SENDER);
  assert.equal(await offer({ chunks: snapshot.chunks + 1 }), Offered.REJECT_SENDER);
  assert.equal(await offer({ metadata: new Uint8Array(5_000_000) }), Offered.REJECT_SENDER);
  assert.equal(await offer({}), Offered.ACCEPT);
  await assert.rejects(calls.applySnapshotChunk({ index: 99, chunk: new Uint8Array(1), sender: '' }), /ENGINE_REQUEST/);
  await assert.rejects(calls.offerSnapshot({ appHash }), /ENGINE_REQUEST/);
  await joined.block([], GENESIS_MS);
  assert.equal(await offer({}), Offered.ABORT);
  await joined.close();
  await first.close();
});

test('two snapshots are kept, half-made ones go, and what is gone is said to be missing', async () => {
  const first = await openMember('kept');
  for (let height = 1; height <= 3 * EVERY; height++) {
    await first.block([], GENESIS_MS);
    await first.snapshots.idle();
  }
  const heights = async (member: Member) =>
    ((await member.snapshots.calls.listSnapshots()).snapshots ?? []).map(({ height }) => Number(height));
  assert.deepEqual(await heights(first), [3 * EVERY, 2 * EVERY]);
  const ask = { height: BigInt(EVERY), format: 1, chunk: 0 };
  assert.deepEqual(await first.snapshots.calls.loadSnapshotChunk(ask), {});
  const kept = { ...ask, height: BigInt(2 * EVERY) };
  assert.deepEqual(await first.snapshots.calls.loadSnapshotChunk({ ...kept, chunk: 7 }), {});
  assert.deepEqual(await first.snapshots.calls.loadSnapshotChunk({ ...kept, format: 2 }), {});
  await first.close();

  const folder = join(root, 'kept', 'snapshots');
  mkdirSync(join(folder, 'making'));
  writeFileSync(join(folder, 'making', '00000000.chunk'), 'half');
  writeFileSync(join(folder, String(3 * EVERY).padStart(16, '0'), 'metadata.json'), '{"format":1');
  const again = await openMember('kept');
  assert.deepEqual(await heights(again), [2 * EVERY]);
  assert.deepEqual(readdirSync(folder), [String(2 * EVERY).padStart(16, '0')]);
  await again.close();
});
