import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  ResponseApplySnapshotChunk_Result as Applied,
  ResponseOfferSnapshot_Result as Offered,
} from 'cosmjs-types/tendermint/abci/types';
import { sha256 } from '#crypto/platform';
import { consortiumOperator, openNotesNode } from '../../../../test/support/notes-node.ts';
import {
  GENESIS_MS,
  notesGenesis,
  noteWire,
  silentLog,
  temporaryFolder,
} from '../../../../test/support/test-ledger.ts';
import { testSigner } from '../../../../test/support/test-signer.ts';
import { parseLeaf } from '../../../chain/leaf.ts';
import { bytesToHex, hexToBytes, utf8, utf8ToText } from '../../../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../../../std/canonical-json.ts';
import { frame, u64, unframe } from '../../../std/frame.ts';
import { metadataToBytes, snapshotHash } from './snapshot-metadata.ts';
import { createSnapshotRestore } from './snapshot-restore.ts';
import { createSnapshotStore } from './snapshot-store.ts';

const root = temporaryFolder('forged');
after(() => rmSync(root, { recursive: true, force: true }));
const HEIGHT = 24;
const genesis = notesGenesis(['alice'], { operator: consortiumOperator() });
const ROWS = 'aceso/state-rows/1';
const ENTRIES = 'aceso/log-entries/1';

/** What a snapshot says, taken apart so that each piece can be another. */
interface Parts {
  rows: [key: string, value: Uint8Array][];
  first: number;
  entries: [leaf: Uint8Array, wire: Uint8Array][];
  height: number;
  /** Chunks in place of those of the rows and entries. */
  chunks?: Uint8Array[];
}

function pairs(parts: readonly Uint8Array[]): [Uint8Array, Uint8Array][] {
  return Array.from({ length: parts.length / 2 }, (_, at) => [
    parts[at * 2] as Uint8Array,
    parts[at * 2 + 1] as Uint8Array,
  ]);
}

function chunksOf({ rows, first, entries, chunks }: Parts): Uint8Array[] {
  if (chunks !== undefined) return chunks;
  const state = frame(ROWS, ...rows.flatMap(([key, value]) => [utf8(key), value]));
  return entries.length === 0 ? [state] : [state, frame(ENTRIES, u64(first), ...entries.flat())];
}

function bent(bytes: Uint8Array, at = bytes.length - 1): Uint8Array {
  const out = bytes.slice();
  out[at] = (out[at] as number) ^ 1;
  return out;
}

/** The row under a key, changed. */
function row(parts: Parts, key: string, change: (value: Uint8Array) => Uint8Array): Parts {
  return { ...parts, rows: parts.rows.map(([name, value]) => [name, name === key ? change(value) : value]) };
}

function head(parts: Parts, change: JsonObject): Parts {
  return row(parts, 'h/head', (bytes) => canonicalBytes({ ...(parseCanonical(bytes) as JsonObject), ...change }));
}

/** A row more, in its place. */
function withRow(parts: Parts, key: string, value: Uint8Array): Parts {
  return { ...parts, rows: [...parts.rows, [key, value] as [string, Uint8Array]].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

function entry(parts: Parts, at: number, change: (pair: [Uint8Array, Uint8Array]) => [Uint8Array, Uint8Array]): Parts {
  return { ...parts, entries: parts.entries.map((pair, index) => (index === at ? change(pair) : pair)) };
}

/** Every way in which a member may lie about a state, by name. */
function forgeries(good: Parts): Record<string, Parts> {
  const { rows, entries, first } = good;
  const note = rows.find(([key]) => key.startsWith('s/notes.texts/'))?.[0] as string;
  const outcome = entries.findIndex(([leaf]) => parseLeaf(leaf)?.kind === 'outcome');
  const block = entries.findIndex(([leaf], at) => at > 0 && parseLeaf(leaf)?.kind === 'block');
  const [stateChunk, entryChunk] = chunksOf(good) as [Uint8Array, Uint8Array];
  return {
    'a value of the state': row(good, note, bent),
    'a row of the state left out': { ...good, rows: rows.filter(([key]) => key !== note) },
    'a row of the state more': withRow(good, 's/zzz/a', utf8('"x"')),
    'a row of the tree': withRow(good, 't/root', new Uint8Array(32)),
    'a row of an upper tile': withRow(good, 'l/1/0', new Uint8Array(32)),
    'a row of block time': withRow(good, 'h/time', utf8('1')),
    'a row of no known kind': withRow(good, 'x/y', utf8('1')),
    'a row whose key is no text': withRow(good, 's/\u0000', utf8('1')),
    'a key that is too long': withRow(good, `s/${'z'.repeat(3000)}`, utf8('1')),
    'a hash of the log': row(good, 'l/0/0', bent),
    'a hash of the log more': row(good, 'l/0/1', (tile) => new Uint8Array([...tile, ...tile.subarray(0, 32)])),
    'a hash of the log less': row(good, 'l/0/1', (tile) => tile.subarray(32)),
    'a tile left out': { ...good, rows: rows.filter(([key]) => key !== 'l/0/0') },
    'a tile more': withRow(good, 'l/0/2', new Uint8Array(32)),
    'a tile by another name': withRow(good, 'l/0/01', new Uint8Array(32)),
    'another height in the head': head(good, { height: HEIGHT - 1 }),
    'another genesis': head(good, { genesis: 'a'.repeat(64) }),
    'another app hash': head(good, { appHash: 'a'.repeat(64) }),
    'another log size': head(good, { logSize: first + entries.length + 1 }),
    'a log size beyond all tiles': head(good, { logSize: Number.MAX_SAFE_INTEGER }),
    'another log root': head(good, { logRoot: 'a'.repeat(64) }),
    'a head with more in it': head(good, { more: 1 }),
    'no head': { ...good, rows: rows.slice(1) },
    'no rows': { ...good, rows: [] },
    'rows in another order': { ...good, rows: [rows[0] as never, ...rows.slice(1).reverse()] },
    'a row twice': { ...good, rows: rows.flatMap((one) => (one[0] === note ? [one, one] : [one])) },
    'a leaf': entry(good, outcome, ([leaf, wire]) => [bent(leaf), wire]),
    'a leaf of the window left out': { ...good, first: first + 1, entries: entries.slice(1) },
    'a leaf in the middle left out': { ...good, entries: entries.filter((_, at) => at !== outcome) },
    'the newest leaf left out': { ...good, entries: entries.slice(0, -1) },
    'a leaf more': { ...good, entries: [...entries, entries.at(-1) as [Uint8Array, Uint8Array]] },
    'the leaves elsewhere': { ...good, first: first - 1 },
    'no leaves': { ...good, entries: [] },
    'what the sender signed': entry(good, outcome, ([leaf, wire]) => [leaf, bent(wire, 40)]),
    'no transaction': entry(good, outcome, ([leaf]) => [leaf, new Uint8Array(0)]),
    'a transaction of a block': entry(good, block, ([leaf]) => [leaf, new Uint8Array(1)]),
    'a chunk that ends early': { ...good, chunks: [stateChunk.subarray(0, -1), entryChunk] },
    'a chunk of something else': { ...good, chunks: [stateChunk, frame('aceso/else/1', u64(1))] },
    'entries that end early': { ...good, chunks: [stateChunk, entryChunk.subarray(0, -1)] },
    'a leaf without its transaction': { ...good, chunks: [stateChunk, entryChunk.subarray(0, -4)] },
    'a chunk of nothing': { ...good, chunks: [new Uint8Array(0)] },
    'entries first': { ...good, chunks: [entryChunk, stateChunk] },
    'a hole between two chunks of entries': {
      ...good,
      chunks: [
        stateChunk,
        frame(ENTRIES, u64(first), ...entries.slice(0, 20).flat()),
        frame(ENTRIES, u64(first + 21), ...entries.slice(21).flat()),
      ],
    },
    'rows after the entries': { ...good, chunks: [stateChunk, entryChunk, stateChunk] },
  };
}

test('a snapshot that is false in any part is refused with whoever served it, and a true one taken after it', async () => {
  const source = await openNotesNode(join(root, 'source'), genesis);
  const alice = testSigner('alice');
  const snapshots = createSnapshotStore({
    folder: join(root, 'snapshots'),
    chain: source.chain,
    log: silentLog,
    keep: 1,
    everyBlocks: HEIGHT,
  });
  for (let height = 1; height <= HEIGHT; height++) {
    const timeMs = GENESIS_MS + height * 60_000;
    const wires = Array.from({ length: 12 }, (_, at) =>
      noteWire(source.kernel.genesisHash, alice, { type: 'note.put', name: `n${height}x${at}`, text: 'x' }, timeMs + 1),
    );
    await source.block(wires, timeMs);
    snapshots.onCommit(height);
  }
  await snapshots.idle();
  const chunks: Uint8Array[] = [];
  for (let chunk = 0; chunk < 2; chunk++) {
    const loaded = await snapshots.calls.loadSnapshotChunk({ height: BigInt(HEIGHT), format: 1, chunk });
    chunks.push(loaded.chunk as Uint8Array);
  }
  const [index, ...entries] = unframe(ENTRIES, chunks[1] as Uint8Array) as [Uint8Array, ...Uint8Array[]];
  const good: Parts = {
    rows: pairs(unframe(ROWS, chunks[0] as Uint8Array) as Uint8Array[]).map(([key, value]) => [utf8ToText(key), value]),
    first: Number(new DataView(index.buffer, index.byteOffset).getBigUint64(0)),
    entries: pairs(entries),
    height: HEIGHT,
  };
  assert.deepEqual(chunksOf(good), chunks);
  assert.ok(good.first > 0 && good.rows.some(([key]) => key === 'l/0/1'));

  const joiner = await openNotesNode(join(root, 'joiner'), genesis);
  const { calls } = createSnapshotRestore({ chain: joiner.chain, log: silentLog });
  const appHash = hexToBytes(source.chain.head().appHash) as Uint8Array;
  const before = joiner.chain.head();
  const results = new Map<string, unknown>();
  async function take(parts: Parts): Promise<unknown> {
    const bytes = chunksOf(parts);
    const metadata = metadataToBytes({ height: parts.height, chunks: bytes.map((chunk) => bytesToHex(sha256(chunk))) });
    const offered = await calls.offerSnapshot({
      snapshot: {
        height: BigInt(parts.height),
        format: 1,
        chunks: bytes.length,
        hash: snapshotHash(metadata),
        metadata,
      },
      appHash,
    });
    assert.equal(offered.result, Offered.ACCEPT);
    for (const [at, chunk] of bytes.entries()) {
      const applied = await calls.applySnapshotChunk({ index: at, chunk, sender: 'peer' });
      if (applied.result !== Applied.ACCEPT) return applied;
    }
    return 'taken';
  }
  for (const [name, parts] of Object.entries(forgeries(good))) {
    results.set(name, await take(parts));
    assert.deepEqual(joiner.chain.head(), before, name);
  }
  const refused = { result: Applied.REJECT_SNAPSHOT, rejectSenders: ['peer'] };
  for (const [name, result] of results) assert.deepEqual(result, refused, name);
  assert.ok(results.size > 40);

  assert.equal(await take(good), 'taken');
  assert.equal(joiner.chain.head().appHash, source.chain.head().appHash);
  await joiner.close();
  await snapshots.close();
  await source.close();
});
