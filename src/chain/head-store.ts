import type { Overlay } from '../state/overlay.ts';
import type { KvReader, KvWrites } from '../state/store.ts';
import { readTreeRoot, updateTree } from '../state/tree.ts';
import { treeKeyHash, treeValueHash } from '../state/tree-proof.ts';
import { STATE_PREFIX } from '../state/typed-state.ts';
import { bytesToHex } from '../std/bytes.ts';
import { canonicalBytes, type Json, parseCanonical } from '../std/canonical-json.ts';
import { APP_SCHEMA, appHash } from './app-hash.ts';
import type { BlockHeader, Head } from './block.ts';
import { StorageFault } from './fault.ts';

/** Where the outcome log lies in the store. */
export const LOG_PREFIX = 'l/';
export const HEAD_KEY = 'h/head';
const TIME_KEY = 'h/time';

/** The head that a store holds; undefined for an empty one. Throws StorageFault when it is damaged. */
export function readHead(store: KvReader): Head | undefined {
  return readCanonical<Head>(store, HEAD_KEY);
}

/** Block time of the head that a store holds, in milliseconds; undefined for an empty one. */
export function readTimeMs(store: KvReader): number | undefined {
  return readCanonical<number>(store, TIME_KEY);
}

function readCanonical<T extends Json>(store: KvReader, key: string): T | undefined {
  const bytes = store.get(key);
  if (bytes === undefined) return undefined;
  const value = parseCanonical(bytes);
  if (value === undefined) throw new StorageFault(`the store holds damaged bytes under ${key}`);
  return value as T;
}

/** Tree of the overlay's state on top of the store's: each changed key once. */
export function commitTree(store: KvReader, overlay: Overlay): { root: Uint8Array; writes: KvWrites } {
  const changes: { keyHash: Uint8Array; valueHash: Uint8Array | null }[] = [];
  for (const [key, value] of overlay.writes()) {
    if (!key.startsWith(STATE_PREFIX)) throw new Error(`contracts write below ${STATE_PREFIX} only`);
    changes.push({ keyHash: treeKeyHash(key), valueHash: value === null ? null : treeValueHash(value) });
  }
  if (changes.length === 0) return { root: readTreeRoot(store), writes: new Map() };
  return updateTree(store, changes);
}

/** The head after a block, and everything it writes as one batch. */
export function sealBlock(parts: {
  readonly genesis: string;
  readonly block: BlockHeader;
  readonly treeRoot: Uint8Array;
  readonly log: { readonly size: number; readonly root: Uint8Array };
  readonly writes: readonly KvWrites[];
}): { head: Head; writes: KvWrites } {
  const { genesis, block, treeRoot, log } = parts;
  const head: Head = {
    genesis,
    height: block.height,
    logSize: log.size,
    logRoot: bytesToHex(log.root),
    appHash: bytesToHex(appHash(treeRoot, log.root, log.size, APP_SCHEMA)),
  };
  const writes = new Map<string, Uint8Array | null>();
  for (const part of parts.writes) for (const [key, value] of part) writes.set(key, value);
  writes.set(HEAD_KEY, canonicalBytes(head));
  writes.set(TIME_KEY, canonicalBytes(block.timeMs));
  return { head, writes };
}
