import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BASE_URL, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';

let node: FhirNode;
const patients: string[] = [];
before(async () => {
  node = await createFhirNode({ limits: { scannedRows: 60 } });
  for (let i = 0; i < 5; i++) {
    const identifier = [
      { system: 'urn:mrn', value: `m,${i}` },
      { value: `bare|${i}` },
      { system: 'urn:all', value: 'same' },
    ];
    patients.push((await node.send('POST', 'Patient', { resourceType: 'Patient', identifier })).json.id);
  }
  for (let i = 0; i < 25; i++) {
    const subject = { reference: `${i % 2 === 0 ? '' : `${BASE_URL}/`}Patient/${patients[i % 5]}` };
    const id = `o${String(i).padStart(2, '0')}`;
    await node.send('PUT', `Observation/${id}`, {
      resourceType: 'Observation',
      id,
      status: 'final',
      code: { text: 'x' },
      subject,
    });
  }
  await node.send('PUT', 'Location/l', { resourceType: 'Location', id: 'l', name: 'L' });
  await node.send('PUT', 'Observation/loc', {
    resourceType: 'Observation',
    id: 'loc',
    status: 'final',
    code: { text: 'x' },
    subject: { reference: 'Location/l' },
  });
});
after(() => node.app.close());

async function ids(query: string): Promise<string[]> {
  const answer = await node.send('GET', query);
  assert.equal(answer.status, 200, answer.text);
  return (answer.json.entry ?? []).map((entry: { resource: { id: string } }) => entry.resource.id);
}

test('identifier: with system, without, by value, several', async () => {
  assert.deepEqual(await ids('Patient?identifier=urn:mrn|m%5C,2'), [patients[2]]);
  assert.deepEqual(await ids('Patient?identifier=m%5C,2'), [patients[2]]);
  assert.deepEqual(await ids('Patient?identifier=%7Cbare%5C%7C3'), [patients[3]]);
  assert.deepEqual(await ids('Patient?identifier=bare%5C%7C3'), [patients[3]]);
  assert.deepEqual(await ids('Patient?identifier=%7Cm%5C,2'), []);
  assert.deepEqual(await ids('Patient?identifier=urn:mrn|m%5C,1,urn:mrn|m%5C,2'), [patients[1], patients[2]]);
  assert.deepEqual(await ids('Patient?identifier=urn:all|same&identifier=urn:mrn|m%5C,4'), [patients[4]]);
  assert.deepEqual(await ids('Patient?identifier=nothing'), []);
});

test('_id, alone and with others', async () => {
  assert.deepEqual(await ids('Observation?_id=o03,o01,none'), ['o01', 'o03']);
  assert.deepEqual(await ids(`Observation?_id=o01,o02&patient=${patients[1]}`), ['o01']);
  assert.deepEqual(await ids('Observation?_id=o01,o02&_id=o02,o03'), ['o02']);
});

test('patient and subject', async () => {
  const expected = ['o01', 'o06', 'o11', 'o16', 'o21'];
  for (const query of [
    `patient=${patients[1]}`,
    `patient=Patient/${patients[1]}`,
    `subject=Patient/${patients[1]}`,
    `patient=${BASE_URL}/Patient/${patients[1]}`,
  ]) {
    assert.deepEqual(await ids(`Observation?${query}`), expected, query);
  }
  assert.deepEqual(await ids('Observation?subject=Location/l'), ['loc']);
  assert.deepEqual(await ids(`Observation?patient=${patients[1]},${patients[2]}`), [
    'o01',
    'o02',
    'o06',
    'o07',
    'o11',
    'o12',
    'o16',
    'o17',
    'o21',
    'o22',
  ]);
});

test('pages follow one another to the end, each resource once', async () => {
  for (const query of ['Observation?_count=4', `Observation?_count=3&patient=${patients[1]},${patients[2]}`]) {
    const all = await ids(`${query}&_pretty=false`.replace('_count=4', '_count=100').replace('_count=3', '_count=100'));
    const seen: string[] = [];
    let path: string | undefined = query;
    let pages = 0;
    while (path !== undefined) {
      const { json } = await node.send('GET', path);
      assert.equal(json.link[0].relation, 'self');
      seen.push(...(json.entry ?? []).map((entry: { resource: { id: string } }) => entry.resource.id));
      path = json.link.find((link: { relation: string }) => link.relation === 'next')?.url.slice(BASE_URL.length + 1);
      pages++;
    }
    assert.deepEqual(seen, all);
    assert.ok(pages > 3);
  }
});

test('POST _search is the same search', async () => {
  const answer = await node.send('POST', 'Observation/_search?_count=100', `patient=${patients[1]}`, {
    'content-type': 'application/x-www-form-urlencoded',
  });
  assert.equal(answer.status, 200, answer.text);
  assert.equal(answer.json.entry.length, 5);
});

test('unknown parameters are refused, or ignored and named when the client is lenient', async () => {
  const strict = await node.send('GET', 'Observation?colour=x');
  assert.equal(strict.status, 400);
  assert.equal(strict.json.issue[0].details.coding[0].code, 'PARAMETER_UNKNOWN');
  const lenient = await node.send('GET', 'Observation?colour=x&_id=o01', undefined, { prefer: 'handling=lenient' });
  assert.deepEqual(
    lenient.json.entry.map((entry: { search: { mode: string } }) => entry.search.mode),
    ['match', 'outcome'],
  );
  assert.match(lenient.json.entry[1].resource.issue[0].details.text, /colour/);
  assert.equal(lenient.json.link[0].url, `${BASE_URL}/Observation?_id=o01`);
  assert.equal((await node.send('GET', 'Organization?patient=1')).status, 400);
  assert.equal((await node.send('GET', 'Observation/o01/_history?_since=20')).status, 400);
});

test('values that cannot be used are refused', async () => {
  const many = Array.from({ length: 600 }, (_, i) => i).join();
  const cases: readonly (readonly [string, number])[] = [
    ['_count=-1', 400],
    ['_count=x', 400],
    ['_id=a_b', 400],
    ['_id=', 400],
    ['identifier=', 400],
    ['patient=Group/1', 400],
    ['patient=a/b/c', 400],
    ['_cursor=***', 400],
    ['_cursor=', 400],
    [`identifier=${many}`, 400],
    ['patient:Group=1', 400],
  ];
  for (const [query, status] of cases)
    assert.equal((await node.send('GET', `Observation?${query}`)).status, status, query);
});

test('what policy hides does not show, and pages are filled all the same', async () => {
  const hidden = await node.vault.accountOf('Patient', patients[1] as string);
  node.denies.read = (row) => row.account === hidden;
  const seen = await ids('Observation?_count=20');
  assert.equal(seen.length, 20);
  assert.ok(!seen.includes('o01'));
  assert.deepEqual(await ids('Observation?_id=o01'), []);
  node.denies.read = () => true;
  const { json } = await node.send('GET', 'Observation');
  assert.equal(json.entry, undefined);
  node.denies.read = () => false;
});

test('a search that would look at too much says so', async () => {
  for (let i = 0; i < 80; i++)
    await node.send('POST', 'Basic', { resourceType: 'Basic', code: { text: 'x' }, identifier: [{ value: 'dup' }] });
  assert.equal((await node.send('GET', 'Basic?identifier=dup,other&_count=10')).status, 200);
  const counted = await node.send('GET', 'Basic?identifier=dup,other&_count=10&_total=accurate');
  assert.equal(counted.status, 403);
  assert.equal(counted.json.issue[0].code, 'too-costly');
  // Neither an empty page nor a link to go on: both would tell that something is there.
  node.denies.read = () => true;
  assert.equal((await node.send('GET', 'Basic?identifier=dup&_count=10')).status, 403);
  node.denies.read = () => false;
});
