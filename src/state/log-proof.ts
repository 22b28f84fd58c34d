import { sha256 } from '#crypto/platform';
import { equalBytes } from '../std/bytes.ts';

/** RFC 6962 §2.1: hashes and proofs of an append-only log, without the log. */

/** Root of the empty log: SHA-256 of nothing. */
export const EMPTY_LOG_ROOT: Uint8Array = sha256(new Uint8Array(0));

/** Hash of a log entry: SHA-256(0x00 ‖ entry). */
export function logLeafHash(entry: Uint8Array): Uint8Array {
  const input = new Uint8Array(entry.length + 1);
  input.set(entry, 1);
  return sha256(input);
}

/** Hash of two subtrees: SHA-256(0x01 ‖ left ‖ right). */
export function logNodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(65);
  input[0] = 1;
  input.set(left, 1);
  input.set(right, 33);
  return sha256(input);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Halves without bit operators, which would cut sizes at 2^32. */
function half(value: number): number {
  return Math.floor(value / 2);
}

/** True when `leafHash` is entry `index` of the log of `size` entries with `root` (RFC 9162 §2.1.3.2). */
export function verifyInclusion(
  leafHash: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || leafHash.length !== 32) return false;
  let [at, last, hash] = [index, size - 1, leafHash];
  for (const sibling of path) {
    if (last === 0 || sibling.length !== 32) return false;
    if (at % 2 === 1 || at === last) {
      hash = logNodeHash(sibling, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = logNodeHash(hash, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(hash, root);
}

/** True when the log of `to` entries with `toRoot` extends the one of `from` entries with `fromRoot` (RFC 9162 §2.1.4.2). */
export function verifyConsistency(
  from: number,
  fromRoot: Uint8Array,
  to: number,
  toRoot: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (!isCount(from) || !isCount(to) || from > to) return false;
  if ([fromRoot, toRoot, ...path].some((hash) => hash.length !== 32)) return false;
  if (from === 0) return path.length === 0 && equalBytes(fromRoot, EMPTY_LOG_ROOT);
  if (from === to) return path.length === 0 && equalBytes(fromRoot, toRoot);
  let [at, last] = [from - 1, to - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  const rest = at === 0 ? [fromRoot, ...path] : [...path];
  const first = rest.shift();
  if (first === undefined) return false;
  let [older, newer] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      older = logNodeHash(sibling, older);
      newer = logNodeHash(sibling, newer);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      newer = logNodeHash(newer, sibling);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && equalBytes(older, fromRoot) && equalBytes(newer, toRoot);
}
