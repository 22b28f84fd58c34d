import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { MedplumClient, OperationOutcomeError } from '@medplum/core';
import type { Bundle, Patient } from '@medplum/fhirtypes';
import { Client as KitClient } from 'fhir-kit-client';
import fhirClient from 'fhirclient/lib/Client.js';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { startSeededNode } from '../support/seeded-node.ts';

/*
 * Three clients that EHRs are built with, unchanged, against a whole node: each reads, searches page by page, writes,
 * and meets a conflict. What they are given is what any FHIR server gives them.
 */

// CommonJS with a `default` member.
const FhirClient = fhirClient.default;

before(() => loadDefinitions());

/** Bundles of a search, however the client pages. */
function idsOf(bundles: readonly Bundle[]): string[] {
  return bundles.flatMap(({ entry = [] }) => entry.map(({ resource }) => resource?.id ?? ''));
}

const NEW_PATIENT: Patient = {
  resourceType: 'Patient',
  name: [{ family: 'Ångström', given: ['Élise'] }],
  birthDate: '1974-12-25',
  identifier: [{ system: 'urn:oid:2.999.7', value: 'clients-1' }],
};

test('fhirclient reads, searches page by page, writes, and is told of a conflict', async (t) => {
  const { fhirUrl, token } = await startSeededNode(t);
  const client = new FhirClient({} as never, {
    serverUrl: fhirUrl,
    tokenResponse: { access_token: token, token_type: 'Bearer' },
  });
  const pages: Bundle[] = [];
  await client.request('Patient?_count=5&_sort=family', {
    pageLimit: 0,
    onPage: (page) => pages.push(page as never),
  });
  assert.equal(pages.length, 3);
  const ids = idsOf(pages);
  assert.equal(new Set(ids).size, 12);
  const families = pages.flatMap(({ entry = [] }) =>
    entry.map(({ resource }) => (resource as Patient).name?.[0]?.family),
  );
  assert.deepEqual(families, [...families].sort());
  const read = (await client.request(`Patient/${ids[0]}`)) as Patient;
  assert.equal(read.id, ids[0]);

  const created = (await client.create(NEW_PATIENT as never)) as Patient;
  assert.equal(created.meta?.versionId, '1');
  const patched = (await client.patch(`Patient/${created.id}`, [
    { op: 'replace', path: '/birthDate', value: '1974-12-24' },
  ])) as Patient;
  assert.equal(patched.birthDate, '1974-12-24');
  const stale = client.request({
    url: `Patient/${created.id}`,
    method: 'PUT',
    headers: { 'content-type': 'application/fhir+json', 'if-match': 'W/"1"' },
    body: JSON.stringify(created),
  });
  await assert.rejects(stale, /412/);
});

test('fhir-kit-client reads, searches page by page, writes, and is told of a conflict', async (t) => {
  const { fhirUrl, token } = await startSeededNode(t);
  const client = new KitClient({ baseUrl: fhirUrl, bearerToken: token });
  const statement = await client.capabilityStatement();
  assert.equal(statement.fhirVersion, '4.0.1');

  const pages: Bundle[] = [];
  let page = (await client.resourceSearch({
    resourceType: 'Patient',
    searchParams: { _count: 7 },
  })) as unknown as Bundle | undefined;
  while (page !== undefined) {
    pages.push(page);
    page = (await client.nextPage({ bundle: page as never })) as unknown as Bundle | undefined;
  }
  assert.equal(pages.length, 2);
  assert.equal(new Set(idsOf(pages)).size, 12);

  const created = await client.create({ resourceType: 'Patient', body: NEW_PATIENT as never });
  const found = (await client.resourceSearch({
    resourceType: 'Patient',
    searchParams: { identifier: 'urn:oid:2.999.7|clients-1' },
    options: { postSearch: true } as never,
  })) as unknown as Bundle;
  assert.deepEqual(idsOf([found]), [created.id]);
  const changed = { ...created, birthDate: '1974-12-26' };
  const updated = await client.update({ resourceType: 'Patient', id: String(created.id), body: changed as never });
  assert.equal((updated as unknown as Patient).meta?.versionId, '2');
  const history = (await client.history({ resourceType: 'Patient', id: String(created.id) })) as unknown as Bundle;
  assert.equal(history.entry?.length, 2);
  await assert.rejects(
    client.update({
      resourceType: 'Patient',
      id: String(created.id),
      body: changed as never,
      options: { headers: { 'If-Match': 'W/"1"' } } as never,
    }),
    (error: { response?: { status?: number } }) => error.response?.status === 412,
  );
  await client.delete({ resourceType: 'Patient', id: String(created.id) });
  await assert.rejects(
    client.read({ resourceType: 'Patient', id: String(created.id) }),
    (error: { response?: { status?: number } }) => error.response?.status === 410,
  );
});

test("@medplum/core's client reads, searches page by page, writes, and is told of a conflict", async (t) => {
  const { fhirUrl, token } = await startSeededNode(t);
  const client = new MedplumClient({ baseUrl: fhirUrl, fhirUrlPath: '', fetch, cacheTime: 0, refreshGracePeriod: 0 });
  client.setAccessToken(token);
  const pages: Patient[][] = [];
  for await (const page of client.searchResourcePages('Patient', '_count=5&_sort=birthdate')) pages.push(page);
  assert.deepEqual(
    pages.map((page) => page.length),
    [5, 5, 2],
  );
  const births = pages.flat().map(({ birthDate }) => birthDate ?? '');
  assert.deepEqual(births, [...births].sort());

  const [patient] = pages[0] as [Patient];
  assert.deepEqual(await client.readResource('Patient', String(patient.id)), patient);
  const observations = await client.searchResources('Observation', {
    patient: `Patient/${patient.id}`,
    _sort: '-date',
    _count: '10',
  });
  const dates = observations.map(({ effectiveDateTime }) => effectiveDateTime ?? '');
  assert.deepEqual(dates, [...dates].sort().reverse());

  const created = await client.createResourceIfNoneExist(NEW_PATIENT, 'identifier=urn:oid:2.999.7|clients-1');
  const again = await client.createResourceIfNoneExist(NEW_PATIENT, 'identifier=urn:oid:2.999.7|clients-1');
  assert.equal(again.id, created.id);
  const everything = await client.readPatientEverything(String(patient.id));
  assert.ok((everything.entry?.length ?? 0) > 10);
  await client.updateResource({ ...created, birthDate: '1974-12-27' });
  const stale = client.updateResource({ ...created, birthDate: '1974-12-28' }, { headers: { 'If-Match': 'W/"1"' } });
  await assert.rejects(
    stale,
    (error) => error instanceof OperationOutcomeError && error.outcome.issue?.[0]?.code === 'conflict',
  );
});
