import { sha256 } from '#crypto/platform';
import { bytesToHex, equalBytes, hexToBytes, utf8 } from '../std/bytes.ts';
import type { Json, JsonObject } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';

/** Hashes and proofs of the compressed sparse Merkle tree (tree.ts), without the tree. */

/** Hash of an empty subtree, and so the root of an empty tree. */
export const EMPTY_TREE_ROOT: Uint8Array = new Uint8Array(32);

/** Where a store key lies in the tree: 256 bits, most significant first. */
export function treeKeyHash(storeKey: string): Uint8Array {
  return sha256(frame('aceso/tree/key/1', utf8(storeKey)));
}

/** Hash of a value. */
export function treeValueHash(value: Uint8Array): Uint8Array {
  return sha256(frame('aceso/tree/value/1', value));
}

/** Hash of two 32-byte values, each at an offset. */
type PairHash = (first: Uint8Array, second: Uint8Array, firstAt?: number, secondAt?: number) => Uint8Array;

/** Hash of a subtree with one leaf, wherever it stands: SHA-256(frame('aceso/tree/leaf/1', key hash, value hash)). */
export const treeLeafHash: PairHash = pairHash('aceso/tree/leaf/1');

/** Hash of a subtree with two leaves or more: SHA-256(frame('aceso/tree/node/1', left, right)). */
export const treeNodeHash: PairHash = pairHash('aceso/tree/node/1');

/** The frame of two hashes has one shape, so its bytes are laid out once and filled in: hashing is most of the cost. */
function pairHash(tag: string): PairHash {
  const input = frame(tag, EMPTY_TREE_ROOT, EMPTY_TREE_ROOT);
  const [firstSlot, secondSlot] = [input.length - 68, input.length - 32];
  return (first, second, firstAt = 0, secondAt = 0) => {
    for (let at = 0; at < 32; at++) {
      input[firstSlot + at] = first[firstAt + at] as number;
      input[secondSlot + at] = second[secondAt + at] as number;
    }
    return sha256(input);
  };
}

/** Bit `depth` of a key hash. */
export function treeBit(keyHash: Uint8Array, depth: number): 0 | 1 {
  return (((keyHash[depth >> 3] as number) >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/**
 * Proof of presence or absence: sibling hashes from the root down, hexadecimal, '' for an empty subtree. For absence
 * `other` is the leaf that stands where the key would be; it is missing when nothing stands there.
 */
export type TreeProof = {
  readonly siblings: readonly string[];
  readonly other?: { readonly keyHash: string; readonly valueHash: string };
};

/**
 * True when the tree with `root` holds `valueHash` under `keyHash`, or, for null, holds nothing there. Takes any JSON
 * as proof; one statement has one proof, so nothing can be added to or left out of it.
 */
export function verifyTreeProof(
  root: Uint8Array,
  keyHash: Uint8Array,
  valueHash: Uint8Array | null,
  proof: Json,
): boolean {
  const parts = proofParts(proof);
  if (parts === undefined || keyHash.length !== 32 || (valueHash !== null && valueHash.length !== 32)) return false;
  const { siblings, other } = parts;
  // A subtree with one leaf or none is not divided: the deepest sibling is never empty.
  if (siblings.at(-1)?.every((byte) => byte === 0) === true) return false;
  if (valueHash !== null && other !== undefined) return false;
  if (other !== undefined && !standsInTheWay(other.keyHash, keyHash, siblings.length)) return false;
  let hash = EMPTY_TREE_ROOT;
  if (valueHash !== null) hash = treeLeafHash(keyHash, valueHash);
  else if (other !== undefined) hash = treeLeafHash(other.keyHash, other.valueHash);
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] as Uint8Array;
    hash = treeBit(keyHash, depth) === 0 ? treeNodeHash(hash, sibling) : treeNodeHash(sibling, hash);
  }
  return equalBytes(hash, root);
}

/** Another key whose leaf is found on the way to this one: equal in the first `depth` bits, not in all. */
function standsInTheWay(other: Uint8Array, keyHash: Uint8Array, depth: number): boolean {
  for (let bit = 0; bit < depth; bit++) if (treeBit(other, bit) !== treeBit(keyHash, bit)) return false;
  return !equalBytes(other, keyHash);
}

interface ProofParts {
  readonly siblings: readonly Uint8Array[];
  readonly other: { readonly keyHash: Uint8Array; readonly valueHash: Uint8Array } | undefined;
}

function proofParts(proof: Json): ProofParts | undefined {
  if (!isObject(proof)) return undefined;
  const { siblings: texts, other, ...rest } = proof;
  if (!Array.isArray(texts) || texts.length > 256 || Object.keys(rest).length > 0) return undefined;
  const siblings: Uint8Array[] = [];
  for (const text of texts) {
    const hash = text === '' ? EMPTY_TREE_ROOT : hash32(text);
    // '' is the only way to write an empty sibling.
    if (hash === undefined || (text !== '' && equalBytes(hash, EMPTY_TREE_ROOT))) return undefined;
    siblings.push(hash);
  }
  if (other === undefined) return { siblings, other: undefined };
  if (!isObject(other) || Object.keys(other).length !== 2) return undefined;
  const { keyHash, valueHash } = other;
  const [key, value] = [hash32(keyHash), hash32(valueHash)];
  return key === undefined || value === undefined ? undefined : { siblings, other: { keyHash: key, valueHash: value } };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function hash32(text: Json | undefined): Uint8Array | undefined {
  return typeof text === 'string' && text.length === 64 ? hexToBytes(text) : undefined;
}

/** A sibling as a proof writes it. */
export function siblingText(hash: Uint8Array): string {
  return equalBytes(hash, EMPTY_TREE_ROOT) ? '' : bytesToHex(hash);
}
