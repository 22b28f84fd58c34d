import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isReject } from '../../../std/reject.ts';
import { createTestData, testCall } from '../test-visible-data.ts';
import { type ChartRecord, chartRecord, codeKeys } from './chart-record.ts';
import { lastObservations } from './last-n.ts';
import { createLastn } from './lastn.ts';

let next = 0;
const observation = (code: object, effectiveDateTime?: string, rest: object = {}) =>
  chartRecord(JSON.stringify({ resourceType: 'Observation', id: `o${next++}`, code, effectiveDateTime, ...rest }));
const coded = (...codes: string[]) => ({ coding: codes.map((code) => ({ system: 'urn:s', code })) });
const datesOf = (records: readonly ChartRecord[]) => records.map(({ json }) => json.effectiveDateTime);

test('the newest of each code, newest first, and more where the last shares its time', () => {
  const all = [
    observation(coded('a'), '2020-01-01T10:00:00Z'),
    observation(coded('a'), '2020-01-03T10:00:00Z'),
    observation(coded('a'), '2020-01-02T12:00:00+02:00'),
    observation(coded('a'), '2020-01-02T10:00:00Z'),
    observation(coded('b'), '2019-05'),
    observation(coded('b')),
  ];
  assert.deepEqual(datesOf(lastObservations(all, 1)), ['2020-01-03T10:00:00Z', '2019-05']);
  assert.deepEqual(datesOf(lastObservations(all, 2)), [
    ...['2020-01-03T10:00:00Z', '2020-01-02T12:00:00+02:00', '2020-01-02T10:00:00Z', '2019-05', undefined],
  ]);
  assert.equal(lastObservations(all, 9).length, 6);
});

test('codes are grouped as R4 says: by system and code, texts as they are, translations by way of each other', () => {
  const groups = (...codes: object[]) =>
    lastObservations(
      codes.map((code) => observation(code, '2020')),
      1,
    ).length;
  const one = (...codes: object[]) => {
    const records = codes.map((code, at) => observation(code, `20${10 + at}`));
    return lastObservations(records, 1).length;
  };
  assert.equal(groups(coded('a'), coded('b'), coded('c')), 3);
  assert.equal(one(coded('a'), coded('b'), coded('a', 'c')), 2);
  assert.equal(one(coded('a'), coded('b'), coded('a', 'b')), 1);
  assert.equal(one(coded('a', 'b'), coded('b', 'c'), coded('c', 'd'), coded('d')), 1);
  assert.equal(one({ text: 'textM' }, { text: 'Text' }, { text: 't e x t' }, { text: 'Text' }), 3);
  assert.equal(one({ coding: [{ code: 'a' }] }, coded('a')), 2);
  assert.equal(one({}, {}), 2);
});

test('property: agrees with a slow matcher', () => {
  const code = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 2 });
  const year = fc.integer({ min: 2000, max: 2005 });
  fc.assert(
    fc.property(fc.array(fc.tuple(code, year), { maxLength: 12 }), fc.integer({ min: 1, max: 3 }), (list, max) => {
      const records = list.map(([codes, at]) => observation(coded(...codes), String(at)));
      const isLinked = (from: ChartRecord) => {
        const group = new Set([from]);
        for (const member of group)
          for (const record of records)
            if (codeKeys(record.json.code).some((key) => codeKeys(member.json.code).includes(key))) group.add(record);
        return group;
      };
      const expected = records.filter((record) => {
        const newer = [...isLinked(record)].filter(
          (other) => Number(other.json.effectiveDateTime) > Number(record.json.effectiveDateTime),
        );
        return newer.length < max;
      });
      const got = lastObservations(records, max);
      assert.deepEqual(new Set(got.map(({ name }) => name)), new Set(expected.map(({ name }) => name)));
      const years = got.map(({ json }) => Number(json.effectiveDateTime));
      assert.deepEqual(
        years,
        years.toSorted((a, b) => b - a),
      );
    }),
  );
});

test('Observation/$lastn searches by its parameters, and journals what leaves alone', async () => {
  const data = await createTestData();
  for (const [id, at] of [
    ['x', '2020'],
    ['y', '2021'],
    ['z', '2022'],
  ] as const)
    data.add({ resourceType: 'Observation', id, status: 'final', code: coded('a'), effectiveDateTime: at }, 'owner');
  const asked: unknown[] = [];
  const open: typeof data.open = (context) => ({
    ...data.open(context),
    clauses(type, parameters) {
      asked.push([type, parameters]);
      return [];
    },
  });
  const run = (query: string) => createLastn(open).run(data.context, testCall({ type: 'Observation', query }));
  const { body } = await run('patient=p&category=vital-signs&max=2');
  assert.deepEqual(asked, [
    [
      'Observation',
      [
        ['patient', 'p'],
        ['category', 'vital-signs'],
      ],
    ],
  ]);
  const { entry, link } = JSON.parse(body as string);
  assert.deepEqual(
    entry.map(({ resource }: { resource: { id: string } }) => resource.id),
    ['z', 'y'],
  );
  assert.match(link[0].url, /\$lastn\?patient=p&category=vital-signs&max=2$/);
  assert.deepEqual(data.journalled, [['Observation/y', 'Observation/z']]);
  for (const [query, code] of [
    ['category=vital-signs', 'LASTN_UNDERSPECIFIED'],
    ['patient=p', 'LASTN_UNDERSPECIFIED'],
    ['patient=p&code=a&max=0', 'PARAMETER_INVALID'],
    ['patient=p&code=a&max=1&max=2', 'PARAMETER_INVALID'],
    ['patient=p&code=a&_sort=date', 'PARAMETER_UNKNOWN'],
    ['patient=p&code=a&_include=Observation:patient', 'PARAMETER_UNKNOWN'],
  ] as const)
    await assert.rejects(run(query), (thrown) => isReject(thrown) && thrown.code === code, query);
});
