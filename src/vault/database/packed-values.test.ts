import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SqlValue } from './connection.ts';
import { createPackReader, createPackWriter } from './packed-values.ts';

const value = fc.oneof(
  fc.constant(null),
  fc.double(),
  fc.integer(),
  // Without lone surrogates: UTF-8 has none, so no database has either.
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.uint8Array({ maxLength: 9000 }),
);

test('property: what is packed is unpacked, whatever its kinds and lengths', () => {
  fc.assert(
    fc.property(fc.array(fc.array(value, { maxLength: 20 }), { maxLength: 5 }), (messages) => {
      const writer = createPackWriter();
      for (const values of messages) {
        writer.number(values.length);
        for (const one of values) writer.value(one);
        const reader = createPackReader(writer.take());
        const read = Array.from({ length: reader.number() }, () => reader.value());
        assert.equal(reader.isAtEnd, true);
        assert.deepEqual(read.map(plain), values.map(plain));
      }
      assert.equal(writer.at, 0);
    }),
  );
});

const plain = (one: SqlValue) => (one instanceof Uint8Array ? [...one] : one);

test('what was taken is not written over by what comes next', () => {
  const writer = createPackWriter();
  writer.value('first');
  const taken = writer.take();
  writer.value('other');
  assert.equal(createPackReader(taken).value(), 'first');
});

test('what was begun and cannot be finished is forgotten', () => {
  const writer = createPackWriter();
  writer.value('kept');
  const { at } = writer;
  writer.number(1);
  assert.throws(() => writer.value(true as never), /no value of SQL: boolean/);
  assert.throws(() => writer.value({ length: 3 } as never), /no value of SQL: object/);
  writer.rewind(at);
  const reader = createPackReader(writer.take());
  assert.deepEqual([reader.value(), reader.isAtEnd], ['kept', true]);
});
