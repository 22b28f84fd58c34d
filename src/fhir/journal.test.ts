import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { CUSTODIAN, createFhirNode, type FhirNode } from '../../test/support/fhir-node.ts';

let node: FhirNode;
const open: FhirNode[] = [];
beforeEach(async () => {
  node = await createFhirNode();
  open.push(node);
});
after(() => Promise.all(open.map(({ app }) => app.close())));

async function patientWith(observations: number): Promise<{ id: string; account: string }> {
  const { json } = await node.send('POST', 'Patient', { resourceType: 'Patient' });
  for (let i = 0; i < observations; i++) {
    await node.send('POST', 'Observation', {
      resourceType: 'Observation',
      status: 'final',
      code: { text: 'x' },
      subject: { reference: `Patient/${json.id}` },
    });
  }
  return { id: json.id, account: (await node.vault.accountOf('Patient', json.id)) as string };
}

test('a read is journalled with the leaf that was shown', async () => {
  const { id, account } = await patientWith(0);
  await node.send('GET', `Patient/${id}`);
  const [entry, ...others] = node.vault.interactions;
  assert.deepEqual(others, []);
  assert.equal(entry?.kind, 'read');
  assert.equal(entry?.account, account);
  assert.equal(entry?.purpose, 'TREAT');
  assert.equal(entry?.organisation, CUSTODIAN);
  assert.deepEqual(entry?.versions, [(await node.vault.current('Patient', id))?.leaf]);
});

test('nothing leaves before the journal has it', async () => {
  const { id } = await patientWith(1);
  node.vault.journal = async () => {
    throw new Error('the disk is gone');
  };
  for (const path of [
    `Patient/${id}`,
    `Patient/${id}/_history`,
    `Patient/${id}/_history/1`,
    'Observation',
    `Observation?patient=${id}`,
  ]) {
    const answer = await node.send('GET', path);
    assert.equal(answer.status, 500, path);
    assert.ok(!answer.text.includes(id), path);
    assert.ok(!answer.text.includes('disk'), path);
  }
});

test('a denied read looks like nothing there, and is journalled as a refusal', async () => {
  const { id, account } = await patientWith(0);
  node.denies.read = () => true;
  const paths = [`Patient/${id}`, `Patient/${id}/_history/1`, `Patient/${id}/_history`];
  const absent = await node.send('GET', 'Patient/nobody');
  for (const path of paths) {
    const answer = await node.send('GET', path);
    assert.equal(answer.status, 404);
    assert.equal(answer.text, absent.text);
  }
  assert.deepEqual(
    node.vault.interactions.map(({ kind, decision }) => [kind, decision]),
    paths.map(() => ['refusal', 'deny']),
  );
  assert.ok(node.vault.interactions.every((entry) => entry.account === account && entry.rules.length > 0));
});

test('a search leaves one entry for each account', async () => {
  const [one, two, three] = [await patientWith(3), await patientWith(2), await patientWith(1)];
  node.denies.read = (row) => row.account === three.account;
  await node.send('GET', 'Observation');
  const byAccount = new Map(node.vault.interactions.map((entry) => [entry.account, entry]));
  assert.equal(node.vault.interactions.length, 3);
  assert.equal(byAccount.get(one.account)?.versions.length, 3);
  assert.equal(byAccount.get(two.account)?.versions.length, 2);
  assert.equal(byAccount.get(three.account)?.kind, 'refusal');
});

test('one entry for each account, also when a page is filled in several goes', async () => {
  const [one, two] = [await patientWith(0), await patientWith(0)];
  for (const [index, patient] of [one, two, one, two, one, two].entries()) {
    const id = `o${index}`;
    const body = { resourceType: 'Observation', id, status: 'final', code: { text: 'x' } };
    await node.send('PUT', `Observation/${id}`, { ...body, subject: { reference: `Patient/${patient.id}` } });
  }
  node.denies.read = (row) => row.account === two.account;
  const { json } = await node.send('GET', 'Observation?_count=3');
  assert.equal(json.entry.length, 3);
  assert.deepEqual(
    node.vault.interactions.map(({ kind, account, versions }) => [kind, account, versions.length]).sort(),
    [
      ['read', one.account, 3],
      // The last one was looked at to tell whether there is a next page.
      ['refusal', two.account, 3],
    ],
  );
});

test('a denied write is refused, journalled and leaves nothing', async () => {
  const { id, account } = await patientWith(0);
  node.denies.write = (to) => to === account;
  const writes = node.vault.writes.count;
  const body = { resourceType: 'Condition', subject: { reference: `Patient/${id}` } };
  assert.equal((await node.send('POST', 'Condition', body)).status, 403);
  assert.equal((await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id })).status, 403);
  assert.equal((await node.send('DELETE', `Patient/${id}`)).status, 403);
  assert.equal(node.vault.writes.count, writes);
  assert.deepEqual(
    node.vault.interactions.map(({ kind, account: of }) => [kind, of]),
    Array(3).fill(['refusal', account]),
  );
});

test('who may not register patients opens no account', async () => {
  node.denies.write = (account, type) => account === CUSTODIAN && type === 'Patient';
  assert.equal((await node.send('POST', 'Patient', { resourceType: 'Patient' })).status, 403);
  assert.deepEqual(node.registered, []);
});

test('moving a record to another patient needs both to permit it', async () => {
  const [one, two] = [await patientWith(0), await patientWith(0)];
  const condition = (patient: string) => ({
    resourceType: 'Condition',
    id: 'c',
    subject: { reference: `Patient/${patient}` },
  });
  assert.equal((await node.send('PUT', 'Condition/c', condition(one.id))).status, 201);
  node.denies.write = (account) => account === one.account;
  assert.equal((await node.send('PUT', 'Condition/c', condition(two.id))).status, 403);
  node.denies.write = () => false;
  assert.equal((await node.send('PUT', 'Condition/c', condition(two.id))).status, 200);
  assert.equal((await node.vault.current('Condition', 'c'))?.account, two.account);
});

test('labels and categories of a version reach the vault', async () => {
  const { id } = await patientWith(0);
  const body = {
    resourceType: 'Observation',
    meta: {
      security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }],
      tag: [{ code: 't' }],
    },
    status: 'final',
    category: [{ coding: [{ system: 'urn:c', code: 'laboratory' }] }],
    code: { text: 'x' },
    subject: { reference: `Patient/${id}` },
  };
  const { json } = await node.send('POST', 'Observation', body);
  const row = await node.vault.current('Observation', json.id);
  assert.deepEqual(row?.labels, ['http://terminology.hl7.org/CodeSystem/v3-ActCode|HIV']);
  assert.deepEqual(row?.categories, ['http://hl7.org/fhir/resource-types|Observation', 'urn:c|laboratory']);
  assert.deepEqual(json.meta.security, body.meta.security);
});

test('time of versions does not go back with the clock', async () => {
  const { id } = await patientWith(0);
  node.now.ms -= 3_600_000;
  const { json } = await node.send('PUT', `Patient/${id}`, { resourceType: 'Patient', id });
  assert.equal(
    (await node.vault.version('Patient', id, 1))?.timeMs,
    (await node.vault.version('Patient', id, 2))?.timeMs,
  );
  assert.equal(Date.parse(json.meta.lastUpdated), (await node.vault.version('Patient', id, 2))?.timeMs);
});
