import { concatBytes } from '../std/bytes.ts';
import { EMPTY_LOG_ROOT, logNodeHash } from './log-proof.ts';
import type { KvReader, KvWrites } from './store.ts';

/**
 * RFC 6962 log in tiles of 256 hashes (c2sp.org/tlog-tiles, height 8): tile (level, n) holds the roots of the complete
 * subtrees of 256^level entries, in order. A tile only grows, so every earlier size of the log can still be proved.
 * Costs 32 bytes an entry and 1/255 of that on top; a proof reads one tile a level.
 */
const TILE_WIDTH = 256;

/** All that the log asks of a store. */
export type TileReader = Pick<KvReader, 'get'>;

/** Store key of a tile. */
function tileKey(prefix: string, level: number, index: number): string {
  return `${prefix}${level}/${index}`;
}

/**
 * Writes and root after appending RFC 6962 leaf hashes (`logLeafHash`). `size` is the log's size before; sizes stay
 * below 2^53. What a store holds beyond `size`, as after a crash, is overwritten. Throws TypeError for a hash that is
 * not of 32 bytes, Error when a tile is missing.
 */
export function appendLog(
  store: TileReader,
  prefix: string,
  size: number,
  leafHashes: readonly Uint8Array[],
): { size: number; root: Uint8Array; writes: KvWrites } {
  if (leafHashes.some(({ length }) => length !== 32)) throw new TypeError('not a hash of 32 bytes');
  const writes = new Map<string, Uint8Array | null>();
  appendLevel(store, writes, prefix, 0, size, leafHashes);
  const newSize = size + leafHashes.length;
  const reader: TileReader = { get: (key) => writes.get(key) ?? store.get(key) };
  return { size: newSize, root: logRoot(reader, prefix, newSize), writes };
}

/** Appends hashes to a level, and to the next what filled tiles come to. `count` is the level's length before. */
function appendLevel(
  store: TileReader,
  writes: Map<string, Uint8Array | null>,
  prefix: string,
  level: number,
  count: number,
  hashes: readonly Uint8Array[],
): void {
  const full: Uint8Array[] = [];
  let at = 0;
  while (at < hashes.length) {
    const index = Math.floor((count + at) / TILE_WIDTH);
    const held = (count + at) % TILE_WIDTH;
    const added = hashes.slice(at, at + TILE_WIDTH - held);
    const before = held === 0 ? new Uint8Array(0) : readTile(store, prefix, level, index, held);
    const tile = concatBytes(before, ...added);
    writes.set(tileKey(prefix, level, index), tile);
    if (held + added.length === TILE_WIDTH) full.push(rootOfTile(tile, 0, TILE_WIDTH));
    at += added.length;
  }
  if (full.length > 0) appendLevel(store, writes, prefix, level + 1, Math.floor(count / TILE_WIDTH), full);
}

function readTile(store: TileReader, prefix: string, level: number, index: number, width: number): Uint8Array {
  const tile = store.get(tileKey(prefix, level, index));
  if (tile === undefined || tile.length < width * 32)
    throw new Error(`log: tile ${tileKey(prefix, level, index)} is missing`);
  return tile.subarray(0, width * 32);
}

/** Root of the complete subtree of hashes from … from+width of a tile; width is a power of two. */
function rootOfTile(tile: Uint8Array, from: number, width: number): Uint8Array {
  if (width === 1) return tile.subarray(from * 32, from * 32 + 32);
  const half = width >> 1;
  return logNodeHash(rootOfTile(tile, from, half), rootOfTile(tile, from + half, half));
}

/** Hash of the complete subtree of 2^height entries that begins at entry index · 2^height. */
function subtreeHash(store: TileReader, prefix: string, height: number, index: number): Uint8Array {
  const level = Math.floor(height / 8);
  const width = 1 << (height % 8);
  const first = index * width;
  const tile = readTile(store, prefix, level, Math.floor(first / TILE_WIDTH), (first % TILE_WIDTH) + width);
  return rootOfTile(tile, first % TILE_WIDTH, width);
}

/** MTH of entries begin … end (RFC 6962 §2.1), where `begin` is a multiple of the least power of two ≥ end − begin. */
function rangeHash(store: TileReader, prefix: string, begin: number, end: number): Uint8Array {
  const length = end - begin;
  const split = splitOf(length);
  if (length === 1 || split * 2 === length) {
    return subtreeHash(store, prefix, heightOf(length), Math.floor(begin / length));
  }
  return logNodeHash(rangeHash(store, prefix, begin, begin + split), rangeHash(store, prefix, begin + split, end));
}

/** h for 2^h, by integers alone. */
function heightOf(powerOfTwo: number): number {
  let height = 0;
  for (let width = 1; width < powerOfTwo; width *= 2) height++;
  return height;
}

/** Largest power of two smaller than `length` (RFC 6962 §2.1). */
function splitOf(length: number): number {
  let split = 1;
  while (split * 2 < length) split *= 2;
  return split;
}

/** Root of the log when it had `size` entries. */
export function logRoot(store: TileReader, prefix: string, size: number): Uint8Array {
  return size === 0 ? EMPTY_LOG_ROOT : rangeHash(store, prefix, 0, size);
}

/** PATH(index, D[size]) of RFC 6962 §2.1.1. Throws RangeError when there is no such entry. */
export function inclusionProof(store: TileReader, prefix: string, index: number, size: number): Uint8Array[] {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size))
    throw new RangeError(`no entry ${index} in ${size}`);
  const path: Uint8Array[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      path.push(rangeHash(store, prefix, middle, end));
      end = middle;
    } else {
      path.push(rangeHash(store, prefix, begin, middle));
      begin = middle;
    }
  }
  return path.reverse();
}

/** PROOF(from, D[to]) of RFC 6962 §2.1.2; empty for from = 0 and from = to. Throws RangeError for from > to. */
export function consistencyProof(store: TileReader, prefix: string, from: number, to: number): Uint8Array[] {
  if (!(Number.isSafeInteger(from) && from >= 0 && from <= to)) throw new RangeError(`no consistency ${from} to ${to}`);
  if (from === 0 || from === to) return [];
  const path: Uint8Array[] = [];
  let [begin, end] = [0, to];
  while (from !== end) {
    const middle = begin + splitOf(end - begin);
    if (from <= middle) {
      path.push(rangeHash(store, prefix, middle, end));
      end = middle;
    } else {
      path.push(rangeHash(store, prefix, begin, middle));
      begin = middle;
    }
  }
  // The old tree's own right edge is known to the verifier only when it is the whole old tree.
  if (begin > 0) path.push(rangeHash(store, prefix, begin, end));
  return path.reverse();
}
