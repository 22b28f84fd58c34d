import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ageOn, dateToDay, dayToDate, dayToDateTime, yearOf } from './calendar.ts';

test('days and dates are each other', () => {
  for (const date of ['1969-12-31', '1970-01-01', '2000-02-29', '2024-12-31', '1931-07-04']) {
    assert.equal(dayToDate(dateToDay(date)), date);
  }
  assert.equal(dateToDay('1970-01-02'), 1);
  assert.equal(dayToDateTime(0, 61), '1970-01-01T01:01:00Z');
  assert.equal(yearOf(dateToDay('2025-12-31')), 2025);
});

test('what is no date is refused', () => {
  for (const text of ['2023-02-29', '2023-13-01', '2023-1-1', 'today', '', '2023-01-01T00:00:00Z']) {
    assert.throws(() => dateToDay(text), RangeError, text);
  }
});

test('age turns on the birthday', () => {
  const birth = dateToDay('1990-06-15');
  assert.equal(ageOn(birth, dateToDay('2020-06-14')), 29);
  assert.equal(ageOn(birth, dateToDay('2020-06-15')), 30);
  assert.equal(ageOn(birth, dateToDay('2020-05-20')), 29);
  assert.equal(ageOn(birth, birth), 0);
});
