import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Head } from '../../chain/block.ts';
import { isReject } from '../../std/reject.ts';
import { openBlockLog } from './block-log.ts';
import { encodeRecord, SEGMENT_HEADER_BYTES, type StoredBlock } from './block-record.ts';
import { openHeadLog } from './head-log.ts';
import { createSimulatedDisk, SimulatedCrash, seededRandom } from './simulated-disk.ts';

const SEEDS = process.env.ACESO_LONG === undefined ? 2_000 : 100_000;
const GENESIS = 'ab'.repeat(32);
const SEGMENT_BYTES = 6_000;

const POOL = (() => {
  const random = seededRandom(4711);
  return Uint8Array.from({ length: 64 * 1024 }, () => Math.floor(random() * 256));
})();

function blockOf(height: number, random: () => number, salt: number): StoredBlock {
  const transactions = Array.from({ length: 1 + Math.floor(random() * 4) }, () => {
    const at = Math.floor(random() * (POOL.length - 700));
    return POOL.slice(at, at + Math.floor(random() * 700));
  });
  const head: Head = {
    appHash: 'ef'.repeat(32),
    genesis: GENESIS,
    height,
    logRoot: 'cd'.repeat(32),
    logSize: height * 2,
  };
  return { block: { height, timeMs: salt, transactions, misbehaviour: [] }, head, previousSignature: 'aa'.repeat(64) };
}

/** deepEqual by way of bytes: the same for a tenth of the time. */
function assertSame(found: readonly StoredBlock[], expected: readonly StoredBlock[], seed: number): void {
  assert.equal(found.length, expected.length, `seed ${seed}: lost`);
  for (const [at, { block, ...rest }] of found.entries()) {
    const { block: other, ...otherRest } = expected[at] as StoredBlock;
    assert.equal(
      JSON.stringify([block.height, block.timeMs, rest]),
      JSON.stringify([other.height, other.timeMs, otherRest]),
    );
    assert.equal(block.transactions.length, other.transactions.length);
    for (const [i, bytes] of block.transactions.entries()) {
      assert.equal(Buffer.compare(bytes, other.transactions[i] as Uint8Array), 0, `seed ${seed}: altered`);
    }
  }
}

/** What must hold whatever happens: nothing acknowledged is lost or altered, and no head that was shown names a lost block. */
async function simulate(seed: number): Promise<{ crashes: number; cuts: number }> {
  const random = seededRandom(seed);
  const disk = createSimulatedDisk(random);
  const acknowledged: StoredBlock[] = [];
  let shown = 0;
  let [crashes, cuts] = [0, 0];
  for (let life = 0; life < 4; life++) {
    disk.crashAt(life === 3 ? Number.POSITIVE_INFINITY : 1 + Math.floor(random() * 60));
    try {
      const heads = await openHeadLog(disk.folder);
      const log = await openBlockLog({
        folder: disk.folder,
        genesisHash: GENESIS,
        segmentBytes: SEGMENT_BYTES,
        namedHeight: heads.latest()?.head.height ?? 0,
      });
      if (log.cut !== undefined) cuts++;
      assert.ok((heads.latest()?.head.height ?? 0) >= shown, `seed ${seed}: a head that was shown is forgotten`);
      assert.ok(log.height() >= acknowledged.length, `seed ${seed}: lost ${acknowledged.length - log.height()} blocks`);
      const found: StoredBlock[] = [];
      for await (const stored of log.from(1)) found.push(stored);
      assert.equal(found.length, log.height());
      assertSame(found.slice(0, acknowledged.length), acknowledged, seed);
      // A block that was durable but not acknowledged when the crash came stays: at most one.
      assert.ok(found.length <= acknowledged.length + 1);
      acknowledged.splice(0, acknowledged.length, ...found);
      for (let i = 0; i < 12; i++) {
        const stored = blockOf(log.height() + 1, random, seed * 100 + life);
        await log.append(stored);
        acknowledged.push(stored);
        if (random() < 0.5) {
          await heads.write({ head: stored.head, signature: 'bb'.repeat(64) });
          shown = stored.block.height;
        }
      }
    } catch (error) {
      if (!(error instanceof SimulatedCrash) && !(isReject(error) && error.code === 'LEDGER_STORAGE_FAILED'))
        throw error;
      crashes++;
      disk.restart();
    }
  }
  return { crashes, cuts };
}

test(`a disk that loses and tears what was not synced loses nothing acknowledged (${SEEDS} seeds)`, async () => {
  let [crashes, cuts] = [0, 0];
  for (let seed = 0; seed < SEEDS; seed++) {
    const result = await simulate(seed);
    crashes += result.crashes;
    cuts += result.cuts;
  }
  assert.ok(crashes > SEEDS * 2, `only ${crashes} crashes`);
  assert.ok(cuts > SEEDS / 10, `only ${cuts} torn tails`);
});

test('a full disk refuses with a code, leaves nothing half-written, and goes on when there is room', async () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed);
    const disk = createSimulatedDisk(random);
    const log = await openBlockLog({ folder: disk.folder, genesisHash: GENESIS, segmentBytes: SEGMENT_BYTES });
    const blocks = Array.from({ length: 20 }, (_, at) => blockOf(at + 1, random, seed));
    for (const stored of blocks) {
      disk.freeBytes = Math.floor(random() * 1_000);
      try {
        await log.append(stored);
      } catch (error) {
        assert.ok(isReject(error) && error.code === 'LEDGER_STORAGE_FULL', String(error));
        disk.freeBytes = 100_000;
        await log.append(stored);
      }
    }
    const reopened = await openBlockLog({ folder: disk.folder, genesisHash: GENESIS, segmentBytes: SEGMENT_BYTES });
    assert.equal(reopened.cut, undefined);
    const found: StoredBlock[] = [];
    for await (const stored of reopened.from(1)) found.push(stored);
    assert.deepEqual(found, blocks);
  }
});

/** A disk with five blocks, and where the record of each begins. */
async function fiveBlocks(transaction: Uint8Array = new Uint8Array(50)) {
  const disk = createSimulatedDisk(seededRandom(5));
  const log = await openBlockLog({ folder: disk.folder, genesisHash: GENESIS });
  const file = await disk.folder.open('0000000000000001.blocks');
  const starts: number[] = [];
  for (let height = 1; height <= 5; height++) {
    const { head, previousSignature } = blockOf(height, seededRandom(height), 0);
    starts.push(height === 1 ? SEGMENT_HEADER_BYTES : await file.sizeBytes());
    const block = { height, timeMs: height, transactions: [transaction], misbehaviour: [] };
    await log.append({ block, head, previousSignature });
  }
  return { disk, file, starts };
}

test('damage before the last block is never taken for a torn tail, though nothing names the blocks', async () => {
  const { starts } = await fiveBlocks();
  for (const [at, start] of starts.entries()) {
    for (const offset of [start, start + 5, start + 20, start + 60, (starts[at + 1] ?? start + 100) - 1]) {
      const { disk } = await fiveBlocks();
      disk.flip('0000000000000001.blocks', offset);
      const opened = openBlockLog({ folder: disk.folder, genesisHash: GENESIS });
      if (at === 4) assert.equal((await opened).cut?.height, 5);
      else
        await assert.rejects(opened, (error) => {
          assert.ok(isReject(error) && error.code === 'LEDGER_BLOCK_DAMAGED', String(error));
          assert.equal(error.data.height, at + 1);
          return true;
        });
    }
  }
});

test('a transaction that carries the bytes of a record does not pass for one in a torn tail', async () => {
  const inner = encodeRecord(blockOf(9, seededRandom(9), 0), new Uint8Array(32), new Uint8Array(32)).bytes;
  const { disk, file } = await fiveBlocks(inner);
  await file.truncate((await file.sizeBytes()) - 10);
  assert.equal((await openBlockLog({ folder: disk.folder, genesisHash: GENESIS })).cut?.height, 5);
});
