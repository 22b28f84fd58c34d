import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { AuditEvent } from '@medplum/fhirtypes';
import type { PasskeyBook } from '../../src/auth/sign-in/passkey-book.ts';
import { createPeople } from '../../src/auth/sign-in/people.ts';
import { createAttestation } from '../../src/capabilities/membership/server/attestation.ts';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { type AuditNode, createAuditNode, OTHER } from '../support/audit-node.ts';
import { PATIENT } from '../support/hospital-node.ts';
import { consentFor } from '../support/patient-consent.ts';

/* Attacks on records by who may ask, and asks for what is not theirs: each made against ledger, vaults and routes, each in vain. */

before(() => loadDefinitions());

const SECRET = 'HIV positive';
const PATIENT_REFERENCE = { reference: `Patient/${PATIENT}` };
const OBSERVATION = { reference: 'Observation/obs-1' };
const RESTRICTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' };

/** What tells of the first patient and names nobody as its subject. */
const TELLING: Readonly<Record<string, object>> = {
  Binary: { contentType: 'text/plain', securityContext: PATIENT_REFERENCE, data: btoa(SECRET) },
  Bundle: {
    type: 'collection',
    entry: [
      {
        resource: {
          ...{ resourceType: 'Observation', status: 'final', code: { text: SECRET }, subject: PATIENT_REFERENCE },
        },
      },
    ],
  },
  Provenance: {
    ...{ target: [OBSERVATION], recorded: '2026-01-01T00:00:00Z', reason: [{ text: SECRET }] },
    agent: [{ who: { display: 'somebody' } }],
  },
  List: { status: 'current', mode: 'working', title: SECRET, entry: [{ item: OBSERVATION }] },
  Person: { name: [{ text: SECRET }], link: [{ target: PATIENT_REFERENCE }] },
  VerificationResult: { status: 'attested', target: [PATIENT_REFERENCE] },
};
/** The same of several patients, or of nobody who is known. */
const NOBODYS: Readonly<Record<string, object>> = {
  Binary: { contentType: 'text/plain', data: btoa(SECRET) },
  Bundle: {
    type: 'collection',
    entry: [{ resource: { resourceType: 'Observation', status: 'final', code: { text: SECRET } } }],
  },
  Group: { type: 'person', actual: true, name: SECRET, member: [{ entity: PATIENT_REFERENCE }] },
  Linkage: {
    item: [
      { type: 'source', resource: PATIENT_REFERENCE },
      { type: 'alternate', resource: { reference: `Patient/${OTHER}` } },
    ],
  },
  Observation: { status: 'final', code: { text: SECRET } },
};

async function plant({ users, send }: AuditNode, resources: typeof TELLING): Promise<readonly [string, string][]> {
  return Promise.all(
    Object.entries(resources).map(async ([type, body]): Promise<[string, string]> => {
      const { status, json, text } = await send(users.doctor, 'POST', `/fhir/${type}`, { resourceType: type, ...body });
      assert.equal(status, 201, text);
      return [type, json.id];
    }),
  );
}

/** A read, versions, histories and a search show nothing, and answer as for what never was. */
async function requireUnseen({ send }: AuditNode, token: string, planted: readonly (readonly [string, string])[]) {
  for (const [type, id] of planted) {
    for (const path of [`${type}/${id}`, `${type}/${id}/_history/1`, `${type}/${id}/_history`])
      assert.equal((await send(token, 'GET', `/fhir/${path}`)).status, 404, path);
    for (const path of [`${type}?_id=${id}`, `${type}?_count=100`, `${type}/_history`, '_history?_count=100']) {
      const { status, text, json } = await send(token, 'GET', `/fhir/${path}`);
      assert.equal(status, 200, text);
      assert.ok(!JSON.stringify(json.entry ?? []).includes(id), `${path} shows ${id}`);
      if (path.includes('_id=')) assert.equal(json.total, 0, path);
    }
  }
}

const entitiesOf = (events: readonly AuditEvent[]) => JSON.stringify(events.map(({ entity }) => entity));

test('records that tell of a patient without a subject are that patient’s, and nobody else’s', async (t) => {
  const node = await createAuditNode(t);
  const { users, send } = node;
  const told = await plant(node, TELLING);

  await t.test(
    'another patient, and a practitioner of another organisation without consent, see none of it',
    async () => {
      for (const who of ['other', 'visitor'] as const) await requireUnseen(node, users[who], told);
    },
  );

  await t.test('the patient sees it, and who looked at it', async () => {
    for (const [type, id] of told) {
      assert.equal((await send(users.patient, 'GET', `/fhir/${type}/${id}`)).status, 200, type);
      assert.equal((await send(users.doctor, 'GET', `/fhir/${type}/${id}`)).status, 200, type);
      const events = await node.events(users.patient, 'subtype=read');
      assert.ok(entitiesOf(events).includes(`${type}/${id}`), `a look at ${type} is told to the patient`);
    }
  });

  await t.test('$everything gives it out to the patient', async () => {
    const { json } = await send(users.patient, 'GET', `/fhir/Patient/${PATIENT}/$everything?_count=1000`);
    const ids = (json.entry as { resource: { id: string } }[]).map(({ resource }) => resource.id);
    for (const [type, id] of told) assert.ok(ids.includes(id), type);
  });
});

test('what is nobody’s and not for everybody is the custodian’s own staff’s', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, tokens } = node;
  const planted = await plant(node, NOBODYS);
  for (const who of ['other', 'visitor', 'patient'] as const) await requireUnseen(node, users[who], planted);
  for (const token of [users.doctor, tokens.administrator])
    for (const [type, id] of planted)
      assert.equal((await send(token, 'GET', `/fhir/${type}/${id}`)).status, 200, `${type} to the staff`);
  const { json } = await send(users.doctor, 'POST', '/fhir/Organization', { resourceType: 'Organization', name: 'x' });
  for (const who of ['other', 'visitor', 'patient'] as const)
    assert.equal((await send(users[who], 'GET', `/fhir/Organization/${json.id}`)).status, 200);
});

test('a label that comes later keeps what was written before it, too', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, hospital, call, tokens } = node;
  const deny = { type: 'deny' as const, securityLabel: [RESTRICTED] };
  const consent = JSON.stringify(consentFor(hospital.account, 'permit', [deny]));
  await call('POST', '/api/consents', tokens.physician, { patientId: PATIENT, consent });
  const path = '/fhir/Observation/relabelled';
  const body = {
    ...{ resourceType: 'Observation', id: 'relabelled', status: 'final', code: { text: SECRET } },
    subject: PATIENT_REFERENCE,
  };
  assert.equal((await send(users.doctor, 'PUT', path, body)).status, 201);
  assert.equal((await send(users.doctor, 'GET', `${path}/_history/1`)).status, 200);
  assert.equal((await send(users.doctor, 'PUT', path, { ...body, meta: { security: [RESTRICTED] } })).status, 200);
  const asked = [path, `${path}/_history/1`, `${path}/_history/2`, `${path}/_history`, '/fhir/Observation/_history'];
  for (const address of asked) {
    const { text } = await send(users.doctor, 'GET', address);
    assert.ok(!text.includes(SECRET) && !text.includes('relabelled'), address);
  }
  // The deletion is labelled like what it deletes.
  assert.equal((await send(users.doctor, 'DELETE', path)).status, 204);
  for (const address of asked)
    assert.ok(!(await send(users.doctor, 'GET', address)).text.includes(SECRET), `${address} after the deletion`);
  assert.ok((await send(users.patient, 'GET', `${path}/_history/1`)).text.includes(SECRET), 'to the patient');
});

test('nobody takes another one’s name in the audit', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, accounts, hospital, ledger, tokens } = node;
  const practitioner = (text: string) => ({
    ...{ resourceType: 'Practitioner', name: [{ text }] },
    identifier: [{ system: 'urn:aceso:account', value: accounts.doctor }],
  });
  const write = (text: string) => send(tokens.administrator, 'POST', '/fhir/Practitioner', practitioner(text));
  const named = async () => {
    await send(users.doctor, 'GET', '/fhir/Observation/obs-1');
    const { json } = await send(users.patient, 'GET', `/api/patients/${PATIENT}/accounting?format=json`);
    const who = (json.lines as { who: string; what: string }[]).find(({ what }) => what.startsWith('read'))?.who ?? '';
    assert.ok(who.includes(accounts.doctor), 'the account is always told');
    const [event] = await node.events(users.patient, 'subtype=read');
    const agent = event?.agent.find(({ requestor }) => requestor);
    assert.equal(agent?.who?.identifier?.value, accounts.doctor);
    return [who.replace(accounts.doctor, '…'), agent?.name];
  };
  assert.deepEqual(await named(), ['account …', undefined]);
  assert.equal((await write('Dr. Ada')).status, 201);
  assert.deepEqual(await named(), ['Dr. Ada (account …)', 'Dr. Ada']);
  // A second one with the same account: neither is believed.
  const forged = await write('Dr. Innocent Colleague');
  assert.equal(forged.status, 201);
  assert.deepEqual(await named(), ['account …', undefined]);
  assert.equal((await send(tokens.administrator, 'DELETE', `/fhir/Practitioner/${forged.json.id}`)).status, 204);
  // Whom the administration hired is called what it called them, whatever a Practitioner says.
  const people = createPeople({
    ...{ stores: [hospital.vault], attestation: createAttestation(ledger), clock: hospital.clock },
    passkeys: {} as PasskeyBook,
  });
  await people.add(hospital.account, { account: accounts.doctor, label: 'Ada Oak, MD', purposes: ['TREAT'] });
  assert.deepEqual(await named(), ['Ada Oak, MD (account …)', 'Ada Oak, MD']);
  await people.dismiss(hospital.account, accounts.doctor);
  assert.deepEqual(await named(), ['Ada Oak, MD (account …)', 'Ada Oak, MD']);
});

test('what is told of a look at one patient names no other, who was looked at with the same request', async (t) => {
  const node = await createAuditNode(t);
  const { users, send, accounts } = node;
  const shared = {
    ...{ resourceType: 'Observation', id: 'shared', status: 'final', code: { text: 'x' }, subject: PATIENT_REFERENCE },
    performer: [{ reference: `Patient/${OTHER}` }],
  };
  assert.equal((await send(users.doctor, 'PUT', '/fhir/Observation/shared', shared)).status, 201);
  const { json } = await send(users.doctor, 'GET', `/fhir/Patient/${OTHER}/$everything`);
  const ids = (json.entry as { resource: { id: string } }[]).map(({ resource }) => resource.id);
  assert.ok(ids.includes('shared'), 'the request was about both');
  const events = await node.events(users.patient, 'subtype=$everything');
  const all = await node.events(users.patient, '');
  assert.ok(all.length > 0);
  for (const event of [...events, ...all]) {
    const text = JSON.stringify(event);
    assert.ok(!text.includes(OTHER) && !text.includes(accounts.other), text);
  }
  // The other way round: what is told to the other names her, whom it is about, and not the first.
  for (const event of await node.events(users.other, ''))
    assert.ok(!JSON.stringify(event).includes(`Patient/${PATIENT}`), JSON.stringify(event));
});
