import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BinaryWriter } from 'cosmjs-types/binary';
import { Timestamp } from 'cosmjs-types/google/protobuf/timestamp';
import fc from 'fast-check';
import { bytesField, delimited, messageField, sfixed64Field, varint, varintField } from './protobuf.ts';
import { timestampToBytes } from './timestamp.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
/** cosmjs-types 0.11 writes varints from 2^31 to 2^32−1 wrongly: it takes them for negative. Fixed bytes stand for them. */
const isWellWritten = (value: number): boolean => value < 2 ** 31 || value >= 2 ** 32;
const count = fc
  .oneof(fc.maxSafeNat(), fc.nat(), fc.nat(300), fc.constantFrom(0, 127, 128, 2 ** 31 - 1, 2 ** 32, 2 ** 53 - 1))
  .filter(isWellWritten);
const field = fc.integer({ min: 1, max: 15 });

test('numbers, bytes and messages are written as cosmjs-types writes them', () => {
  fc.assert(
    fc.property(field, count, fc.uint8Array({ maxLength: 300 }), (at, value, bytes) => {
      const written = (tag: number, write: (writer: BinaryWriter) => BinaryWriter): string =>
        hex(write(BinaryWriter.create().uint32(at * 8 + tag)).finish());
      const number = written(0, (writer) => writer.int64(BigInt(value)));
      const fixed = written(1, (writer) => writer.sfixed64(BigInt(value)));
      const message = written(2, (writer) => writer.bytes(bytes));
      assert.equal(hex(varintField(at, value)), value === 0 ? '' : number);
      assert.equal(hex(sfixed64Field(at, value)), value === 0 ? '' : fixed);
      assert.equal(hex(messageField(at, bytes)), message);
      assert.equal(hex(bytesField(at, bytes)), bytes.length === 0 ? '' : message);
      assert.equal(hex(delimited(bytes)), hex(BinaryWriter.create().bytes(bytes).finish()));
    }),
    { numRuns: 2_000 },
  );
});

test('from 2^31 to 2^32-1 too, the seconds of the years 2038 to 2106', () => {
  assert.equal(hex(varint(2 ** 31)), '8080808008');
  assert.equal(hex(varint(2 ** 32 - 1)), 'ffffffff0f');
  assert.equal(hex(sfixed64Field(2, 2 ** 32 - 1)), '11ffffffff00000000');
  assert.equal(hex(timestampToBytes('2038-01-19T03:14:08.000000001Z')), '0880808080081001');
});

test('what is no number from 0 to 2^53-1 is not written', () => {
  for (const value of [-1, 0.5, 2 ** 53, Number.NaN]) {
    assert.throws(() => varint(value), RangeError);
    assert.throws(() => sfixed64Field(1, value), RangeError);
  }
});

const instant = fc.integer({ min: 0, max: Date.parse('9999-12-31T23:59:59Z') / 1000 }).filter(isWellWritten);

test('times are read to the nanosecond, on every day of the calendar', () => {
  fc.assert(
    fc.property(instant, fc.nat(999_999_999), (seconds, nanos) => {
      const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
      const fraction = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
      const expected = Timestamp.encode(Timestamp.fromPartial({ seconds: BigInt(seconds), nanos })).finish();
      assert.equal(hex(timestampToBytes(`${whole}${fraction}Z`)), hex(expected));
    }),
    { numRuns: 5_000 },
  );
});

test('a time that no calendar has is refused', () => {
  const times = ['2026-02-29', '2026-00-10', '2026-13-01', '2026-04-31', '2026-01-00', '2100-02-29', '1969-12-31'];
  for (const day of times) assert.throws(() => timestampToBytes(`${day}T00:00:00Z`), { code: 'COMMIT_MALFORMED' }, day);
  for (const time of ['24:00:00', '23:60:00', '23:59:60'])
    assert.throws(() => timestampToBytes(`2026-01-01T${time}Z`), { code: 'COMMIT_MALFORMED' }, time);
});
