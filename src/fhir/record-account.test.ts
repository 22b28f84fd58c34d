import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { BASE_URL, CUSTODIAN, createFhirNode } from '../../test/support/fhir-node.ts';

const node = await createFhirNode();
after(() => node.app.close());

type Resource = { readonly resourceType: string; readonly [name: string]: unknown };

const A = 'Patient/a';
const B = 'Patient/b';
const ref = (reference: string) => ({ reference });
const put = async (resource: { resourceType: string; id: string }) => {
  const answer = await node.send('PUT', `${resource.resourceType}/${resource.id}`, resource);
  assert.ok(answer.status < 300, answer.text);
};
for (const id of ['a', 'b']) {
  await put({ resourceType: 'Patient', id });
  await put({ ...observation(`of-${id}`, `Patient/${id}`), id: `of-${id}` });
  const actClass = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' };
  const encounter = { resourceType: 'Encounter', id, status: 'finished', class: actClass };
  await put({ ...encounter, ...{ subject: ref(`Patient/${id}`) } });
}
await put(observation('of-nobody'));
await put({ resourceType: 'Practitioner', id: 'p' });
const accounts = {
  a: await node.vault.accountOf('Patient', 'a'),
  b: await node.vault.accountOf('Patient', 'b'),
  own: CUSTODIAN,
};

function observation(id: string, subject?: string) {
  const about = subject === undefined ? {} : { subject: ref(subject) };
  return { resourceType: 'Observation', id, status: 'final', code: { text: 'x' }, ...about };
}

const provenance = (...targets: string[]) => ({
  ...{ resourceType: 'Provenance', target: targets.map(ref), recorded: '2026-01-01T00:00:00Z' },
  agent: [{ who: { display: 'x' } }],
});
const binary = (about?: string) => ({
  ...{ resourceType: 'Binary', contentType: 'text/plain', data: 'eA==' },
  ...(about === undefined ? {} : { securityContext: ref(about) }),
});
const list = (...items: string[]) => ({
  ...{ resourceType: 'List', status: 'current', mode: 'working', entry: items.map((one) => ({ item: ref(one) })) },
});
const person = (...targets: string[]) => ({
  resourceType: 'Person',
  link: targets.map((one) => ({ target: ref(one) })),
});
const linkage = (...items: string[]) => ({
  resourceType: 'Linkage',
  item: items.map((one, at) => ({ type: at === 0 ? 'source' : 'alternate', resource: ref(one) })),
});
const collection = (...entry: object[]) => ({ resourceType: 'Bundle', type: 'collection', entry });
const entry = (resource: object, fullUrl?: string) => ({ ...(fullUrl === undefined ? {} : { fullUrl }), resource });
const group = (...members: string[]) => ({
  ...{ resourceType: 'Group', type: 'person', actual: true },
  member: members.map((one) => ({ entity: ref(one) })),
});
const organization = { resourceType: 'Organization', name: 'x' };

test('a record belongs to the one patient of what it is about, and else to the custodian', async () => {
  const table: readonly (readonly [resource: Resource, owner: keyof typeof accounts])[] = [
    [binary(A), 'a'],
    [binary('Observation/of-b'), 'b'],
    [binary(`${BASE_URL}/Observation/of-b`), 'b'],
    [binary('Observation/of-nobody'), 'own'],
    [binary(), 'own'],
    [provenance('Observation/of-a'), 'a'],
    [provenance('Observation/of-a/_history/1', 'Practitioner/p'), 'a'],
    [provenance(A, 'Observation/of-a', 'Encounter/a'), 'a'],
    [provenance('Observation/of-a', 'Observation/of-b'), 'own'],
    [list('Observation/of-a', 'Encounter/a'), 'a'],
    [list('Observation/of-a', 'Observation/of-b'), 'own'],
    [{ ...list('Observation/of-b'), subject: ref(A) }, 'a'],
    [person(A), 'a'],
    [person(A, 'Practitioner/p'), 'a'],
    [person(A, B), 'own'],
    [person('Practitioner/p'), 'own'],
    [linkage(A, B), 'own'],
    [linkage('Observation/of-a', 'Encounter/a'), 'a'],
    [{ resourceType: 'VerificationResult', status: 'attested', target: [ref(A)] }, 'a'],
    // A cohort stays the custodian's, with one member too.
    [group(A), 'own'],
    [group(A, B), 'own'],
    [{ ...observation('x'), encounter: ref('Encounter/a') }, 'a'],
    [{ ...observation('x'), encounter: ref('Encounter/a'), subject: ref(B) }, 'b'],
    [{ resourceType: 'Task', status: 'draft', intent: 'order', focus: ref('Observation/of-b') }, 'b'],
    [collection(entry(observation('x', A)), entry(organization)), 'a'],
    [collection(entry(observation('x', A), `${BASE_URL}/Observation/x`), entry(provenance('Encounter/a'))), 'a'],
    [collection(entry(observation('x', A)), entry(observation('y', B))), 'own'],
    [collection(entry(observation('x', A)), entry(observation('y'))), 'own'],
    [collection(entry(observation('x', A)), entry(binary())), 'own'],
    // What others name Patient/a is nobody whom this server knows.
    [collection(entry(observation('x', A), 'https://other.example/fhir/Observation/x')), 'own'],
    [
      collection(
        entry({ resourceType: 'Patient', id: 'a' }, `urn:uuid:${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`),
      ),
      'own',
    ],
    [collection(entry(observation('x', 'Patient/never-was'))), 'own'],
    [collection(entry(organization)), 'own'],
  ];
  for (const [resource, owner] of table) {
    const { status, json, text } = await node.send('POST', resource.resourceType, resource);
    assert.equal(status, 201, text);
    const row = await node.vault.current(resource.resourceType, json.id);
    assert.equal(row?.account, accounts[owner], `${JSON.stringify(resource)} is of ${owner}`);
  }
});

test('one path that names a patient and a record of another is refused', async () => {
  const { status, text } = await node.send('POST', 'Provenance', provenance(A, 'Observation/of-b'));
  assert.equal(status, 422, text);
  assert.match(text, /PATIENT_AMBIGUOUS/);
});

test('what is written by the same request tells too, also of a patient who is new', async () => {
  const urn = (at: number) => `urn:uuid:00000000-0000-4000-8000-00000000000${at}`;
  const make = (at: number, resource: Resource) => ({
    ...{ fullUrl: urn(at), resource, request: { method: 'POST', url: resource.resourceType } },
  });
  const task = { resourceType: 'Task', status: 'draft', intent: 'order' };
  const answer = await node.send('POST', '', {
    ...{ resourceType: 'Bundle', type: 'transaction' },
    entry: [
      make(1, provenance(urn(3))),
      make(2, { resourceType: 'Patient' }),
      make(3, list(urn(4))),
      make(4, observation('x', urn(2))),
      // Each is a part of the other: a circle tells nothing.
      make(5, { ...task, partOf: [ref(urn(6))] }),
      make(6, { ...task, partOf: [ref(urn(5))] }),
    ],
  });
  assert.equal(answer.status, 200, answer.text);
  const rows = await Promise.all(
    (answer.json.entry as { response: { location: string } }[]).map(({ response }) => {
      const [, type = '', id = ''] = /([A-Za-z]+)\/([^/]+)\/_history/.exec(response.location) ?? [];
      return node.vault.current(type, id);
    }),
  );
  const [about, patient, items, seen, ...circle] = rows.map((row) => row?.account);
  assert.ok(patient !== undefined && patient !== CUSTODIAN);
  assert.deepEqual([about, items, seen], [patient, patient, patient]);
  assert.deepEqual(circle, [CUSTODIAN, CUSTODIAN]);
});

test('a record moves with what it is about', async () => {
  await put({ ...binary('Observation/of-a'), id: 'moving' });
  await put({ ...binary('Observation/of-b'), id: 'moving' });
  assert.equal((await node.vault.current('Binary', 'moving'))?.account, accounts.b);
  assert.equal((await node.vault.version('Binary', 'moving', 1))?.account, accounts.a);
});
