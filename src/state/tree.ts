import { bytesToHex, compareBytes, equalBytes } from '../std/bytes.ts';
import type { KvReader, KvWrites } from './store.ts';
import {
  type Child,
  childHash,
  decodeNode,
  decodeRoot,
  EMPTY_CHILD,
  encodeNode,
  encodeRoot,
  leafChild,
  leafKeyHash,
  leafValueHash,
  nodeChild,
} from './tree-node.ts';
import { siblingText, type TreeProof, treeBit } from './tree-proof.ts';

/**
 * Compressed sparse Merkle tree over 256-bit key hashes. A subtree with no leaf is empty, one with a single leaf is
 * that leaf, any other is a node; so the shape, and with it the root, depends on the entries alone and not on the
 * order of writes. Nodes lie in the store by path and hold both children, leaves inline: one read a level, about
 * log2(n) reads for one key of n, and a changed node is overwritten in place.
 */
export interface TreeChange {
  readonly keyHash: Uint8Array;
  /** Null removes the key. */
  readonly valueHash: Uint8Array | null;
}

const TREE_PREFIX = 't/';
const ROOT_KEY = 't/root';
const HEX = Array.from({ length: 256 }, (_, byte) => bytesToHex(Uint8Array.of(byte)));

/** Store key of the node at `depth` on the way to `keyHash`: depth and the path's bits, the last digit padded with 0. */
function nodeKey(keyHash: Uint8Array, depth: number): string {
  const whole = depth >> 3;
  let path = `${TREE_PREFIX}${depth}/`;
  for (let at = 0; at < whole; at++) path += HEX[keyHash[at] as number];
  if ((depth & 7) !== 0) path += HEX[(keyHash[whole] as number) & (0xff00 >> (depth & 7)) & 0xff];
  return path;
}

function readNode(store: KvReader, key: string): readonly [left: Child, right: Child] {
  const bytes = store.get(key);
  if (bytes === undefined) throw new Error(`state tree: node ${key} is missing`);
  return decodeNode(bytes);
}

/** Root of the tree in the store. */
export function readTreeRoot(store: KvReader): Uint8Array {
  return childHash(decodeRoot(store.get(ROOT_KEY)));
}

/**
 * The tree's root after `changes`, and what to write for it; of two changes of one key the later counts. Each node is
 * touched once. Throws TypeError for a hash that is not of 32 bytes, Error when the store lacks a node.
 */
export function updateTree(store: KvReader, changes: readonly TreeChange[]): { root: Uint8Array; writes: KvWrites } {
  const writes = new Map<string, Uint8Array | null>();
  const sorted = lastOfEachKey(changes);
  if (sorted.length === 0) return { root: readTreeRoot(store), writes };
  const update = { store, writes, changes: sorted };
  const root = apply(update, decodeRoot(store.get(ROOT_KEY)), 0, sorted.length, 0);
  writes.set(ROOT_KEY, root.kind === 'empty' ? null : encodeRoot(root));
  return { root: childHash(root), writes };
}

function lastOfEachKey(changes: readonly TreeChange[]): TreeChange[] {
  for (const { keyHash, valueHash } of changes) {
    if (keyHash.length !== 32 || (valueHash !== null && valueHash.length !== 32))
      throw new TypeError('not a hash of 32 bytes');
  }
  // The sort is stable, so of equal keys the last one given comes last.
  const sorted = [...changes].sort((a, b) => compareBytes(a.keyHash, b.keyHash));
  return sorted.filter(({ keyHash }, at) => !equalBytes(keyHash, sorted[at + 1]?.keyHash ?? NO_KEY));
}

const NO_KEY = new Uint8Array(0);

interface Update {
  readonly store: KvReader;
  readonly writes: Map<string, Uint8Array | null>;
  readonly changes: readonly TreeChange[];
}

/** The subtree at `depth` after the changes from … to, which are all below it. */
function apply(update: Update, child: Child, from: number, to: number, depth: number): Child {
  if (from === to) return child;
  if (child.kind !== 'node') return build(update, leavesAfter(child, update.changes.slice(from, to)), depth);
  const key = nodeKey((update.changes[from] as TreeChange).keyHash, depth);
  const [left, right] = readNode(update.store, key);
  const split = splitAt(update.changes, keyHashOfChange, from, to, depth);
  return join(update, key, apply(update, left, from, split, depth + 1), apply(update, right, split, to, depth + 1));
}

/** Keeps a node of two children; one leaf alone moves up, so that the shape stays canonical. */
function join({ writes }: Update, key: string, left: Child, right: Child): Child {
  const alone = left.kind === 'empty' ? right : right.kind === 'empty' ? left : undefined;
  if (alone !== undefined && alone.kind !== 'node') {
    writes.set(key, null);
    return alone;
  }
  writes.set(key, encodeNode(left, right));
  return nodeChild(left, right);
}

/** What stands in place of a leaf or nothing after its changes, sorted. */
function leavesAfter(child: Child, changes: readonly TreeChange[]): Child[] {
  const leaves: Child[] = [];
  const keyHash = child.kind === 'leaf' ? leafKeyHash(child) : undefined;
  let isKept = keyHash !== undefined;
  for (const change of changes) {
    const order = keyHash === undefined ? 1 : compareBytes(keyHash, change.keyHash);
    if (isKept && order < 0) leaves.push(child);
    if (order <= 0) isKept = false;
    if (change.valueHash !== null) leaves.push(leafChild(change.keyHash, change.valueHash));
  }
  if (isKept) leaves.push(child);
  return leaves;
}

function build(update: Update, leaves: readonly Child[], depth: number, from = 0, to = leaves.length): Child {
  if (to - from < 2) return from === to ? EMPTY_CHILD : (leaves[from] as Child);
  const split = splitAt(leaves, leafKeyHash, from, to, depth);
  const left = build(update, leaves, depth + 1, from, split);
  const right = build(update, leaves, depth + 1, split, to);
  return join(update, nodeKey(leafKeyHash(leaves[from] as Child), depth), left, right);
}

function keyHashOfChange({ keyHash }: TreeChange): Uint8Array {
  return keyHash;
}

/** Index of the first entry from … to whose bit at `depth` is 1. */
function splitAt<T>(
  sorted: readonly T[],
  keyHashOf: (entry: T) => Uint8Array,
  from: number,
  to: number,
  depth: number,
): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (treeBit(keyHashOf(sorted[middle] as T), depth) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Proof that the tree holds something under `keyHash`, or that it does not. */
export function proveKey(store: KvReader, keyHash: Uint8Array): TreeProof {
  const siblings: string[] = [];
  let child = decodeRoot(store.get(ROOT_KEY));
  for (let depth = 0; child.kind === 'node'; depth++) {
    const [left, right] = readNode(store, nodeKey(keyHash, depth));
    const goesLeft = treeBit(keyHash, depth) === 0;
    siblings.push(siblingText(childHash(goesLeft ? right : left)));
    child = goesLeft ? left : right;
  }
  if (child.kind === 'empty' || equalBytes(leafKeyHash(child), keyHash)) return { siblings };
  return { siblings, other: { keyHash: bytesToHex(leafKeyHash(child)), valueHash: bytesToHex(leafValueHash(child)) } };
}
