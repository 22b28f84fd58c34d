import { bytesToHex, compareBytes, concatBytes, equalBytes } from '../std/bytes.ts';
import type { KvReader, KvWrites } from './store.ts';
import { EMPTY_TREE_ROOT, siblingText, type TreeProof, treeBit, treeLeafHash, treeNodeHash } from './tree-proof.ts';

/**
 * Compressed sparse Merkle tree over 256-bit key hashes. A subtree with no leaf is empty, one with a single leaf is
 * that leaf, any other is a node; so the shape, and with it the root, depends on the keys alone and not on the order
 * of writes. Nodes lie in the store by path and hold both children, leaves inline: one read a level, about log2(n)
 * reads for a key of n, and a changed node is overwritten in place.
 */
type Child =
  | { readonly kind: 'empty' }
  | { readonly kind: 'leaf'; readonly keyHash: Uint8Array; readonly valueHash: Uint8Array }
  | { readonly kind: 'node'; readonly hash: Uint8Array };

/** A key to set, or to remove with null. */
export interface TreeChange {
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array | null;
}

const EMPTY: Child = { kind: 'empty' };
const TREE_PREFIX = 't/';
const ROOT_KEY = 't/root';
const HEX = Array.from({ length: 256 }, (_, byte) => bytesToHex(Uint8Array.of(byte)));

function hashOf(child: Child): Uint8Array {
  if (child.kind === 'empty') return EMPTY_TREE_ROOT;
  return child.kind === 'node' ? child.hash : treeLeafHash(child.keyHash, child.valueHash);
}

/** Store key of the node at `depth` on the way to `keyHash`: depth and the path's bits, the last digit padded with 0. */
function nodeKey(keyHash: Uint8Array, depth: number): string {
  let path = '';
  const whole = depth >> 3;
  for (let at = 0; at < whole; at++) path += HEX[keyHash[at] as number];
  if ((depth & 7) !== 0) path += HEX[(keyHash[whole] as number) & (0xff00 >> (depth & 7)) & 0xff];
  return `${TREE_PREFIX}${depth}/${path}`;
}

function encodeChild(child: Child): Uint8Array {
  if (child.kind === 'empty') return Uint8Array.of(0);
  if (child.kind === 'leaf') return concatBytes(Uint8Array.of(1), child.keyHash, child.valueHash);
  return concatBytes(Uint8Array.of(2), child.hash);
}

function decodeChild(bytes: Uint8Array, at: number): [child: Child, end: number] {
  if (bytes[at] === 0) return [EMPTY, at + 1];
  if (bytes[at] === 2) return [{ kind: 'node', hash: bytes.subarray(at + 1, at + 33) }, at + 33];
  return [{ kind: 'leaf', keyHash: bytes.subarray(at + 1, at + 33), valueHash: bytes.subarray(at + 33, at + 65) }, at + 65];
}

function readRoot(store: KvReader): Child {
  const bytes = store.get(ROOT_KEY);
  return bytes === undefined ? EMPTY : decodeChild(bytes, 0)[0];
}

function readNode(store: KvReader, key: string): [left: Child, right: Child] {
  const bytes = store.get(key);
  if (bytes === undefined) throw new Error(`state tree: node ${key} is missing`);
  const [left, at] = decodeChild(bytes, 0);
  return [left, decodeChild(bytes, at)[0]];
}

/** Root of the tree in the store. */
export function readTreeRoot(store: KvReader): Uint8Array {
  return hashOf(readRoot(store));
}

/** The tree's writes and root after `changes`; of two changes of one key the later counts. Each node is touched once. */
export function updateTree(store: KvReader, changes: readonly TreeChange[]): { root: Uint8Array; writes: KvWrites } {
  const writes = new Map<string, Uint8Array | null>();
  const sorted = lastOfEachKey(changes);
  if (sorted.length === 0) return { root: readTreeRoot(store), writes };
  const root = apply({ store, writes }, readRoot(store), sorted, 0);
  writes.set(ROOT_KEY, root.kind === 'empty' ? null : encodeChild(root));
  return { root: hashOf(root), writes };
}

function lastOfEachKey(changes: readonly TreeChange[]): TreeChange[] {
  const byKey = new Map<string, TreeChange>();
  for (const change of changes) byKey.set(bytesToHex(change.keyHash), change);
  return [...byKey.values()].sort((a, b) => compareBytes(a.keyHash, b.keyHash));
}

interface Update {
  readonly store: KvReader;
  readonly writes: Map<string, Uint8Array | null>;
}

/** The subtree at `depth` after its changes, which are sorted and all below it. */
function apply(update: Update, child: Child, changes: readonly TreeChange[], depth: number): Child {
  if (changes.length === 0) return child;
  if (child.kind !== 'node') return build(update, leavesAfter(child, changes), depth);
  const key = nodeKey((changes[0] as TreeChange).keyHash, depth);
  const [left, right] = readNode(update.store, key);
  const split = splitAt(changes, depth);
  const children: [Child, Child] = [
    apply(update, left, changes.slice(0, split), depth + 1),
    apply(update, right, changes.slice(split), depth + 1),
  ];
  return join(update, key, children);
}

/** Keeps a node of two children; one leaf alone moves up, so that the shape stays canonical. */
function join({ writes }: Update, key: string, [left, right]: [Child, Child]): Child {
  const alone = left.kind === 'empty' ? right : right.kind === 'empty' ? left : undefined;
  if (alone !== undefined && alone.kind !== 'node') {
    writes.set(key, null);
    return alone;
  }
  writes.set(key, concatBytes(encodeChild(left), encodeChild(right)));
  return { kind: 'node', hash: treeNodeHash(hashOf(left), hashOf(right)) };
}

type Leaf = Extract<Child, { kind: 'leaf' }>;

function leavesAfter(child: Exclude<Child, { kind: 'node' }>, changes: readonly TreeChange[]): Leaf[] {
  const leaves: Leaf[] = [];
  for (const { keyHash, valueHash } of changes) if (valueHash !== null) leaves.push({ kind: 'leaf', keyHash, valueHash });
  if (child.kind === 'leaf' && !changes.some(({ keyHash }) => equalBytes(keyHash, child.keyHash))) leaves.push(child);
  return leaves.sort((a, b) => compareBytes(a.keyHash, b.keyHash));
}

function build(update: Update, leaves: readonly Leaf[], depth: number): Child {
  if (leaves.length < 2) return leaves[0] ?? EMPTY;
  const split = splitAt(leaves, depth);
  const children: [Child, Child] = [
    build(update, leaves.slice(0, split), depth + 1),
    build(update, leaves.slice(split), depth + 1),
  ];
  return join(update, nodeKey((leaves[0] as Leaf).keyHash, depth), children);
}

/** Index of the first entry whose bit at `depth` is 1. */
function splitAt(sorted: readonly { readonly keyHash: Uint8Array }[], depth: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (treeBit((sorted[middle] as TreeChange).keyHash, depth) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Proof that the tree holds something under `keyHash`, or that it does not. */
export function proveKey(store: KvReader, keyHash: Uint8Array): TreeProof {
  const siblings: string[] = [];
  let child = readRoot(store);
  for (let depth = 0; child.kind === 'node'; depth++) {
    const [left, right] = readNode(store, nodeKey(keyHash, depth));
    const goesLeft = treeBit(keyHash, depth) === 0;
    siblings.push(siblingText(hashOf(goesLeft ? right : left)));
    child = goesLeft ? left : right;
  }
  if (child.kind === 'empty' || equalBytes(child.keyHash, keyHash)) return { siblings };
  return { siblings, other: { keyHash: bytesToHex(child.keyHash), valueHash: bytesToHex(child.valueHash) } };
}
