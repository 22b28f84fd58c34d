import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { type CompactDefinitions, EVERY_TYPE } from '../definitions/definitions.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { type GivenSearchParameter, withSearchParameters } from './added-parameters.ts';
import { parseSearch } from './parse-search.ts';
import { resourceToEntries } from './resource-entries.ts';
import { createSearchRegistry, type SearchRegistry } from './search-registry.ts';

let definitions: CompactDefinitions;
before(async () => {
  definitions = await loadDefinitions();
});

const RACE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race';
const BASE: GivenSearchParameter = { url: 'urn:sp', code: 'race', type: 'token', base: ['Patient'] };
const race = { ...BASE, expression: `Patient.extension.where(url = '${RACE}').extension.value.code` };
const nickname = {
  ...BASE,
  url: 'urn:nickname',
  code: 'nickname',
  type: 'string',
  expression: "Patient.name.where(use = 'nickname').given.select($this.substring(0, 3))",
};
const patient = {
  resourceType: 'Patient',
  id: '1',
  extension: [{ url: RACE, extension: [{ url: 'ombCategory', valueCoding: { code: '2106-3' } }] }],
  name: [{ use: 'nickname', given: ['Eleanor'] }],
};

function tokens(registry: SearchRegistry) {
  return resourceToEntries(patient, registry, 'https://example.org/fhir', 0);
}

test('parameters of packages are extracted and searched like those of R4', async () => {
  const { registry, refused } = await withSearchParameters(definitions, [race, nickname]);
  assert.deepEqual(refused, []);
  const entries = tokens(registry);
  assert.deepEqual(
    entries.tokens.filter(({ parameter }) => parameter === 'race'),
    [{ parameter: 'race', value: '2106-3' }],
  );
  // Beyond the subset: by the fhirpath package.
  assert.deepEqual(
    entries.texts.filter(({ parameter }) => parameter === 'nickname'),
    [{ parameter: 'nickname', value: 'Ele', folded: 'ele' }],
  );
  const { clauses } = parseSearch(registry, 'Patient', new URLSearchParams('race=2106-3&nickname=el'), {
    baseUrl: 'https://example.org/fhir',
    nowMs: 0,
    lenient: false,
  });
  assert.equal(clauses.length, 2);
  assert.equal(registry.ofType('Patient')?.get('race')?.definition, 'urn:sp');
  assert.equal(createSearchRegistry(definitions).ofType('Patient')?.has('race'), false);
});

test('what packages add moves no entry of R4, and R4’s own parameters stay', async () => {
  const early = { ...BASE, code: 'aaa', type: 'string', expression: 'Patient.name' };
  const again = { ...BASE, code: 'name', type: 'string', expression: 'Patient.name.family' };
  const { registry, refused } = await withSearchParameters(definitions, [early, again]);
  assert.deepEqual(refused, []);
  const parameters = registry.ofType('Patient');
  assert.deepEqual(parameters?.get('aaa')?.indexed.names, ['name']);
  const before = createSearchRegistry(definitions).ofType('Patient');
  for (const [code, { indexed, definition }] of before ?? []) {
    assert.deepEqual(parameters?.get(code)?.indexed, indexed);
    assert.equal(parameters?.get(code)?.definition, definition);
  }
});

test('composites of packages have components of R4 or of packages', async () => {
  const composite = {
    ...BASE,
    code: 'race-name',
    type: 'composite',
    expression: 'Patient',
    component: [
      { definition: 'urn:sp', expression: `extension.where(url = '${RACE}').extension.value.code` },
      { definition: 'http://hl7.org/fhir/SearchParameter/individual-given', expression: 'name.given' },
    ],
  };
  const { registry, refused } = await withSearchParameters(definitions, [composite, race]);
  assert.deepEqual(refused, []);
  const { clauses } = parseSearch(registry, 'Patient', new URLSearchParams('race-name=2106-3$elea'), {
    baseUrl: 'https://example.org/fhir',
    nowMs: 0,
    lenient: false,
  });
  const decide = clauses.flatMap((clause) => (clause.kind === 'value' && clause.matches ? [clause.matches] : []));
  assert.deepEqual(
    decide.map((matches) => [matches(patient), matches({ ...patient, name: [] })]),
    [[true, false]],
  );
});

test('what cannot be used is refused, and says why', async () => {
  const wrong: GivenSearchParameter[] = [
    { ...race, base: ['Nothing'] },
    { ...race, base: ['constructor'] },
    { ...race, base: [] },
    { ...race, code: 'a.b' },
    { ...race, code: 'a:b' },
    { ...race, type: 'special' },
    { ...race, expression: undefined },
    { ...race, expression: 'Patient.name.where(' },
    { ...race, expression: 'Patient.managingOrganization.resolve().name' },
    { ...race, expression: "Patient.gender.memberOf('http://x.org')" },
    { ...race, code: 'gender', type: 'string' },
    { ...race, type: 'composite', expression: 'Patient', component: [{ definition: 'urn:none', expression: 'name' }] },
    {},
  ];
  for (const one of wrong) {
    const { refused } = await withSearchParameters(definitions, [one]);
    assert.equal(refused.length, 1, JSON.stringify(one));
    assert.ok((refused[0]?.reason.length ?? 0) > 10);
  }
});

test('a reference without targets may lead anywhere', async () => {
  const reference = { ...BASE, code: 'who', type: 'reference', expression: 'Patient.generalPractitioner' };
  const { registry } = await withSearchParameters(definitions, [reference, { ...reference, code: '__proto__' }]);
  assert.equal(registry.ofType('Patient')?.get('who')?.targets, EVERY_TYPE);
});
