import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import type { ParsedResource } from '../patient-account.ts';
import { createResourceMatcher } from './match-resource.ts';
import { createSearchRegistry, type SearchRegistry } from './search-registry.ts';

const options = { baseUrl: 'https://example.org/fhir', nowMs: Date.UTC(2026, 0, 1) };
const TIME_MS = Date.UTC(2025, 5, 1);
let registry: SearchRegistry;
before(async () => {
  registry = createSearchRegistry(await loadDefinitions());
});

const pressure: ParsedResource = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  category: [{ coding: [{ system: 'urn:c', code: 'vital-signs' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '85354-9' }], text: 'Blood pressure' },
  subject: { reference: 'Patient/p' },
  performer: [{ reference: 'Practitioner/d', identifier: { system: 'urn:d', value: '7' } }],
  effectiveDateTime: '2025-03-04',
  component: [
    {
      code: { coding: [{ code: 'sys' }] },
      valueQuantity: { value: 120, code: 'mm[Hg]', system: 'http://unitsofmeasure.org' },
    },
    {
      code: { coding: [{ code: 'dia' }] },
      valueQuantity: { value: 80, code: 'mm[Hg]', system: 'http://unitsofmeasure.org' },
    },
  ],
};

function isMet(query: string, resource = pressure, type = 'Observation'): boolean {
  return createResourceMatcher(registry, type, query, options).matches(resource, TIME_MS);
}

const MET = [
  '',
  'category=urn:c|vital-signs',
  'category=urn:c|laboratory,urn:c|vital-signs',
  'category=urn:c|vital-signs&code=85354-9&patient=p',
  'category:not=urn:c|laboratory',
  'code:text=blood',
  'combo-code=dia',
  'patient=Patient/p',
  'patient=https://example.org/fhir/Patient/p',
  'subject:Patient=p',
  'performer:identifier=urn:d|7',
  'performer=Practitioner/d',
  'date=ge2025-03&date=lt2025-04',
  'component-value-quantity=gt100|http://unitsofmeasure.org|mm[Hg]',
  'component-code-value-quantity=sys$gt100',
  'encounter:missing=true',
  'date:missing=false',
  '_id=o,x',
  '_lastUpdated=2025-06-01',
  'status=final',
] as const;
const NOT_MET = [
  'category=urn:c|laboratory',
  'category:not=urn:c|vital-signs',
  'code:text=pressure',
  'patient=q',
  'date=2025-03-05',
  'date=ap2010',
  'component-code-value-quantity=dia$gt100',
  'encounter:missing=false',
  'date:missing=true',
  '_id=x',
  '_lastUpdated=gt2025-06-02',
  'status=final&code=85354-9&patient=q',
] as const;

test('a resource meets what a search would find it by, and nothing else', () => {
  for (const query of MET) assert.equal(isMet(query), true, query);
  for (const query of NOT_MET) assert.equal(isMet(query), false, query);
});

test('strings are compared as a search compares them', () => {
  const patient = {
    resourceType: 'Patient',
    id: 'p',
    name: [{ family: 'Größe', given: ['Ann'] }],
    birthDate: '1970-01-01',
  };
  for (const query of ['family=grö', 'name:contains=nn', 'family:exact=Größe', 'birthdate=1970', 'phonetic=ann']) {
    assert.equal(isMet(query, patient, 'Patient'), true, query);
  }
  for (const query of ['family:exact=größe', 'given=nn', 'birthdate=1971']) {
    assert.equal(isMet(query, patient, 'Patient'), false, query);
  }
});

test('a resource of another type meets nothing', () => {
  assert.equal(isMet('', { resourceType: 'Patient', id: 'o' }), false);
});

test('one matcher answers for many resources, each by itself', () => {
  const matcher = createResourceMatcher(registry, 'Observation', 'code=85354-9', options);
  const other = { ...pressure, code: { coding: [{ code: 'x' }] } };
  assert.deepEqual(
    [pressure, other, pressure].map((one) => matcher.matches(one, TIME_MS)),
    [true, false, true],
  );
});

test('what one resource does not tell, and what no search says, is refused', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['patient.name=Oak', 'SEARCH_UNSUPPORTED'],
    ['_has:Provenance:target:agent=x', 'SEARCH_UNSUPPORTED'],
    ['_include=Observation:patient', 'SEARCH_UNSUPPORTED'],
    ['_revinclude:iterate=Provenance:target', 'SEARCH_UNSUPPORTED'],
    ['_sort=date', 'SEARCH_UNSUPPORTED'],
    ['_count=3', 'SEARCH_UNSUPPORTED'],
    ['_list=x', 'SEARCH_UNSUPPORTED'],
    ['colour=red', 'PARAMETER_UNKNOWN'],
    ['date=yesterday', 'PARAMETER_INVALID'],
    ['code=', 'PARAMETER_INVALID'],
  ];
  for (const [query, code] of refused) {
    assert.throws(
      () => isMet(query),
      (thrown) => isReject(thrown) && thrown.code === code,
      query,
    );
  }
});
