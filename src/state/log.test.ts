import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, concatBytes, hexToBytes, utf8 } from '../std/bytes.ts';
import { appendLog, consistencyProof, inclusionProof, logRoot } from './log.ts';
import { EMPTY_LOG_ROOT, logLeafHash, verifyConsistency, verifyInclusion } from './log-proof.ts';
import { createMemoryStore } from './memory-store.ts';

const RUNS = process.env.ACESO_LONG === '1' ? 200_000 : 5_000;

const sha = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  );
const split = (length: number): number => 2 ** Math.ceil(Math.log2(length) - 1);

/** MTH, PATH and PROOF of RFC 6962 §2.1, written down as they stand there, over leaf hashes. */
function mth(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0) return sha();
  if (hashes.length === 1) return hashes[0] as Uint8Array;
  const k = split(hashes.length);
  return sha(Uint8Array.of(1), mth(hashes.slice(0, k)), mth(hashes.slice(k)));
}

function path(m: number, hashes: readonly Uint8Array[]): Uint8Array[] {
  if (hashes.length === 1) return [];
  const k = split(hashes.length);
  if (m < k) return [...path(m, hashes.slice(0, k)), mth(hashes.slice(k))];
  return [...path(m - k, hashes.slice(k)), mth(hashes.slice(0, k))];
}

function proof(m: number, hashes: readonly Uint8Array[], isWhole = true): Uint8Array[] {
  const n = hashes.length;
  if (m === n) return isWhole ? [] : [mth(hashes)];
  const k = split(n);
  if (m <= k) return [...proof(m, hashes.slice(0, k), isWhole), mth(hashes.slice(k))];
  return [...proof(m - k, hashes.slice(k), false), mth(hashes.slice(0, k))];
}

/** A log of `sizes` batches; entry i is the text of i. */
function logOf(sizes: readonly number[], prefix = 'l/') {
  const store = createMemoryStore();
  const hashes: Uint8Array[] = [];
  for (const size of sizes) {
    const batch = Array.from({ length: size }, (_, at) => logLeafHash(utf8(`${hashes.length + at}`)));
    const appended = appendLog(store, prefix, hashes.length, batch);
    store.apply(appended.writes);
    hashes.push(...batch);
    assert.equal(appended.size, hashes.length);
    assert.deepEqual(appended.root, mth(hashes));
  }
  return { store, hashes };
}

/** The entries and roots of the reference implementation of Certificate Transparency (merkletree tests). */
const CT_ENTRIES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const CT_ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

test('the known answers of Certificate Transparency', () => {
  const store = createMemoryStore();
  assert.equal(bytesToHex(EMPTY_LOG_ROOT), CT_ROOTS[0]);
  for (const [size, entry] of CT_ENTRIES.entries()) {
    const { root, writes } = appendLog(store, 'l/', size, [logLeafHash(hexToBytes(entry) as Uint8Array)]);
    store.apply(writes);
    assert.equal(bytesToHex(root), CT_ROOTS[size + 1]);
  }
  for (const [size, root] of CT_ROOTS.entries()) assert.equal(bytesToHex(logRoot(store, 'l/', size)), root);
});

const batchSizes = fc.oneof(
  { weight: 60, arbitrary: fc.array(fc.nat(12), { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 3 }) },
);

test(`the log agrees with RFC 6962's definitions over ${RUNS} sequences of appends, at every size it had`, () => {
  fc.assert(
    fc.property(batchSizes, fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 3, maxLength: 3 }), (sizes, probes) => {
      const { store, hashes } = logOf(sizes);
      for (const [a, b] of probes) {
        const size = a % (hashes.length + 1);
        const then = hashes.slice(0, size);
        const root = logRoot(store, 'l/', size);
        assert.deepEqual(root, mth(then));
        const from = b % (size + 1);
        const consistency = consistencyProof(store, 'l/', from, size);
        assert.deepEqual(consistency, from === 0 ? [] : proof(from, then));
        assert.ok(verifyConsistency(from, mth(hashes.slice(0, from)), size, root, consistency));
        if (size === 0) continue;
        const index = b % size;
        const inclusion = inclusionProof(store, 'l/', index, size);
        assert.deepEqual(inclusion, path(index, then));
        assert.ok(verifyInclusion(hashes[index] as Uint8Array, index, size, inclusion, root));
      }
    }),
    { numRuns: RUNS },
  );
});

test('tiles are those of C2SP tlog-tiles: 256 hashes end to end, the level above over full ones', () => {
  const { store, hashes } = logOf([200, 57, 255, 1]);
  assert.deepEqual(store.get('l/0/0'), concatBytes(...hashes.slice(0, 256)));
  assert.deepEqual(store.get('l/0/1'), concatBytes(...hashes.slice(256, 512)));
  assert.deepEqual(store.get('l/0/2'), concatBytes(...hashes.slice(512)));
  assert.deepEqual(store.get('l/1/0'), concatBytes(mth(hashes.slice(0, 256)), mth(hashes.slice(256, 512))));
  assert.equal(store.get('l/2/0'), undefined);
});

test('three levels of tiles: 66,000 entries, roots and proofs across every boundary', () => {
  const store = createMemoryStore();
  const hashes = Array.from({ length: 66_000 }, (_, at) => logLeafHash(utf8(`${at}`)));
  const first = appendLog(store, 'l/', 0, hashes.slice(0, 65_535));
  store.apply(first.writes);
  store.apply(appendLog(store, 'l/', 65_535, hashes.slice(65_535)).writes);
  assert.equal(store.get('l/2/0')?.length, 32);
  assert.equal(store.get('l/1/1')?.length, 32);
  const sizes = [1, 255, 256, 257, 511, 512, 513, 65_280, 65_535, 65_536, 65_537, 65_792, 66_000];
  const roots = sizes.map((size) => logRoot(store, 'l/', size));
  assert.deepEqual(roots.at(-1), mth(hashes));
  assert.deepEqual(roots.at(-4), mth(hashes.slice(0, 65_536)));
  for (const [at, size] of sizes.entries()) {
    const root = roots[at] as Uint8Array;
    for (const index of [0, 1, 254, 255, 256, 257, 65_534, 65_535, 65_536, 65_999].filter((index) => index < size)) {
      const inclusion = inclusionProof(store, 'l/', index, size);
      assert.ok(verifyInclusion(hashes[index] as Uint8Array, index, size, inclusion, root), `${index} in ${size}`);
    }
    for (const [to, later] of sizes.entries()) {
      if (to < at) continue;
      const consistency = consistencyProof(store, 'l/', size, later);
      assert.ok(verifyConsistency(size, root, later, roots[to] as Uint8Array, consistency), `${size} to ${later}`);
    }
  }
});

/** Every path with one bit of one byte turned, one hash more, fewer, or of another length. */
function* alteredPaths(hashes: readonly Uint8Array[]): Generator<Uint8Array[]> {
  for (const [index, hash] of hashes.entries()) {
    for (let at = 0; at < 32; at++) yield hashes.with(index, hash.with(at, (hash[at] as number) ^ 1));
    yield hashes.with(index, hash.subarray(1));
    yield hashes.toSpliced(index, 1);
    yield hashes.toSpliced(index, 0, hash);
  }
  yield [...hashes, new Uint8Array(32)];
  yield [new Uint8Array(32), ...hashes];
}

test('inclusion: whatever is altered in a proof or its statement is refused', () => {
  const { store, hashes } = logOf([21]);
  for (let size = 1; size <= hashes.length; size++) {
    const root = logRoot(store, 'l/', size);
    for (let index = 0; index < size; index++) {
      const leaf = hashes[index] as Uint8Array;
      const inclusion = inclusionProof(store, 'l/', index, size);
      assert.ok(verifyInclusion(leaf, index, size, inclusion, root));
      for (const altered of alteredPaths(inclusion)) assert.ok(!verifyInclusion(leaf, index, size, altered, root));
      for (let other = -1; other <= size; other++) {
        if (other !== index)
          assert.ok(!verifyInclusion(leaf, other, size, inclusion, root), `${index} as ${other} in ${size}`);
      }
      assert.ok(!verifyInclusion(leaf, index, size, inclusion, root.with(0, (root[0] as number) ^ 1)));
      assert.ok(!verifyInclusion(leaf.subarray(1), index, size, inclusion, root));
      assert.ok(!verifyInclusion(leaf.with(31, (leaf[31] as number) ^ 1), index, size, inclusion, root));
    }
  }
  // A later entry of a larger log is not the only entry of one of size 1.
  assert.ok(!verifyInclusion(hashes[1] as Uint8Array, 0, 1, [hashes[0] as Uint8Array], logRoot(store, 'l/', 2)));
  assert.ok(!verifyInclusion(EMPTY_LOG_ROOT, 0, 0, [], EMPTY_LOG_ROOT));
  for (const index of [0.5, Number.NaN, -1, 2 ** 53])
    assert.ok(!verifyInclusion(EMPTY_LOG_ROOT, index, 2, [], EMPTY_LOG_ROOT));
});

test('consistency: whatever is altered in a proof or its statement is refused', () => {
  const { store, hashes } = logOf([21]);
  const roots = Array.from({ length: hashes.length + 1 }, (_, size) => logRoot(store, 'l/', size));
  for (let to = 1; to <= hashes.length; to++) {
    for (let from = 1; from <= to; from++) {
      const [older, newer] = [roots[from] as Uint8Array, roots[to] as Uint8Array];
      const consistency = consistencyProof(store, 'l/', from, to);
      assert.ok(verifyConsistency(from, older, to, newer, consistency));
      for (const altered of alteredPaths(consistency)) assert.ok(!verifyConsistency(from, older, to, newer, altered));
      const wrong = older.with(5, (older[5] as number) ^ 4);
      assert.ok(!verifyConsistency(from, wrong, to, newer, consistency));
      assert.ok(!verifyConsistency(from, older, to, newer.with(5, (newer[5] as number) ^ 4), consistency));
      assert.ok(!verifyConsistency(from, older.subarray(1), to, newer, consistency));
      for (let other = 1; other <= to; other++) {
        if (other !== from)
          assert.ok(!verifyConsistency(other, older, to, newer, consistency), `${from} as ${other} to ${to}`);
      }
    }
  }
  const [two, leaves] = [roots[2] as Uint8Array, hashes.slice(0, 2) as [Uint8Array, Uint8Array]];
  assert.ok(!verifyConsistency(1, two, 1, two, leaves));
  assert.ok(verifyConsistency(0, EMPTY_LOG_ROOT, 5, roots[5] as Uint8Array, []));
  assert.ok(!verifyConsistency(0, roots[1] as Uint8Array, 5, roots[5] as Uint8Array, []));
  assert.ok(!verifyConsistency(6, roots[6] as Uint8Array, 5, roots[5] as Uint8Array, []));
  assert.ok(!verifyConsistency(-1, EMPTY_LOG_ROOT, 5, roots[5] as Uint8Array, []));
});

test('sizes beyond 2^32 verify: nothing is cut to 32 bits', () => {
  // The last entry of a log of 2^33 + 1 has one sibling: the complete subtree before it.
  const [leaf, before] = [logLeafHash(utf8('last')), logLeafHash(utf8('subtree'))];
  const [size, root] = [2 ** 33 + 1, sha(Uint8Array.of(1), before, leaf)];
  assert.ok(verifyInclusion(leaf, 2 ** 33, size, [before], root));
  assert.ok(!verifyInclusion(leaf, 0, size, [before], root));
  assert.ok(!verifyInclusion(leaf, 1, 2, [before], before));
  assert.ok(verifyConsistency(2 ** 33, before, size, root, [leaf]));
  assert.ok(!verifyConsistency(2 ** 32, before, size, root, [leaf]));
});

test('appending again over what a crash left gives the same log; two logs in one store do not meet', () => {
  const store = createMemoryStore();
  const hashes = Array.from({ length: 300 }, (_, at) => logLeafHash(utf8(`${at}`)));
  store.apply(appendLog(store, 'a/', 0, hashes.slice(0, 250)).writes);
  store.apply(appendLog(store, 'a/', 250, [...hashes.slice(0, 40)]).writes); // lost
  const again = appendLog(store, 'a/', 250, hashes.slice(250));
  store.apply(again.writes);
  assert.deepEqual(again.root, mth(hashes));
  store.apply(appendLog(store, 'b/', 0, hashes.slice(0, 3)).writes);
  assert.deepEqual(logRoot(store, 'a/', 300), mth(hashes));
  assert.deepEqual(logRoot(store, 'b/', 3), mth(hashes.slice(0, 3)));
});

test('what cannot be answered throws', () => {
  const { store } = logOf([10]);
  for (const index of [-1, 10, 0.5, Number.NaN])
    assert.throws(() => inclusionProof(store, 'l/', index, 10), RangeError);
  for (const from of [-1, 11, 0.5]) assert.throws(() => consistencyProof(store, 'l/', from, 10), RangeError);
  assert.throws(() => logRoot(store, 'l/', 11), /missing/);
  assert.throws(() => appendLog(store, 'l/', 11, [EMPTY_LOG_ROOT]), /missing/);
  assert.throws(() => appendLog(store, 'l/', 10, [new Uint8Array(31)]), TypeError);
});

interface LogVector {
  readonly size: number;
  readonly root: string;
  readonly inclusion: readonly { readonly index: number; readonly path: readonly string[] }[];
  readonly consistency: readonly { readonly from: number; readonly path: readonly string[] }[];
}

test('committed roots and proofs hold: entry i is the text of i', () => {
  const file = new URL('../../test/vectors/state/log.json', import.meta.url);
  const all = JSON.parse(readFileSync(file, 'utf8')) as LogVector[];
  const hashes = Array.from({ length: Math.max(...all.map(({ size }) => size)) }, (_, at) =>
    logLeafHash(utf8(`${at}`)),
  );
  const store = createMemoryStore();
  store.apply(appendLog(store, 'l/', 0, hashes).writes);
  for (const { size, root, inclusion, consistency } of all) {
    assert.equal(bytesToHex(logRoot(store, 'l/', size)), root);
    for (const { index, path } of inclusion)
      assert.deepEqual(inclusionProof(store, 'l/', index, size).map(bytesToHex), path);
    for (const { from, path } of consistency)
      assert.deepEqual(consistencyProof(store, 'l/', from, size).map(bytesToHex), path);
  }
  assert.ok(all.length >= 8);
});
