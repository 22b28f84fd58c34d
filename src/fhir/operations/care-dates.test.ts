import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWithinCare } from './care-dates.ts';

const utc = (text: string) => Date.parse(`${text}Z`);

test('care is in a range when any of it is, and what says nothing of time always is', () => {
  const range = { low: utc('2020-01-01T00:00:00'), high: utc('2020-12-31T23:59:59.999') };
  const cases: readonly (readonly [boolean, Record<string, unknown> & { resourceType: string }])[] = [
    [true, { resourceType: 'Observation', effectiveDateTime: '2020-06' }],
    [false, { resourceType: 'Observation', effectiveDateTime: '2021-01-01' }],
    [false, { resourceType: 'Observation', effectiveDateTime: '2019', issued: '2020-06-01T00:00:00Z' }],
    [true, { resourceType: 'Encounter', period: { start: '2019-12-30', end: '2020-01-02' } }],
    [true, { resourceType: 'Encounter', period: { start: '2019-12-30' } }],
    [false, { resourceType: 'Encounter', period: { end: '2019-12-30' } }],
    [true, { resourceType: 'Condition', onsetDateTime: '2001' }],
    [false, { resourceType: 'Condition', onsetDateTime: '2001', abatementDateTime: '2003' }],
    [true, { resourceType: 'Condition', recordedDate: '2001' }],
    [true, { resourceType: 'Condition', abatementDateTime: '2021' }],
    [true, { resourceType: 'Patient', birthDate: '1950-01-01' }],
    [true, { resourceType: 'Coverage', period: { start: '2022-01-01' } }],
    [true, { resourceType: 'Observation' }],
    [true, { resourceType: 'Observation', effectiveDateTime: 'nonsense', period: ['x'] }],
  ];
  for (const [expected, resource] of cases)
    assert.equal(isWithinCare(resource, range), expected, JSON.stringify(resource));
});
