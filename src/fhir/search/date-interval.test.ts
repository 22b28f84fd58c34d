import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dateInterval } from './date-interval.ts';
import { fold } from './fold.ts';
import { numberRange, prefixTests } from './prefix.ts';

const utc = (text: string) => Date.parse(text);

test('a date is all of the time that it may mean', () => {
  const cases: [string, string, string][] = [
    ['2013', '2013-01-01T00:00:00.000Z', '2013-12-31T23:59:59.999Z'],
    ['2012-02', '2012-02-01T00:00:00.000Z', '2012-02-29T23:59:59.999Z'],
    ['2013-12', '2013-12-01T00:00:00.000Z', '2013-12-31T23:59:59.999Z'],
    ['2013-01-14', '2013-01-14T00:00:00.000Z', '2013-01-14T23:59:59.999Z'],
    ['2013-01-14T10:00', '2013-01-14T10:00:00.000Z', '2013-01-14T10:00:59.999Z'],
    ['2013-01-14T10:00:00', '2013-01-14T10:00:00.000Z', '2013-01-14T10:00:00.999Z'],
    ['2013-01-14T10:00:00+14:00', '2013-01-13T20:00:00.000Z', '2013-01-13T20:00:00.999Z'],
    ['2013-01-14T10:00:00.5-05:30', '2013-01-14T15:30:00.500Z', '2013-01-14T15:30:00.599Z'],
    ['2013-01-14T10:00:00.123456Z', '2013-01-14T10:00:00.123Z', '2013-01-14T10:00:00.123Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z', '2017-01-01T00:00:00.999Z'],
    ['0001-01-01', '0001-01-01T00:00:00.000Z', '0001-01-01T23:59:59.999Z'],
    ['9999', '9999-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
  ];
  for (const [text, low, high] of cases) assert.deepEqual(dateInterval(text), { low: utc(low), high: utc(high) }, text);
});

test('what is no date is none', () => {
  for (const text of [
    ...[
      '',
      '13',
      '2013-',
      '2013-00',
      '2013-13',
      '2013-02-30',
      '2013-02-29',
      '2013-1-1',
      '2013-01-14T',
      '2013-01-14T10',
    ],
    ...['2013-01-14T24:00:00Z', '2013-01-14T10:60', '2013-01-14T10:00:61', '2013-01-14T10:00:00+15:00', '12013', 'now'],
  ])
    assert.equal(dateInterval(text), undefined, text);
});

test('every day is where Date has it', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-30'), noInvalidDate: true }), (date) => {
      const text = date.toISOString();
      assert.deepEqual(dateInterval(text), { low: date.getTime(), high: date.getTime() });
      const day = utc(`${text.slice(0, 10)}T00:00:00Z`);
      assert.deepEqual(dateInterval(text.slice(0, 10)), { low: day, high: day + 86_399_999 });
    }),
  );
});

test('a number is as precise as it was written', () => {
  const ends = (text: string) => {
    const range = numberRange('eq', text);
    return range === undefined ? undefined : [range.low, range.high];
  };
  assert.deepEqual(ends('100'), [99.5, 100.5]);
  assert.deepEqual(ends('100.00'), [99.995, 100.005]);
  assert.deepEqual(ends('1e2'), [50, 150]);
  assert.deepEqual(ends('-5.40'), [-5.405, -5.395]);
  assert.deepEqual(ends('0'), [-0.5, 0.5]);
  assert.deepEqual(ends('5.40e-3'), [0.005395, 0.005405]);
  assert.deepEqual(ends('1e9999'), [Number.MAX_VALUE, Number.MAX_VALUE]);
  for (const text of ['', '.', '1.', '.5', '1e', '--1', '1e99999', '0x1', 'Infinity', '1'.repeat(41)])
    assert.equal(numberRange('eq', text), undefined, text);
  // Beyond the digits of a double the number itself is left.
  assert.equal(numberRange('eq', '66.899999999999999999')?.isOpen, false);
});

test('an exact search value has no tests that nothing passes', () => {
  const range = { low: 5, high: 5, isOpen: false };
  assert.deepEqual(prefixTests('eq', range), [
    [
      { end: 'low', is: '>=', value: 5 },
      { end: 'high', is: '<=', value: 5 },
    ],
  ]);
});

test('folding drops case, marks, punctuation and extra space, and twice is once', () => {
  assert.equal(fold("  O'Brien-Ñandú  "), 'obriennandu');
  assert.equal(fold('Müller\t Straße'), 'muller strasse');
  assert.equal(fold('ŁÓDŹ Ærø ΟΔΟΣ İ'), 'lodz aero οδοσ i');
  assert.equal(fold('…—'), '');
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fold(fold(text)) === fold(text)));
});
