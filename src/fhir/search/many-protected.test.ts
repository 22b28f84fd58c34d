import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFhirNode, type FhirNode } from '../../../test/support/fhir-node.ts';

/** More patients than the protected indexes that one search tries (index-scopes.ts). */
const PATIENTS = 1010;
const HIV = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' };

/** Patients of two family names, each with a weight that is protected and one that is not. */
async function populate(node: FhirNode): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < PATIENTS; from += 101) {
    const entry = Array.from({ length: 101 }, (_, i) => {
      const family = from + i < 5 ? 'Oak' : 'Elm';
      const fullUrl = `urn:uuid:00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
      const weight = (security: readonly object[]) => ({
        resource: {
          ...{ resourceType: 'Observation', status: 'final', code: { coding: [{ system: 'urn:c', code: 'weight' }] } },
          ...{ subject: { reference: fullUrl }, effectiveDateTime: `20${10 + security.length}-01-01` },
          ...(security.length === 0 ? {} : { meta: { security } }),
        },
        request: { method: 'POST', url: 'Observation' },
      });
      const patient = { resourceType: 'Patient', name: [{ family }], active: from + i !== 3 };
      return [{ fullUrl, resource: patient, request: { method: 'POST', url: 'Patient' } }, weight([]), weight([HIV])];
    }).flat();
    const answer = await node.send('POST', '', { resourceType: 'Bundle', type: 'transaction', entry });
    assert.equal(answer.status, 200, answer.text.slice(0, 300));
    for (const { response } of answer.json.entry) {
      const id = /Patient\/([^/]+)\//.exec(response.location)?.[1];
      if (id !== undefined) ids.push(id);
    }
  }
  return ids;
}

test('what names its patients is found among thousands who have protected records; what names nobody is refused', async (t) => {
  const node = await createFhirNode();
  t.after(() => node.app.close());
  const ids = await populate(node);
  assert.equal(ids.length, PATIENTS);
  const count = async (query: string): Promise<number | string> => {
    const { status, json } = await node.send('GET', `${query}&_count=200`);
    return status === 200 ? (json.entry ?? []).length : `${status} ${json.issue[0].code}`;
  };
  const weight = 'code=urn:c|weight';
  assert.equal(await count(`Observation?${weight}`), '403 too-costly');
  assert.equal(await count(`Observation?${weight}&patient=${ids[0]}`), 2);
  assert.equal(await count(`Observation?${weight}&patient=Patient/${ids[0]},Patient/${ids[7]}`), 4);
  assert.equal(await count(`Observation?${weight}&subject=Patient/${ids[0]}&_sort=-date`), 2);
  assert.equal(await count(`Observation?patient=nobody&${weight}`), 0);
  assert.equal(await count(`Observation?patient.family=Oak&${weight}&_sort=-date`), 10);
  assert.equal(await count(`Observation?patient:Patient.active=false&${weight}`), 2);
  assert.equal(await count(`Patient?family=Oak&_has:Observation:patient:${weight}`), 5);
  assert.equal(await count(`Patient?family=Oak&_has:Observation:patient:code=urn:c|height`), 0);
  // Whose it is decides, not what it is asked by: the same without the protected one.
  node.denies.read = (row) => row.labels.length > 0;
  assert.equal(await count(`Observation?${weight}&patient=${ids[0]}`), 1);
  assert.equal(await count(`Patient?family=Oak&_has:Observation:patient:date=2011`), 0);
});
