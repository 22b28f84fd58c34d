import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import type { ParsedResource } from '../patient-account.ts';
import { canonicalUnit } from './canonical-unit.ts';
import { meetsCriterion } from './meets-criterion.ts';
import { parseSearch } from './parse-search.ts';
import { resourceToEntries } from './resource-entries.ts';
import { createSearchRegistry, type SearchRegistry } from './search-registry.ts';

const BASE_URL = 'https://example.org/fhir';
let registry: SearchRegistry;
before(async () => {
  registry = createSearchRegistry(await loadDefinitions());
});

const observation = {
  resourceType: 'Observation',
  id: 'o',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '1-8' }, { code: 'own|1' }], text: 'Weight' },
  subject: { reference: 'Patient/p', identifier: { system: 'urn:mrn', value: '7' } },
  encounter: { reference: 'https://other.example/fhir/Encounter/e' },
  specimen: { reference: '#s' },
  effectivePeriod: { start: '2020-01' },
  valueQuantity: { value: 5.35, comparator: '<', unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' },
};

function entriesOf(resource: ParsedResource) {
  return resourceToEntries(resource, registry, BASE_URL, 1000);
}

/** Whether the search finds it: by the index, then by the resource. */
function isFound(resource: ParsedResource, query: string, nowMs = 0): boolean {
  const type = resource.resourceType;
  const { clauses } = parseSearch(registry, type, new URLSearchParams(query), {
    baseUrl: BASE_URL,
    nowMs,
    lenient: false,
  });
  return clauses.every(
    (clause) =>
      clause.kind === 'value' &&
      (clause.criterion === undefined || meetsCriterion(clause.criterion, String(resource.id), entriesOf(resource))) &&
      (clause.matches?.(resource) ?? true),
  );
}

test('entries are those that the index needs, each once', () => {
  const { tokens, links, ordinals, texts } = entriesOf(observation);
  const values = (parameter: string) => tokens.filter((one) => one.parameter === parameter).map(({ value }) => value);
  assert.deepEqual(values('code'), ['http://loinc.org|1-8', '1-8', 'http://loinc.org|', '|own|1', String.raw`own\|1`]);
  assert.deepEqual(values('status'), ['final']);
  assert.deepEqual(values('subject:identifier'), ['urn:mrn|7', '7', 'urn:mrn|']);
  assert.deepEqual(values('encounter'), ['https://other.example/fhir/Encounter/e']);
  assert.deepEqual(values(':has'), ['code', 'encounter', 'specimen', 'status']);
  assert.deepEqual(links, [{ parameter: 'subject', type: 'Patient', id: 'p' }]);
  assert.deepEqual(ordinals, [
    { parameter: '_lastUpdated', low: 1000, high: 1000 },
    { parameter: 'date', low: Date.UTC(2020, 0), high: Number.POSITIVE_INFINITY },
    { parameter: 'value-quantity', low: Number.NEGATIVE_INFINITY, high: 5.35 },
    { parameter: 'value-quantity|http://unitsofmeasure.org|g', low: Number.NEGATIVE_INFINITY, high: 0.00535 },
  ]);
  assert.deepEqual(texts, []);
  const twice = { ...observation, code: { coding: [observation.code.coding[0], observation.code.coding[0]] } };
  assert.equal(entriesOf(twice).tokens.filter(({ parameter }) => parameter === 'code').length, 3);
  assert.deepEqual(entriesOf({ resourceType: 'constructor' }), { tokens: [], ordinals: [], links: [], texts: [] });
});

test('an element of type code has the system of its binding, and none of its own', () => {
  const patient = { resourceType: 'Patient', id: 'p', gender: 'male', active: true };
  const system = 'http://hl7.org/fhir/administrative-gender';
  for (const query of ['gender=male', 'gender=|male', `gender=${system}|male`, `gender=${system}|`, 'active=true'])
    assert.ok(isFound(patient, query), query);
  for (const query of [
    'gender=Male',
    'gender=urn:x|male',
    'gender=urn:x|',
    `gender=${system}|female`,
    'gender:not=male',
  ])
    assert.ok(!isFound(patient, query), query);
  for (const query of ['gender:not=female', 'deceased=false', 'deceased:not=true', 'name:missing=true'])
    assert.ok(isFound(patient, query), query);
  assert.ok(isFound({ ...patient, deceasedDateTime: '2020' }, 'deceased=true'));
});

test('units are compared by what they measure', () => {
  const measured = { ...observation, valueQuantity: { ...observation.valueQuantity, comparator: undefined } };
  const ucum = 'http://unitsofmeasure.org';
  for (const query of [
    `5.35|${ucum}|mg`,
    `0.00535|${ucum}|g`,
    `gt5|${ucum}|mg`,
    `lt6e-6|${ucum}|kg`,
    '5.35||mg',
    '5.4',
    'ap5||mg',
  ])
    assert.ok(isFound(measured, `value-quantity=${query}`), query);
  for (const query of [`5.35|${ucum}|g`, `5.35|urn:x|mg`, `5.35|${ucum}|mL`, '5.35||g', 'gt5.35', `eb5.35|${ucum}|mg`])
    assert.ok(!isFound(measured, `value-quantity=${query}`), query);
  assert.deepEqual(canonicalUnit('Cel'), { unit: 'K', factor: 1, offset: 273.15 });
  for (const code of ['[iU]', '[pH]', 'no unit', '', 'constructor', '('.repeat(60), 'm'.repeat(70)])
    assert.equal(canonicalUnit(code), undefined, code);
});

test('an open period goes on, and ap widens by a tenth of the time since', () => {
  for (const query of ['ge2020', 'gt2500', 'le2020-01-31', 'ap2021'])
    assert.ok(isFound(observation, `date=${query}`, Date.UTC(2026, 0)), query);
  for (const query of ['2020-01', 'lt2020', 'sa2020-01-15', 'eb2400'])
    assert.ok(!isFound(observation, `date=${query}`), query);
  const once = { ...observation, effectivePeriod: undefined, effectiveDateTime: '2020-01-01' };
  assert.ok(isFound(once, 'date=ap2020-03', Date.UTC(2026, 0)));
  assert.ok(!isFound(once, 'date=ap2020-03', Date.UTC(2020, 3)));
  assert.ok(isFound(once, 'date=2020-01-01T00:00:00 02:00') === false);
});

test('references are found by every way to write them', () => {
  for (const query of [
    ...['subject=p', 'subject=Patient/p', `subject=${BASE_URL}/Patient/p`, 'subject:Patient=p', 'patient=p'],
    ...['subject:identifier=urn:mrn|7', 'patient:identifier=7', 'encounter=https://other.example/fhir/Encounter/e'],
    ...['specimen:missing=false', 'device:missing=true', 'patient:missing=false'],
  ])
    assert.ok(isFound(observation, query), query);
  for (const query of [
    'subject=q',
    'subject=Group/p',
    'subject=Patient/p/_history/2',
    'encounter=e',
    'encounter=Encounter/e',
  ])
    assert.ok(!isFound(observation, query), query);
});

test('the ends of a search value are where R4 says, also in another unit', () => {
  const of = (value: number, code: string) => ({
    ...observation,
    valueQuantity: { value, system: 'http://unitsofmeasure.org', code },
  });
  assert.ok(isFound(of(5.45, 'mg'), 'value-quantity=ne5.4'));
  assert.ok(!isFound(of(5.45, 'mg'), 'value-quantity=5.4'));
  assert.ok(isFound(of(5.35, 'mg'), 'value-quantity=5.4'));
  // 1.3 * 0.001 is a little more than 0.0013 in doubles.
  assert.ok(!isFound(of(1.3, 'mg'), 'value-quantity=gt0.0013|http://unitsofmeasure.org|g'));
});

test('a canonical URL is found with and without its version', () => {
  const patient = { resourceType: 'Patient', id: 'p', meta: { profile: ['http://a.org/p|1.0'] } };
  for (const query of ['_profile=http://a.org/p', '_profile=http://a.org/p|1.0', '_profile:above=http://a.org/p/x'])
    assert.ok(isFound(patient, query), query);
  assert.ok(!isFound(patient, '_profile=http://a.org/p|2.0'));
  const response = { resourceType: 'QuestionnaireResponse', id: 'r', questionnaire: 'http://a.org/q|3' };
  assert.ok(isFound(response, 'questionnaire=http://a.org/q'));
  assert.ok(!isFound(response, 'questionnaire=http://a.org/q|4'));
});

test('a place is near by its distance', () => {
  const location = { resourceType: 'Location', id: 'l', position: { latitude: 42.25, longitude: -83.69 } };
  assert.ok(isFound(location, 'near=42.3|-83.7|6|km'));
  assert.ok(!isFound(location, 'near=42.3|-83.7|5|km'));
  assert.ok(isFound(location, 'near=42.3|-83.7|4|[mi_i]'));
  // Along the same latitude, where the index does not decide.
  assert.ok(isFound(location, 'near=42.25|-83.6|8|km'));
  assert.ok(!isFound(location, 'near=42.25|-83.6|7|km'));
  assert.ok(!isFound({ ...location, position: undefined }, 'near=42.3|-83.7|6|km'));
  assert.throws(() => isFound(location, 'near=91|0'), /PARAMETER_INVALID/);
});

test('resources of any shape are taken without harm', () => {
  const values = [
    null,
    1,
    'x',
    true,
    [],
    [null],
    {},
    { coding: 'x' },
    { coding: [null, 1] },
    { reference: 1 },
    { start: 1 },
    [[{}]],
  ];
  const { definitions } = registry;
  for (const type of ['Observation', 'Patient', 'Questionnaire', 'Location', 'Bundle', 'Consent']) {
    const names = Object.keys(definitions.types[type]?.e ?? {}).map((name) => name.replace('[x]', 'Quantity'));
    for (const value of values)
      entriesOf({ resourceType: type, ...Object.fromEntries(names.map((name) => [name, value])) });
  }
});
