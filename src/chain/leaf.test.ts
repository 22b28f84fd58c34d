import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalBytes, type JsonObject } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import { blockLeafToBytes, OUTCOME_LEAF_TAG, type OutcomeLeaf, outcomeLeafToBytes, parseLeaf } from './leaf.ts';

const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((b) => Buffer.from(b).toString('hex'));
const ascii = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 12,
});
const leaves: fc.Arbitrary<OutcomeLeaf> = fc.record({
  id: hex(32),
  height: fc.maxSafeNat(),
  index: fc.nat(),
  timeMs: fc.maxSafeNat(),
  signers: fc.array(
    fc.record({ account: hex(16), key: hex(32), role: fc.constantFrom('sender' as const, 'approver' as const) }),
    { maxLength: 8 },
  ),
  code: fc.constantFrom('OK', 'SCHEMA_INVALID'),
  data: fc.dictionary(
    ascii.filter((name) => name !== '__proto__'),
    fc.oneof(ascii, fc.maxSafeInteger(), fc.boolean()),
  ) as fc.Arbitrary<JsonObject>,
});

test('an outcome’s leaf is the frame of its canonical JSON, and is read back', () => {
  fc.assert(
    fc.property(leaves, (leaf) => {
      const plain = JSON.parse(JSON.stringify(leaf)) as OutcomeLeaf;
      const bytes = outcomeLeafToBytes(leaf);
      assert.deepEqual(bytes, frame(OUTCOME_LEAF_TAG, canonicalBytes(plain)));
      assert.deepEqual(parseLeaf(bytes), { kind: 'outcome', ...plain });
    }),
    { numRuns: 500 },
  );
});

test('a block’s leaf is read back, and other bytes are no leaf', () => {
  const leaf = { height: 1, timeMs: 2, treeRoot: 'ab'.repeat(32) };
  const bytes = blockLeafToBytes(leaf);
  assert.deepEqual(parseLeaf(bytes), { kind: 'block', ...leaf });
  assert.equal(parseLeaf(bytes.subarray(1)), undefined);
  assert.equal(parseLeaf(bytes.subarray(0, -1)), undefined);
  assert.equal(parseLeaf(new Uint8Array()), undefined);
  assert.equal(parseLeaf(frame('aceso/log/other/1', canonicalBytes(leaf))), undefined);
});
