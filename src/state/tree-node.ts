import { EMPTY_TREE_ROOT, treeLeafHash, treeNodeHash } from './tree-proof.ts';

/**
 * A subtree as its parent keeps it, at an offset of the parent's bytes so that nothing is copied: of a leaf key hash ‖
 * value hash, of a node its hash, of an empty one nothing.
 */
export interface Child {
  readonly kind: 'empty' | 'leaf' | 'node';
  readonly bytes: Uint8Array;
  readonly at: number;
}

export const EMPTY_CHILD: Child = { kind: 'empty', bytes: new Uint8Array(0), at: 0 };

const HASH_BYTES = 32;
const LEAF_BYTES = 64;

/**
 * The four shapes of a stored node, told apart by length; the odd ones begin with a byte that says whether the child
 * named second is the left one. A leaf beside an empty subtree is no node.
 */
const TWO_NODES = 2 * HASH_BYTES;
const TWO_LEAVES = 2 * LEAF_BYTES;
const NODE_AND_EMPTY = 1 + HASH_BYTES;
const NODE_AND_LEAF = 1 + HASH_BYTES + LEAF_BYTES;

/** A leaf of its own. */
export function leafChild(keyHash: Uint8Array, valueHash: Uint8Array): Child {
  const bytes = new Uint8Array(LEAF_BYTES);
  bytes.set(keyHash);
  bytes.set(valueHash, HASH_BYTES);
  return { kind: 'leaf', bytes, at: 0 };
}

/** The key hash of a leaf, and its value hash; views. */
export function leafKeyHash({ bytes, at }: Child): Uint8Array {
  return bytes.subarray(at, at + HASH_BYTES);
}

export function leafValueHash({ bytes, at }: Child): Uint8Array {
  return bytes.subarray(at + HASH_BYTES, at + LEAF_BYTES);
}

/** Hash of a subtree. */
export function childHash(child: Child): Uint8Array {
  const { bytes, at } = child;
  if (child.kind === 'node') return bytes.subarray(at, at + HASH_BYTES);
  return child.kind === 'leaf' ? treeLeafHash(bytes, bytes, at, at + HASH_BYTES) : EMPTY_TREE_ROOT;
}

/** The node over two subtrees, not both empty, as its parent keeps it. */
export function nodeChild(left: Child, right: Child): Child {
  const [a, b] = [hashed(left), hashed(right)];
  return { kind: 'node', bytes: treeNodeHash(a.bytes, b.bytes, a.at, b.at), at: 0 };
}

function hashed(child: Child): { readonly bytes: Uint8Array; readonly at: number } {
  return child.kind === 'node' ? child : { bytes: childHash(child), at: 0 };
}

/** Stored bytes of a node. */
export function encodeNode(left: Child, right: Child): Uint8Array {
  const bytes = new Uint8Array(sizeOf(left, right));
  if (left.kind === right.kind) {
    copy(right, bytes, copy(left, bytes, 0));
    return bytes;
  }
  const [node, other] = left.kind === 'node' ? [left, right] : [right, left];
  bytes[0] = other === left ? 1 : 0;
  copy(other, bytes, copy(node, bytes, 1));
  return bytes;
}

/** Both subtrees of a stored node. Throws on a length that no node has: the store is damaged. */
export function decodeNode(bytes: Uint8Array): readonly [left: Child, right: Child] {
  if (bytes.length === TWO_NODES)
    return [
      { kind: 'node', bytes, at: 0 },
      { kind: 'node', bytes, at: HASH_BYTES },
    ];
  if (bytes.length === TWO_LEAVES)
    return [
      { kind: 'leaf', bytes, at: 0 },
      { kind: 'leaf', bytes, at: LEAF_BYTES },
    ];
  if (bytes.length !== NODE_AND_LEAF && bytes.length !== NODE_AND_EMPTY) throw new Error('state tree: damaged node');
  const node: Child = { kind: 'node', bytes, at: 1 };
  const other: Child = bytes.length === NODE_AND_LEAF ? { kind: 'leaf', bytes, at: 1 + HASH_BYTES } : EMPTY_CHILD;
  return bytes[0] === 1 ? [other, node] : [node, other];
}

/** Stored bytes of the root: a leaf or a node. */
export function encodeRoot(child: Child): Uint8Array {
  return child.bytes.slice(child.at, child.at + (child.kind === 'leaf' ? LEAF_BYTES : HASH_BYTES));
}

export function decodeRoot(bytes: Uint8Array | undefined): Child {
  if (bytes === undefined) return EMPTY_CHILD;
  if (bytes.length !== LEAF_BYTES && bytes.length !== HASH_BYTES) throw new Error('state tree: damaged root');
  return { kind: bytes.length === LEAF_BYTES ? 'leaf' : 'node', bytes, at: 0 };
}

function sizeOf(left: Child, right: Child): number {
  if (left.kind === right.kind) return left.kind === 'leaf' ? TWO_LEAVES : TWO_NODES;
  return left.kind === 'leaf' || right.kind === 'leaf' ? NODE_AND_LEAF : NODE_AND_EMPTY;
}

/** Byte by byte: for so few bytes a view costs more than the copy. Returns where the copy ends. */
function copy(child: Child, target: Uint8Array, start: number): number {
  const size = child.kind === 'node' ? HASH_BYTES : child.kind === 'leaf' ? LEAF_BYTES : 0;
  for (let at = 0; at < size; at++) target[start + at] = child.bytes[child.at + at] as number;
  return start + size;
}
