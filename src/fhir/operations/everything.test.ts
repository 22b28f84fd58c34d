import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { createEverything } from './everything.ts';
import { BASE_URL, CUSTODIAN, createTestData, type TestData, testCall } from './test-visible-data.ts';

const ADA = '1'.repeat(32);
const BEN = '2'.repeat(32);

/** Two charts, and what the custodian keeps for both. */
async function charts(limits: Record<string, number> = {}): Promise<TestData> {
  const data = await createTestData(limits);
  const at = Date.UTC(2026, 0, 1);
  const ref = (reference: string) => ({ reference });
  data.add({ resourceType: 'Organization', id: 'parent' }, CUSTODIAN, at);
  data.add({ resourceType: 'Organization', id: 'ward', partOf: ref('Organization/parent') }, CUSTODIAN, at);
  data.add({ resourceType: 'Organization', id: 'unused' }, CUSTODIAN, at);
  data.add({ resourceType: 'Practitioner', id: 'doc' }, CUSTODIAN, at);
  data.add({ resourceType: 'PractitionerRole', id: 'role', organization: ref('Organization/ward') }, CUSTODIAN, at);
  data.add({ resourceType: 'Medication', id: 'med' }, CUSTODIAN, at);
  data.add({ resourceType: 'Patient', id: 'ada', generalPractitioner: [ref('Practitioner/doc')] }, ADA, at);
  data.add({ resourceType: 'Patient', id: 'ben' }, BEN, at);
  for (let i = 0; i < 12; i++) {
    const [who, account] = i % 3 === 0 ? ['ben', BEN] : ['ada', ADA];
    const encounter = ref(`Encounter/${who}-visit`);
    const date = `20${10 + i}-05-05`;
    const performer = [ref('PractitionerRole/role')];
    data.add(
      {
        ...{ resourceType: 'Observation', id: `o${i}`, subject: ref(`Patient/${who}`), performer },
        ...{ encounter, effectiveDateTime: date },
      },
      account,
      at + i * 1000,
    );
  }
  data.add(
    { resourceType: 'Encounter', id: 'ada-visit', subject: ref('Patient/ada'), period: { start: '2012' } },
    ADA,
    at,
  );
  data.add({ resourceType: 'Encounter', id: 'ben-visit', subject: ref('Patient/ben') }, BEN, at);
  data.add(
    {
      resourceType: 'MedicationRequest',
      id: 'rx',
      subject: ref(`${BASE_URL}/Patient/ada`),
      medicationReference: ref('Medication/med'),
    },
    ADA,
    at,
  );
  // About nobody by R4's compartment, Ada's all the same.
  data.add({ resourceType: 'Device', id: 'pump', patient: ref('Patient/ada') }, ADA, at);
  // Ben's, where Ada only performed it, and which leads to Ben.
  data.add(
    { resourceType: 'Observation', id: 'by-ada', subject: ref('Patient/ben'), performer: [ref('Patient/ada')] },
    BEN,
    at,
  );
  return data;
}

interface Bundle {
  readonly names: readonly string[];
  readonly modes: Readonly<Record<string, string>>;
  readonly next?: string;
  readonly body: Readonly<Record<string, unknown>>;
}

async function page(data: TestData, of: 'Patient' | 'Encounter', id: string, query = ''): Promise<Bundle> {
  const operation = createEverything(data.open).find(({ types }) => types?.[0] === of);
  assert.ok(operation);
  const result = await operation.run(data.context, testCall({ type: of, id, query }));
  assert.equal(result.status, 200);
  const body = JSON.parse(result.body ?? '');
  const entries: { resource: { resourceType: string; id: string }; search: { mode: string } }[] = body.entry ?? [];
  const names = entries.map(({ resource }) => `${resource.resourceType}/${resource.id}`);
  const next = body.link.find(({ relation }: { relation: string }) => relation === 'next')?.url;
  return {
    ...{ names, body, modes: Object.fromEntries(entries.map(({ search }, i) => [names[i], search.mode])) },
    ...(next === undefined ? {} : { next }),
  };
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const thrown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  return isReject(thrown) ? thrown.code : String(thrown);
}

const ADAS = [
  'Patient/ada',
  'Device/pump',
  'Encounter/ada-visit',
  'MedicationRequest/rx',
  ...['o1', 'o2', 'o4', 'o5', 'o7', 'o8', 'o10', 'o11', 'by-ada'].map((id) => `Observation/${id}`),
];
const SUPPORT = [
  'Medication/med',
  'Organization/parent',
  'Organization/ward',
  'Practitioner/doc',
  'PractitionerRole/role',
];

test('a patient gets the whole account and compartment, what it refers to, and nobody else', async () => {
  const data = await charts();
  const { names, modes, next, body } = await page(data, 'Patient', 'ada');
  assert.deepEqual(names.slice(0, ADAS.length), ADAS);
  assert.deepEqual(names.slice(ADAS.length).toSorted(), SUPPORT);
  assert.equal(modes['Organization/parent'], 'include');
  assert.equal(modes['Patient/ada'], 'match');
  assert.equal(next, undefined);
  assert.equal(body.total, undefined);
  assert.equal(body.type, 'searchset');
  assert.deepEqual(data.journalled, [[...ADAS, ...SUPPORT].toSorted()]);
});

test('pages together hold what one page does, each with what its own resources refer to', async () => {
  const data = await charts();
  for (const count of [1, 2, 3, 5]) {
    const matched: string[] = [];
    const supported = new Set<string>();
    let query: string | undefined = `_count=${count}`;
    for (let pages = 0; query !== undefined; pages++) {
      assert.ok(pages < 40);
      const one: Bundle = await page(data, 'Patient', 'ada', query);
      const matches = one.names.filter((name) => one.modes[name] === 'match');
      assert.ok(matches.length <= count);
      matched.push(...matches);
      for (const name of one.names) if (one.modes[name] === 'include') supported.add(name);
      assert.deepEqual(data.journalled.at(-1), [...new Set(one.names)].toSorted());
      query = one.next?.split('?')[1];
      if (query !== undefined) assert.ok(query.includes(`_count=${count}&`));
    }
    assert.deepEqual(matched, ADAS);
    assert.deepEqual([...supported].sort(), SUPPORT);
  }
});

test('what may not be seen is as if it were not there', async () => {
  const data = await charts();
  for (const name of ['Observation/o1', 'Practitioner/doc', 'Organization/ward']) data.hidden.add(name);
  const { names } = await page(data, 'Patient', 'ada');
  const left = ADAS.filter((name) => name !== 'Observation/o1');
  // The organisation above the hidden ward is not reached either.
  assert.deepEqual(names.toSorted(), [...left, 'Medication/med', 'PractitionerRole/role'].toSorted());
  data.hidden.add('Patient/ada');
  assert.equal(await codeOf(page(data, 'Patient', 'ada')), 'NOT_FOUND');
  assert.deepEqual(data.journalled.at(-1), []);
  assert.equal(await codeOf(page(data, 'Patient', 'nobody')), 'NOT_FOUND');
});

test('_type, also of what is only referred to; _since; start and end', async () => {
  const data = await charts();
  const ask = async (query: string) => (await page(data, 'Patient', 'ada', query)).names.toSorted();
  assert.deepEqual(await ask('_type=Encounter,Device'), ['Device/pump', 'Encounter/ada-visit']);
  assert.deepEqual(await ask('_type=Encounter&_type=Device'), ['Device/pump', 'Encounter/ada-visit']);
  assert.deepEqual(await ask('_type=Practitioner'), ['Practitioner/doc']);
  assert.ok(data.journalled.at(-1)?.includes('Patient/ada'), 'what led there is journalled');
  assert.deepEqual(await ask('_type=Medication,Patient'), ['Medication/med', 'Patient/ada']);
  assert.deepEqual(await ask('_since=2026-01-01T00:00:10Z'), [
    ...['Observation/o10', 'Observation/o11'],
    ...['Organization/parent', 'Organization/ward', 'PractitionerRole/role'],
  ]);
  const inRange = await ask('start=2014-05-05&end=2015&_type=Observation,Encounter');
  assert.deepEqual(inRange, ['Encounter/ada-visit', 'Observation/by-ada', 'Observation/o4', 'Observation/o5']);
  assert.deepEqual(await ask('end=2011-05-05&_type=Observation,Encounter'), ['Observation/by-ada', 'Observation/o1']);
});

test('an encounter gets its compartment, its patient, and what they refer to', async () => {
  const data = await charts();
  const [encounter, subject] = [{ reference: 'Encounter/ada-visit' }, { reference: 'Patient/ada' }];
  const hasMember = [{ reference: 'Observation/o0' }];
  data.add({ resourceType: 'Observation', id: 'panel', subject, encounter, hasMember }, ADA);
  const { names, modes } = await page(data, 'Encounter', 'ada-visit');
  assert.equal(names[0], 'Encounter/ada-visit');
  assert.equal(modes['Patient/ada'], 'include');
  assert.equal(names.filter((name) => name.startsWith('Observation/')).length, 9);
  assert.ok(names.includes('PractitionerRole/role') && names.includes('Organization/parent'));
  assert.ok(!names.some((name) => /ben|by-ada|rx|pump|o0/.test(name)));
  data.hidden.add('Patient/ada');
  const without = await page(data, 'Encounter', 'ada-visit');
  assert.ok(!without.names.includes('Patient/ada'));
  assert.equal(await codeOf(page(data, 'Encounter', 'ada-visit', 'start=2020')), 'PARAMETER_UNKNOWN');
});

test('a page ends early where it has looked at enough, and goes on from there', async () => {
  const data = await charts({ scannedRows: 3 });
  const first = await page(data, 'Patient', 'ada', 'start=2021&_type=Observation');
  assert.ok(first.next);
  const all = [...first.names];
  for (let next: string | undefined = first.next; next !== undefined; ) {
    const one: Bundle = await page(data, 'Patient', 'ada', next.split('?')[1]);
    all.push(...one.names);
    next = one.next;
  }
  assert.deepEqual(all.toSorted(), ['Observation/by-ada', 'Observation/o11']);
});

test('what cannot be understood is refused', async () => {
  const data = await charts();
  const refusals: readonly (readonly [string, string])[] = [
    ['_count=0', 'PARAMETER_INVALID'],
    ['_count=1&_count=2', 'PARAMETER_INVALID'],
    ['_type=constructor', 'PARAMETER_INVALID'],
    ['_type=', 'PARAMETER_INVALID'],
    ['_since=2020', 'PARAMETER_INVALID'],
    ['_since=2020-13-01T00:00:00Z', 'PARAMETER_INVALID'],
    ['start=soon', 'PARAMETER_INVALID'],
    ['start=2020-01-01T00:00:00Z', 'PARAMETER_INVALID'],
    ['colour=red', 'PARAMETER_UNKNOWN'],
    ['_cursor=%%%', 'PAGE_INVALID'],
    [`_cursor=${'A'.repeat(5000)}`, 'PAGE_INVALID'],
    [`_cursor=${Buffer.from('Practitioner ').toString('base64url')}`, 'PAGE_INVALID'],
    [`_cursor=${Buffer.from([0xff, 0xfe]).toString('base64url')}`, 'PAGE_INVALID'],
  ];
  for (const [query, code] of refusals) assert.equal(await codeOf(page(data, 'Patient', 'ada', query)), code, query);
});

test('loops of references and references without number end', async () => {
  const data = await charts();
  const many = Array.from({ length: 6000 }, (_, i) => ({ reference: `Organization/none-${i}` }));
  data.add({ resourceType: 'Organization', id: 'a', partOf: { reference: 'Organization/b' } }, CUSTODIAN);
  data.add({ resourceType: 'Organization', id: 'b', partOf: { reference: 'Organization/a' } }, CUSTODIAN);
  data.add({ resourceType: 'Observation', id: 'many', subject: { reference: 'Patient/ben' }, focus: many }, BEN);
  data.add(
    {
      resourceType: 'Observation',
      id: 'loop',
      subject: { reference: 'Patient/ben' },
      performer: [{ reference: 'Organization/a' }],
    },
    BEN,
  );
  const { body, modes } = await page(data, 'Patient', 'ben');
  const entries = body.entry as { search: { mode: string } }[];
  assert.equal(entries.at(-1)?.search.mode, 'outcome');
  assert.equal(modes['Organization/a'] ?? 'include', 'include');
});
