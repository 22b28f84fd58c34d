import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../../../std/reject.ts';
import { createTestData, testCall } from '../test-visible-data.ts';
import { type ChartRecord, chartRecord } from './chart-record.ts';
import { createDocref } from './docref.ts';
import { selectDocuments } from './select-documents.ts';

const LOINC = 'http://loinc.org';
const typed = (code: string) => ({ coding: [{ system: LOINC, code }] });

async function setUp() {
  const data = await createTestData();
  data.add({ resourceType: 'Patient', id: 'p' }, 'owner');
  const add = (id: string, rest: object, account = 'owner') =>
    data.add({ resourceType: 'DocumentReference', id, status: 'current', ...rest }, account);
  add('ccd-old', { type: typed('34133-9'), context: { period: { start: '2020-01-01', end: '2020-01-31' } } });
  add('ccd-new', { type: typed('34133-9'), context: { period: { start: '2021-01-01', end: '2021-01-31' } } });
  add('note', { type: typed('11506-3'), date: '2020-06-01T10:00:00Z' });
  add('format', {
    type: typed('18842-5'),
    date: '2019-06-01T10:00:00Z',
    content: [{ format: { code: 'urn:format' } }],
  });
  add('replaced', { status: 'superseded', type: typed('34133-9'), date: '2022-01-01' });
  add('others', { type: typed('34133-9'), date: '2022-01-01' }, 'another');
  const run = async (query: string, text?: object) => {
    const call = testCall({
      type: 'DocumentReference',
      query,
      ...(text === undefined ? {} : { text: JSON.stringify(text) }),
    });
    const { body } = await createDocref(data.open).run(data.context, call);
    const bundle = JSON.parse(body as string) as { type: string; entry?: { resource: { id: string } }[] };
    assert.equal(bundle.type, 'searchset');
    return (bundle.entry ?? []).map(({ resource }) => resource.id);
  };
  return { data, run };
}

test('without dates the newest of each type; with dates all about care in them', async () => {
  const { data, run } = await setUp();
  assert.deepEqual(await run('patient=p'), ['ccd-new', 'note', 'format']);
  assert.deepEqual(await run('patient=p&start=2020-01-15&end=2020-12-31'), ['note', 'ccd-old']);
  assert.deepEqual(await run('patient=p&start=2020-01-31'), ['ccd-new', 'note', 'ccd-old']);
  assert.deepEqual(await run('patient=p&end=2019'), ['format']);
  data.hidden.add('DocumentReference/ccd-new');
  assert.deepEqual(await run('patient=p'), ['note', 'ccd-old', 'format']);
  assert.deepEqual(data.journalled.at(-1), [
    'DocumentReference/ccd-old',
    'DocumentReference/format',
    'DocumentReference/note',
  ]);
});

test('by type, as token or Coding, and by profile or format', async () => {
  const { run } = await setUp();
  assert.deepEqual(await run(`patient=p&type=${LOINC}|34133-9`), ['ccd-new']);
  assert.deepEqual(await run('patient=p&type=34133-9&type=11506-3'), ['ccd-new', 'note']);
  assert.deepEqual(await run('patient=p&type=urn:other|34133-9'), []);
  const parameter = [
    { name: 'patient', valueId: 'p' },
    { name: 'type', valueCoding: { system: LOINC, code: '11506-3' } },
  ];
  assert.deepEqual(await run('patient=p', { resourceType: 'Parameters', parameter }), ['note']);
  const [claims, other] = ['urn:profile', 'urn:other'].map((profile) =>
    chartRecord(
      JSON.stringify({
        resourceType: 'DocumentReference',
        id: profile,
        status: 'current',
        meta: { profile: [profile] },
      }),
    ),
  ) as [ChartRecord, ChartRecord];
  assert.deepEqual(selectDocuments([other, claims], { types: [], profiles: ['urn:profile'] }), [claims]);
  assert.deepEqual(await run('patient=p&profile=urn:format'), ['format']);
});

test('nobody, hidden, or on demand alone: an empty Bundle', async () => {
  const { data, run } = await setUp();
  assert.deepEqual(await run('patient=nobody'), []);
  assert.deepEqual(await run('patient=p&on-demand=true'), []);
  assert.deepEqual(await run('patient=p&on-demand=false&type=11506-3'), ['note']);
  data.hidden.add('Patient/p');
  assert.deepEqual(await run('patient=p'), []);
});

test('what is malformed is refused', async () => {
  const { run } = await setUp();
  for (const [query, code] of [
    ['', 'PARAMETER_INVALID'],
    ['patient=a/b', 'PARAMETER_INVALID'],
    ['patient=p&patient=q', 'PARAMETER_INVALID'],
    ['patient=p&start=yesterday', 'PARAMETER_INVALID'],
    ['patient=p&on-demand=1', 'PARAMETER_INVALID'],
    ['patient=p&type=', 'PARAMETER_INVALID'],
    ['patient=p&period=2020', 'PARAMETER_UNKNOWN'],
  ] as const)
    await assert.rejects(run(query), (thrown) => isReject(thrown) && thrown.code === code, query);
});
