import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { msToInstant } from './instant.ts';

test('an instant reads as the platform would write it, to the second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (timeMs) => {
      assert.equal(msToInstant(timeMs), new Date(timeMs).toISOString().replace(/\.\d{3}Z$/, 'Z'));
    }),
    { numRuns: 5000 },
  );
});

test('leap days and turns of the year', () => {
  for (const text of ['2000-02-29T23:59:59Z', '1999-12-31T23:59:59Z', '2100-03-01T00:00:00Z', '1970-01-01T00:00:00Z']) {
    assert.equal(msToInstant(Date.parse(text)), text);
  }
});
