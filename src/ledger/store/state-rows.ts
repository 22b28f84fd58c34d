import { APP_SCHEMA, appHash } from '../../chain/app-hash.ts';
import type { Head } from '../../chain/block.ts';
import { HEAD_KEY, LOG_PREFIX } from '../../chain/head-store.ts';
import { appendLog } from '../../state/log.ts';
import { EMPTY_LOG_ROOT } from '../../state/log-proof.ts';
import type { KvReader } from '../../state/store.ts';
import { readTreeRoot, updateTree } from '../../state/tree.ts';
import { treeKeyHash, treeValueHash } from '../../state/tree-proof.ts';
import { STATE_PREFIX } from '../../state/typed-state.ts';
import { bytesToHex } from '../../std/bytes.ts';
import { type Json, parseCanonical } from '../../std/canonical-json.ts';
import { type Reject, rejecter } from '../../std/reject.ts';
import { CODES } from '../codes.ts';
import type { WriteRows } from './state-store.ts';

const reject = rejecter(CODES);

export type StateRow = readonly [key: string, value: Uint8Array];

/** Where a store keeps the block time of its head. It is in no hash: nobody takes it from somebody else. */
export const TIME_KEY = 'h/time';

const TILE_PREFIX = `${LOG_PREFIX}0/`;
const TILE_END = `${LOG_PREFIX}00`;
const STATE_END = 's0';
const TILE_WIDTH = 256;
const HASH_BYTES = 32;
const TILE_KEY = /^l\/0\/(?:0|[1-9][0-9]{0,13})$/;
/** LMDB's longest key. */
const MAX_KEY_BYTES = 1978;
const PRINTABLE = /^[\x21-\x7e]+$/;

/** Rows that are read at once, so that no cursor stays open while others have their turn. */
const PAGE_ROWS = 512;
const PAGE_BYTES = 1024 * 1024;
/** What is hashed at once while a store is rebuilt: some tenths of a second. */
const TILES_AT_ONCE = 64;
const CHANGES_AT_ONCE = 8_192;

/**
 * The rows that all others follow from, in byte order of their keys: the head, the leaf hashes of the log, the state.
 * The same on every node for one height.
 */
export function* stateRows(store: KvReader): Generator<StateRow> {
  const head = headOf(store);
  yield [HEAD_KEY, store.get(HEAD_KEY) as Uint8Array];
  for (const [key, value] of pages(store, TILE_PREFIX, TILE_END)) {
    const sizeBytes = tileBytes(Number(key.slice(TILE_PREFIX.length)), head.logSize);
    if (sizeBytes > 0) yield [key, value.subarray(0, sizeBytes)];
  }
  yield* pages(store, STATE_PREFIX, STATE_END);
}

/** True for the keys of such rows. */
export function isStateRowKey(key: string): boolean {
  if (key.length > MAX_KEY_BYTES || !PRINTABLE.test(key)) return false;
  return key === HEAD_KEY || TILE_KEY.test(key) || key.startsWith(STATE_PREFIX);
}

/** What rows were found to lead to. */
export interface ProvenState {
  readonly head: Head;
  /** Hexadecimal. */
  readonly treeRoot: string;
}

/**
 * Writes the tree and the upper tiles that follow from the loaded rows. Throws Reject LEDGER_STATE_UNPROVEN unless the
 * rows are those of `stateRows` and no others, and the head among them has the app hash that they lead to; whether that
 * is the right head is for the caller to say. Memory stays small; a million rows of state take about a minute.
 */
export async function rebuild(loaded: KvReader, write: WriteRows): Promise<ProvenState> {
  const head = headOf(loaded);
  requireNothingElse(loaded, head);
  const logRoot = await rebuildLog(loaded, write, head.logSize);
  if (bytesToHex(logRoot) !== head.logRoot) throw unproven('log root');
  let changes: { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array }[] = [];
  const put = async (): Promise<void> => {
    const { writes } = updateTree(loaded, changes);
    changes = [];
    await write(writes);
  };
  for (const [key, value] of pages(loaded, STATE_PREFIX, STATE_END)) {
    changes.push({ keyHash: treeKeyHash(key), valueHash: treeValueHash(value) });
    if (changes.length === CHANGES_AT_ONCE) await put();
  }
  await put();
  const treeRoot = readTreeRoot(loaded);
  if (bytesToHex(appHash(treeRoot, logRoot, head.logSize, APP_SCHEMA)) !== head.appHash) throw unproven('app hash');
  return { head, treeRoot: bytesToHex(treeRoot) };
}

/** The refusal of rows, leaves or transactions that lead elsewhere. */
export function unproven(what: string): Reject {
  return reject('LEDGER_STATE_UNPROVEN', { what });
}

/** The head of exact bytes. Throws Reject LEDGER_STATE_UNPROVEN for others. */
export function parseHead(bytes: Uint8Array | undefined): Head {
  const head = bytes === undefined || bytes.length > 1024 ? undefined : parseCanonical(bytes);
  if (head === undefined || !isHead(head)) throw unproven('head');
  return head;
}

/** True for a value of a head's form. */
export function isHead(value: Json): value is Head {
  if (typeof value !== 'object' || Array.isArray(value)) return false;
  const { genesis, height, logSize, logRoot, appHash: hash, ...rest } = value as { readonly [name: string]: Json };
  return (
    Object.keys(rest).length === 0 &&
    [genesis, logRoot, hash].every((text) => typeof text === 'string' && /^[0-9a-f]{64}$/.test(text)) &&
    [height, logSize].every((count) => typeof count === 'number' && count >= 0)
  );
}

function headOf(store: KvReader): Head {
  return parseHead(store.get(HEAD_KEY));
}

/** Rows of a range, read by pages: what is written between two of them is not in the way. */
function* pages(store: KvReader, from: string, to: string): Generator<StateRow> {
  for (let next = from; ; ) {
    const page: StateRow[] = [];
    let bytes = 0;
    for (const row of store.range(next, to)) {
      page.push(row);
      bytes += row[1].length;
      if (page.length === PAGE_ROWS || bytes > PAGE_BYTES) break;
    }
    const last = page.at(-1);
    if (last === undefined) return;
    yield* page;
    // A key's own successor: '!' is the first of the characters that keys are made of.
    next = `${last[0]}!`;
  }
}

/** Bytes of tile `index` of a log; 0 where it has none. */
function tileBytes(index: number, logSize: number): number {
  return Math.max(0, Math.min(TILE_WIDTH, logSize - index * TILE_WIDTH)) * HASH_BYTES;
}

/** What lies beside the known rows would be believed as soon as somebody looks there. */
function requireNothingElse(loaded: KvReader, { logSize }: Head): void {
  const gaps = [
    [' ', HEAD_KEY],
    [`${HEAD_KEY}!`, TILE_PREFIX],
    [TILE_END, STATE_PREFIX],
    [STATE_END, '\x7f'],
  ] as const;
  for (const [from, to] of gaps) for (const [key] of loaded.range(from, to)) throw unproven(`row ${key}`);
  let tiles = 0;
  for (const [key, value] of pages(loaded, TILE_PREFIX, TILE_END)) {
    const sizeBytes = TILE_KEY.test(key) ? tileBytes(Number(key.slice(TILE_PREFIX.length)), logSize) : 0;
    if (sizeBytes === 0 || value.length !== sizeBytes) throw unproven(`row ${key}`);
    tiles++;
  }
  if (tiles !== Math.ceil(logSize / TILE_WIDTH)) throw unproven('tiles');
}

async function rebuildLog(loaded: KvReader, write: WriteRows, logSize: number): Promise<Uint8Array> {
  let root = EMPTY_LOG_ROOT;
  for (let size = 0; size < logSize; ) {
    const hashes: Uint8Array[] = [];
    for (let tile = 0; tile < TILES_AT_ONCE && size + hashes.length < logSize; tile++) {
      const bytes = loaded.get(`${TILE_PREFIX}${size / TILE_WIDTH + tile}`) as Uint8Array;
      for (let at = 0; at < bytes.length; at += HASH_BYTES) hashes.push(bytes.subarray(at, at + HASH_BYTES));
    }
    const appended = appendLog(loaded, LOG_PREFIX, size, hashes);
    await write(new Map([...appended.writes].filter(([key]) => !key.startsWith(TILE_PREFIX))));
    ({ size, root } = appended);
  }
  return root;
}

/** The leaf hash of each index, by the tiles of a store; undefined beyond them. Remembers one tile. */
export function leafHashes(store: KvReader): (index: number) => Uint8Array | undefined {
  let [known, tile]: [number, Uint8Array | undefined] = [-1, undefined];
  return (index) => {
    const number = Math.floor(index / TILE_WIDTH);
    if (number !== known) [known, tile] = [number, store.get(`${TILE_PREFIX}${number}`)];
    const at = (index % TILE_WIDTH) * HASH_BYTES;
    return tile === undefined || tile.length < at + HASH_BYTES ? undefined : tile.subarray(at, at + HASH_BYTES);
  };
}
