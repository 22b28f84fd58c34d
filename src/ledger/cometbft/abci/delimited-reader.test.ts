import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter } from 'cosmjs-types/binary';
import fc from 'fast-check';
import { concatBytes } from '../../../std/bytes.ts';
import { isReject } from '../../../std/reject.ts';
import { createDelimitedReader, MAX_FRAME_BYTES } from './delimited-reader.ts';

const refused = (code: string) => (error: unknown) => isReject(error) && error.code === code;

/** As libs/protoio writes it; an implementation that is not ours. */
const delimited = (frame: Uint8Array): Uint8Array => BinaryWriter.create().bytes(frame).finish();

/** Pieces of `bytes`, cut at these places. */
function cutAt(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

test('frames come out as they went in, wherever the stream is cut', () => {
  const frame = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ minLength: 120, maxLength: 400 }));
  const property = fc.property(
    fc.array(frame, { maxLength: 8 }),
    fc.array(fc.nat(), { maxLength: 60 }),
    fc.boolean(),
    (frames, places, readsEachTime) => {
      const reader = createDelimitedReader();
      const seen: Uint8Array[] = [];
      const drain = (): void => {
        for (let next = reader.next(); next !== undefined; next = reader.next()) seen.push(next.slice());
      };
      const stream = concatBytes(...frames.map(delimited));
      for (const piece of cutAt(stream, places)) {
        reader.push(Buffer.from(piece));
        if (readsEachTime) drain();
      }
      drain();
      assert.deepEqual(seen, frames);
      assert.equal(reader.bufferedBytes(), 0);
    },
  );
  fc.assert(property, { numRuns: 500 });
});

test('every single cut of a long frame between two short ones', () => {
  const frames = [Uint8Array.of(1), new Uint8Array(300).fill(7), Uint8Array.of(2, 3)];
  const stream = concatBytes(...frames.map(delimited));
  for (let at = 0; at <= stream.length; at++) {
    const reader = createDelimitedReader();
    const seen: Uint8Array[] = [];
    for (const piece of [stream.subarray(0, at), stream.subarray(at)]) {
      reader.push(piece);
      for (let next = reader.next(); next !== undefined; next = reader.next()) seen.push(next);
    }
    assert.deepEqual(seen, frames);
  }
});

test('a frame is a plain Uint8Array, whose slice is a copy', () => {
  const reader = createDelimitedReader();
  reader.push(Buffer.from([2, 8, 9]));
  const frame = reader.next() as Uint8Array;
  assert.equal(frame.constructor, Uint8Array);
  const copy = frame.slice();
  frame[0] = 0;
  assert.equal(copy[0], 8);
});

test('counts what waits', () => {
  const reader = createDelimitedReader();
  reader.push(Uint8Array.of(3, 1, 2));
  assert.deepEqual([reader.bufferedBytes(), reader.next(), reader.bufferedBytes()], [3, undefined, 2]);
  reader.push(Uint8Array.of(3, 9));
  assert.deepEqual([reader.next(), reader.bufferedBytes()], [Uint8Array.of(1, 2, 3), 1]);
});

const BAD: readonly (readonly [string, readonly number[], string])[] = [
  ['a length above the bound', [0x81, 0x80, 0x80, 0x32], 'ABCI_FRAME_TOO_LARGE'],
  ['a length of five bytes', [0x80, 0x80, 0x80, 0x80, 0x01], 'ABCI_FRAME_TOO_LARGE'],
  ['a length without an end', Array(20).fill(0xff), 'ABCI_FRAME_TOO_LARGE'],
  ['2^64 - 1', [...Array(9).fill(0xff), 0x01], 'ABCI_FRAME_TOO_LARGE'],
  ['zero in two bytes', [0x80, 0x00], 'ABCI_FRAME_MALFORMED'],
  ['one in three bytes', [0x81, 0x80, 0x00], 'ABCI_FRAME_MALFORMED'],
];

for (const [name, bytes, code] of BAD) {
  test(`refuses ${name}, whole and byte for byte`, () => {
    const whole = createDelimitedReader();
    whole.push(Uint8Array.from(bytes));
    assert.throws(() => whole.next(), refused(code));
    const slow = createDelimitedReader();
    assert.throws(() => {
      for (const byte of bytes) {
        slow.push(Uint8Array.of(byte));
        assert.equal(slow.next(), undefined);
      }
    }, refused(code));
  });
}

test('takes a length at the bound and keeps no memory for what has not come', () => {
  const reader = createDelimitedReader();
  reader.push(Uint8Array.of(0x80, 0x80, 0x80, 0x32, 1));
  assert.equal(MAX_FRAME_BYTES, 0x32 * 2 ** 21);
  assert.deepEqual([reader.next(), reader.bufferedBytes()], [undefined, 1]);
  const small = createDelimitedReader(4);
  small.push(Uint8Array.of(4, 1, 2, 3, 4, 5));
  assert.deepEqual(small.next(), Uint8Array.of(1, 2, 3, 4));
  assert.throws(() => small.next(), refused('ABCI_FRAME_TOO_LARGE'));
});
