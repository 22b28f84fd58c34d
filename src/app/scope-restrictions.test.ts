import assert from 'node:assert/strict';
import { test } from 'node:test';
import { r4Conformance } from '../fhir/conformance.ts';
import { loadDefinitions } from '../fhir/definitions/load-definitions.ts';
import { createScopeRestrictions } from './scope-restrictions.ts';

test('a search behind a scope that asks for nothing lets nothing through', async () => {
  const conformance = r4Conformance(await loadDefinitions());
  const meets = createScopeRestrictions({ conformance: () => conformance, baseUrl: 'http://x/fhir', clock: Date.now });
  const observation = {
    ...{ resourceType: 'Observation', id: 'a', status: 'final', code: { coding: [{ system: 's', code: 'c' }] } },
    ...{ category: [{ coding: [{ code: 'social-history' }] }], subject: { reference: 'Patient/1' } },
  };
  const passes = (restriction: string) => meets('Observation', restriction, observation as never, 0);
  assert.deepEqual([passes('category=social-history'), passes('category=laboratory')], [true, false]);
  for (const nothing of [
    ...['', '?', '&', '&&', '??', '=', 'category', 'category=', 'category=laboratory&', '_count=1', '_sort=date'],
    ...['_format=json', '_cursor=x', '_type=Observation', '_list=x', 'no-such=x', 'patient.name=x', '_has:x:y:z=1'],
  ])
    assert.equal(passes(nothing), false, nothing);
});
