import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, compareBytes, concatBytes, equalBytes, hexToBytes, utf8 } from '../std/bytes.ts';
import type { Json } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import { createMemoryStore } from './memory-store.ts';
import { proveKey, readTreeRoot, type TreeChange, updateTree } from './tree.ts';
import {
  EMPTY_TREE_ROOT,
  type TreeProof,
  treeKeyHash,
  treeLeafHash,
  treeNodeHash,
  treeValueHash,
  verifyTreeProof,
} from './tree-proof.ts';

const RUNS = process.env.ACESO_LONG === '1' ? 200_000 : 5_000;

const sha = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest());
const bitOf = (key: Uint8Array, depth: number): number => ((key[depth >> 3] as number) >> (7 - (depth & 7))) & 1;

/** The definition, written down once more: root of sorted leaves, and the number of subtrees with two leaves or more. */
function naiveTree(
  leaves: readonly (readonly [Uint8Array, Uint8Array])[],
  depth = 0,
): { root: Uint8Array; nodes: number } {
  const [first] = leaves;
  if (first === undefined) return { root: new Uint8Array(32), nodes: 0 };
  if (leaves.length === 1) return { root: sha(frame('aceso/tree/leaf/1', ...first)), nodes: 0 };
  const left = naiveTree(
    leaves.filter(([key]) => bitOf(key, depth) === 0),
    depth + 1,
  );
  const right = naiveTree(
    leaves.filter(([key]) => bitOf(key, depth) === 1),
    depth + 1,
  );
  return { root: sha(frame('aceso/tree/node/1', left.root, right.root)), nodes: left.nodes + right.nodes + 1 };
}

/** Keys that differ in few bits, so that they share paths; now and then down to the last bit, through 255 nodes. */
const keyWith = (bits: readonly number[]): Uint8Array => {
  const key = new Uint8Array(32);
  for (const bit of bits) key[bit >> 3] = (key[bit >> 3] as number) | (0x80 >> (bit & 7));
  return key;
};
const keyHash = fc.oneof(
  { weight: 100, arbitrary: fc.subarray([0, 1, 2, 3, 7, 8, 9, 17], { maxLength: 4 }).map(keyWith) },
  { weight: 1, arbitrary: fc.subarray([0, 8, 128, 254, 255], { maxLength: 2 }).map(keyWith) },
);
const valueHash = fc.integer({ min: 1, max: 5 }).map((byte) => new Uint8Array(32).fill(byte));
const change = fc.record({ keyHash, valueHash: fc.option(valueHash, { freq: 3, nil: null }) });
const batches = fc.array(fc.array(change, { maxLength: 10 }), { maxLength: 5 });

type Model = Map<string, readonly [Uint8Array, Uint8Array]>;

function applyToModel(model: Model, batch: readonly TreeChange[]): void {
  for (const { keyHash, valueHash } of batch) {
    if (valueHash === null) model.delete(bytesToHex(keyHash));
    else model.set(bytesToHex(keyHash), [keyHash, valueHash]);
  }
}

function countNodes(store: ReturnType<typeof createMemoryStore>): number {
  return [...store.range('t/', 't0')].filter(([key]) => key !== 't/root').length;
}

test(`the tree agrees with its definition over ${RUNS} sequences of batches, leaves nothing behind, and proves`, () => {
  fc.assert(
    fc.property(batches, keyHash, (sequence, probe) => {
      const store = createMemoryStore();
      const model: Model = new Map();
      for (const batch of sequence) {
        const { root, writes } = updateTree(store, batch);
        store.apply(writes);
        applyToModel(model, batch);
        const naive = naiveTree([...model.values()]);
        assert.deepEqual(root, naive.root);
        assert.deepEqual(readTreeRoot(store), naive.root);
        assert.equal(countNodes(store), naive.nodes);
      }
      const root = readTreeRoot(store);
      for (const key of [probe, ...[...model.values()].map(([key]) => key)]) {
        const held = model.get(bytesToHex(key))?.[1] ?? null;
        const proof = proveKey(store, key);
        assert.ok(verifyTreeProof(root, key, held, proof));
        assert.ok(!verifyTreeProof(root, key, held === null ? new Uint8Array(32).fill(1) : null, proof));
        assert.ok(!verifyTreeProof(root, key, new Uint8Array(32).fill(9), proof));
      }
    }),
    { numRuns: RUNS },
  );
});

test('the root depends on the entries alone: any order, any split into batches, with detours', () => {
  const entries = fc.uniqueArray(fc.tuple(keyHash, valueHash), { selector: ([key]) => bytesToHex(key), maxLength: 20 });
  const cuts = fc.array(fc.nat(5), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(
      entries,
      cuts,
      fc.array(keyHash, { maxLength: 5 }),
      fc.infiniteStream(fc.nat()),
      (all, sizes, detours, keys) => {
        const shuffled = all.map((entry) => ({ entry, by: keys.next().value as number })).sort((a, b) => a.by - b.by);
        const store = createMemoryStore();
        const put = (changes: readonly TreeChange[]) => store.apply(updateTree(store, changes).writes);
        put(detours.map((keyHash) => ({ keyHash, valueHash: new Uint8Array(32).fill(7) })));
        put(detours.map((keyHash) => ({ keyHash, valueHash: null })));
        assert.deepEqual(readTreeRoot(store), EMPTY_TREE_ROOT);
        assert.deepEqual([...store.range('', '~')], []);
        const rest = shuffled.map(({ entry: [keyHash, valueHash] }) => ({ keyHash, valueHash }));
        for (const size of sizes) put(rest.splice(0, size));
        put(rest);
        assert.deepEqual(readTreeRoot(store), naiveTree(all).root);
      },
    ),
    { numRuns: RUNS / 10 },
  );
});

function treeOf(entries: Readonly<Record<string, string>>) {
  const store = createMemoryStore();
  const changes = Object.entries(entries).map(([key, value]) => ({
    keyHash: treeKeyHash(key),
    valueHash: treeValueHash(utf8(value)),
  }));
  store.apply(updateTree(store, changes).writes);
  return store;
}

const ENTRIES = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`s/test.map/${at}`, `{"at":${at}}`]));

/** Every proof that differs from `proof` in one hexadecimal digit, one sibling more or less, or the leaf in the way. */
function* alteredProofs(proof: TreeProof): Generator<Json> {
  const flip = (text: string, at: number) => `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`;
  const { siblings, other } = proof;
  for (const [index, text] of siblings.entries()) {
    for (let at = 0; at < text.length; at++) yield { ...proof, siblings: siblings.with(index, flip(text, at)) };
    yield { ...proof, siblings: siblings.with(index, text === '' ? '00'.repeat(32) : '') };
    yield { ...proof, siblings: siblings.with(index, text.toUpperCase()) } as Json;
    yield { ...proof, siblings: siblings.toSpliced(index, 1) };
    yield { ...proof, siblings: siblings.toSpliced(index, 0, text) };
  }
  for (const more of ['', '00'.repeat(32), '11'.repeat(32), '1']) yield { ...proof, siblings: [...siblings, more] };
  yield { ...proof, more: 1 };
  yield { siblings: siblings.join() };
  yield siblings as Json;
  if (other === undefined) {
    yield { siblings, other: { keyHash: '11'.repeat(32), valueHash: '11'.repeat(32) } };
    return;
  }
  for (const name of ['keyHash', 'valueHash'] as const) {
    for (let at = 0; at < 64; at++) yield { siblings, other: { ...other, [name]: flip(other[name], at) } };
  }
  yield { siblings };
  yield { siblings, other: { ...other, more: 1 } };
  yield { siblings, other: { keyHash: other.keyHash } };
}

test('one statement has one proof: whatever is altered in it is refused', () => {
  const store = treeOf(ENTRIES);
  const root = readTreeRoot(store);
  let altered = 0;
  for (const [key, value] of [
    ...Object.entries(ENTRIES),
    ['s/test.map/none', null],
    ['s/test.map/nil', null],
  ] as const) {
    const statement = [root, treeKeyHash(key), value === null ? null : treeValueHash(utf8(value))] as const;
    const proof = proveKey(store, statement[1]);
    assert.ok(verifyTreeProof(...statement, proof));
    for (const other of alteredProofs(proof)) {
      if (JSON.stringify(other) === JSON.stringify(proof)) continue;
      assert.ok(!verifyTreeProof(...statement, other), JSON.stringify(other));
      altered++;
    }
    for (let at = 0; at < 32; at++) {
      const flipped = root.slice();
      flipped[at] = (flipped[at] as number) ^ 1;
      assert.ok(!verifyTreeProof(flipped, statement[1], statement[2], proof));
    }
  }
  assert.ok(altered > 5_000);
});

test('a proof of presence proves neither absence nor another key; one of absence proves no presence', () => {
  const store = treeOf(ENTRIES);
  const root = readTreeRoot(store);
  const [held, absent] = [treeKeyHash('s/test.map/1'), treeKeyHash('s/test.map/none')];
  const value = treeValueHash(utf8('{"at":1}'));
  assert.ok(!verifyTreeProof(root, held, null, proveKey(store, held)));
  assert.ok(!verifyTreeProof(root, absent, value, proveKey(store, held)));
  assert.ok(!verifyTreeProof(root, held, null, proveKey(store, absent)));
  assert.ok(!verifyTreeProof(root, absent, value, proveKey(store, absent)));
  // The leaf itself, named as the one in the way, does not hide itself.
  const itself = { keyHash: bytesToHex(held), valueHash: bytesToHex(value) };
  assert.ok(!verifyTreeProof(root, held, null, { ...proveKey(store, held), other: itself }));
});

test('a root over a shape that no tree has proves nothing', () => {
  const [key, other] = [new Uint8Array(32), new Uint8Array(32).fill(0xff)];
  const value = treeValueHash(utf8('v'));
  const [leaf, misplaced] = [treeLeafHash(key, value), treeLeafHash(other, value)];
  // A leaf with nothing beside it stands one level too deep.
  assert.ok(!verifyTreeProof(treeNodeHash(leaf, EMPTY_TREE_ROOT), key, value, { siblings: [''] }));
  // A leaf on the side where its key does not lead says nothing about keys that do.
  const inTheWay = {
    siblings: [bytesToHex(leaf)],
    other: { keyHash: bytesToHex(other), valueHash: bytesToHex(value) },
  };
  assert.ok(!verifyTreeProof(treeNodeHash(misplaced, leaf), key, null, inTheWay));
  // Presence has no leaf in the way, not even where it would fit.
  assert.ok(verifyTreeProof(leaf, key, value, { siblings: [] }));
  assert.ok(!verifyTreeProof(leaf, key, value, { ...inTheWay, siblings: [] }));
});

test('the empty tree proves that nothing is there, and what is no proof at all is refused', () => {
  const key = treeKeyHash('s/any');
  assert.deepEqual(proveKey(createMemoryStore(), key), { siblings: [] });
  assert.ok(verifyTreeProof(EMPTY_TREE_ROOT, key, null, { siblings: [] }));
  assert.ok(!verifyTreeProof(EMPTY_TREE_ROOT, key, treeValueHash(key), { siblings: [] }));
  assert.ok(!verifyTreeProof(EMPTY_TREE_ROOT, key, null, { siblings: [''] }));
  assert.ok(!verifyTreeProof(EMPTY_TREE_ROOT, key.subarray(1), null, { siblings: [] }));
  const tooLong = { siblings: Array.from({ length: 257 }, () => '11'.repeat(32)) };
  for (const proof of [
    null,
    undefined,
    1,
    'x',
    [],
    {},
    { siblings: {} },
    { siblings: [1] },
    { siblings: [null] },
    tooLong,
  ]) {
    assert.ok(!verifyTreeProof(EMPTY_TREE_ROOT, key, null, proof as Json));
  }
});

test('of two changes of one key in a batch the later counts', () => {
  const store = createMemoryStore();
  const key = treeKeyHash('s/a');
  const [one, two] = [treeValueHash(utf8('1')), treeValueHash(utf8('2'))];
  store.apply(
    updateTree(
      store,
      [one, null, two].map((valueHash) => ({ keyHash: key, valueHash })),
    ).writes,
  );
  assert.ok(verifyTreeProof(readTreeRoot(store), key, two, proveKey(store, key)));
  store.apply(
    updateTree(
      store,
      [one, null].map((valueHash) => ({ keyHash: key, valueHash })),
    ).writes,
  );
  assert.deepEqual(readTreeRoot(store), EMPTY_TREE_ROOT);
});

test('each node is read once and written once in a batch, and few are', () => {
  const store = createMemoryStore();
  const changes = Array.from({ length: 2_000 }, (_, at) => ({
    keyHash: treeKeyHash(`s/${at}`),
    valueHash: treeKeyHash('v'),
  }));
  store.apply(updateTree(store, changes).writes);
  const reads: string[] = [];
  const get = (key: string) => {
    reads.push(key);
    return store.get(key);
  };
  const counting = { get, range: store.range };
  updateTree(counting, [{ keyHash: treeKeyHash('s/7'), valueHash: treeKeyHash('w') }]);
  assert.ok(reads.length < 25, `${reads.length} reads for one key of 2000`);
  reads.length = 0;
  updateTree(counting, changes);
  assert.equal(new Set(reads).size, reads.length);
});

test('a store that lacks a node or holds a damaged one, and hashes of another length, throw', () => {
  const store = treeOf(ENTRIES);
  store.apply(new Map([['t/1/00', null]]));
  const changes = Object.keys(ENTRIES).map((key) => ({ keyHash: treeKeyHash(key), valueHash: null }));
  assert.throws(() => updateTree(store, changes), /missing/);
  store.apply(new Map([['t/1/00', new Uint8Array(5)]]));
  assert.throws(() => updateTree(store, changes), /damaged/);
  store.apply(new Map([['t/root', new Uint8Array(5)]]));
  assert.throws(() => readTreeRoot(store), /damaged/);
  const short = new Uint8Array(31);
  assert.throws(() => updateTree(store, [{ keyHash: short, valueHash: null }]), TypeError);
  assert.throws(() => updateTree(store, [{ keyHash: treeKeyHash('a'), valueHash: short }]), TypeError);
});

interface TreeVector {
  readonly entries: readonly (readonly [key: string, value: string])[];
  readonly root: string;
  readonly proofs: readonly { readonly key: string; readonly value: string | null; readonly proof: TreeProof }[];
}

test('committed roots and proofs hold', () => {
  const file = new URL('../../test/vectors/state/tree.json', import.meta.url);
  const all = JSON.parse(readFileSync(file, 'utf8')) as TreeVector[];
  for (const { entries, root, proofs } of all) {
    const store = treeOf(Object.fromEntries(entries));
    assert.equal(bytesToHex(readTreeRoot(store)), root);
    for (const { key, value, proof } of proofs) {
      assert.deepEqual(proveKey(store, treeKeyHash(key)), proof);
      const valueHash = value === null ? null : treeValueHash(utf8(value));
      assert.ok(verifyTreeProof(hexToBytes(root) as Uint8Array, treeKeyHash(key), valueHash, proof));
    }
  }
  assert.ok(all.length >= 4);
});

test('the tags keep keys, values, leaves and nodes apart', () => {
  const [a, b] = [treeKeyHash('a'), treeKeyHash('b')];
  const hashes = [a, treeValueHash(utf8('a')), sha(concatBytes(a, b)), sha(frame('aceso/tree/leaf/1', a, b))];
  hashes.push(sha(frame('aceso/tree/node/1', a, b)));
  for (const [at, hash] of hashes.entries())
    assert.ok(!hashes.some((other, index) => index !== at && equalBytes(hash, other)));
  assert.notEqual(compareBytes(a, b), 0);
});
