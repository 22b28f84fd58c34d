import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, concatBytes, equalBytes, utf8 } from './bytes.ts';
import { frame, frameTag, u32, u64, unframe } from './frame.ts';

const parts = () => fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
const tag = () => fc.string({ unit: fc.constantFrom('a', 'z', '/', '1', '-'), maxLength: 20 });

test('a frame in known bytes', () => {
  assert.equal(bytesToHex(frame('a/1', Uint8Array.of(7), new Uint8Array())), '00000003612f31000000010700000000');
  assert.equal(bytesToHex(frame('')), '00000000');
});

test('unframe gives the parts back, and only under the same tag', () => {
  fc.assert(
    fc.property(tag(), tag(), parts(), (name, other, list) => {
      const bytes = frame(name, ...list);
      assert.deepEqual(unframe(name, bytes)?.map(bytesToHex), list.map(bytesToHex));
      assert.equal(frameTag(bytes), name);
      assert.equal(unframe(other, bytes) === undefined, other !== name);
    }),
  );
});

test('two different lists of parts never give the same bytes', () => {
  fc.assert(
    fc.property(parts(), parts(), (a, b) => {
      const isSame = a.length === b.length && a.every((part, i) => equalBytes(part, b[i] as Uint8Array));
      assert.equal(equalBytes(frame('t', ...a), frame('t', ...b)), isSame);
    }),
  );
});

test('any bytes that unframe takes are the frame of what it gives', () => {
  const almost = fc.array(fc.oneof(fc.constant(u32(1)), fc.constant(u32(0)), fc.uint8Array({ maxLength: 3 })));
  fc.assert(
    fc.property(almost, (pieces) => {
      const bytes = concatBytes(u32(1), utf8('t'), ...pieces);
      const found = unframe('t', bytes);
      if (found !== undefined) assert.deepEqual(frame('t', ...found), bytes);
    }),
    { numRuns: 1000 },
  );
});

test('a cut or lengthened frame is none', () => {
  const bytes = frame('aceso/x/1', Uint8Array.of(1, 2, 3), Uint8Array.of(4));
  for (let length = 0; length < bytes.length; length++) {
    const isWhole = length === 13 || length === 20;
    assert.equal(unframe('aceso/x/1', bytes.subarray(0, length)) !== undefined, isWhole, `cut to ${length}`);
  }
  assert.equal(unframe('aceso/x/1', concatBytes(bytes, Uint8Array.of(0))), undefined);
  assert.equal(unframe('aceso/x/1', new Uint8Array()), undefined);
});

test('unframe reads a view in the middle of a buffer', () => {
  const bytes = frame('t', Uint8Array.of(9));
  const shifted = concatBytes(new Uint8Array(5), bytes).subarray(5);
  assert.deepEqual(unframe('t', shifted), [Uint8Array.of(9)]);
});

test('frameTag of bytes that begin like no frame', () => {
  assert.equal(frameTag(Uint8Array.of(0, 0, 0)), undefined);
  assert.equal(frameTag(Uint8Array.of(0, 0, 0, 9, 65)), undefined);
  assert.equal(frameTag(concatBytes(u32(65), new Uint8Array(65))), undefined);
  assert.equal(frameTag(concatBytes(u32(1), Uint8Array.of(0xff))), undefined);
});

test('u32 and u64 at their limits', () => {
  assert.equal(bytesToHex(u32(0xffffffff)), 'ffffffff');
  assert.equal(bytesToHex(u64(Number.MAX_SAFE_INTEGER)), '001fffffffffffff');
  for (const bad of [-1, 0.5, 2 ** 32, Number.NaN]) assert.throws(() => u32(bad), RangeError);
  for (const bad of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => u64(bad), RangeError);
});
