import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StructureDefinition } from '@medplum/fhirtypes';
import {
  base,
  baseSaid,
  byText,
  categories,
  OBSERVATION,
  P,
  profiled,
  said,
  slice,
} from '../../../test/support/observation-profiles.ts';
import type { Terminology } from '../terminology/terminology.ts';

test('what is no resource of R4 is told, and nothing breaks', () => {
  for (const resource of [
    {},
    { resourceType: 'Nothing' },
    { resourceType: 7 },
    { resourceType: 'constructor' },
    { resourceType: '__proto__' },
    { resourceType: 'DomainResource' },
  ]) {
    assert.deepEqual(baseSaid(resource), ['structure Resource.resourceType: Not a resource type of R4']);
  }
});

test('the shape of JSON is checked everywhere', () => {
  const table: readonly [object, string][] = [
    [{ name: 'x' }, 'structure Observation.name: Unknown element'],
    [{ constructor: 'x' }, 'structure Observation.constructor: Unknown element'],
    [{ 'Mrs Doe': 'x' }, 'structure Observation.?: Unknown element'],
    [{ _code: {} }, 'structure Observation._code: Unknown element'],
    [{ category: { text: 'x' } }, 'structure Observation.category: Not an array'],
    [{ code: [{ text: 'x' }] }, 'structure Observation.code: An array where one value belongs'],
    [{ category: [] }, 'structure Observation.category: Empty array'],
    [{ category: [{}] }, 'structure Observation.category[0]: Empty object'],
    [{ category: [null] }, 'structure Observation.category[0]: Not an object'],
    [{ method: {} }, 'structure Observation.method: Empty object'],
    [{ issued: '' }, 'structure Observation.issued: Empty text'],
    [{ issued: null }, 'structure Observation.issued: Not a primitive value'],
    [{ issued: '2020' }, 'value Observation.issued: Not written as R4 asks of type instant'],
    [{ code: { text: ' ' } }, 'value Observation.code.text: Not written as R4 asks of type string'],
    [{ id: 'a b' }, 'value Observation.id: Not written as R4 asks of type id'],
    [{ valueString: 'a', valueInteger: 1 }, 'structure Observation.value: Second value of a choice'],
    [{ valueString: 'a', _valueInteger: { id: 'x' } }, 'structure Observation.value: Second value of a choice'],
    [
      { status: 'done' },
      'code-invalid Observation.status: Not a code of http://hl7.org/fhir/ValueSet/observation-status (required)',
    ],
    [{ status: undefined }, 'required Observation.status: Required element is missing'],
    [{ extension: [{ url: 'http://e' }] }, 'invariant Observation.extension[0]: ext-1: the rule does not hold'],
    [
      { subject: { reference: 'Medication/1' } },
      'structure Observation.subject.reference: Refers to a type that this element does not take',
    ],
    [
      { subject: { reference: 'http://a.example/fhir/Medication/1/_history/2' } },
      'structure Observation.subject.reference: Refers to a type that this element does not take',
    ],
    [
      { subject: { reference: 'Medication?name=x' } },
      'structure Observation.subject.reference: Refers to a type that this element does not take',
    ],
    [
      { subject: { type: 'Medication', display: 'x' } },
      'structure Observation.subject.reference: Refers to a type that this element does not take',
    ],
    [
      { subject: { reference: 'Nothing/1' } },
      'structure Observation.subject.reference: Refers to a type that R4 does not have',
    ],
    [
      { subject: { reference: '#p' } },
      'invariant Observation.subject.reference: ref-1: there is no contained resource of this id',
    ],
    [
      { contained: [{ resourceType: 'Patient', id: 'p' }] },
      'invariant Observation.contained[0]: dom-3: nothing refers to this contained resource',
    ],
    [
      { contained: [{ resourceType: 'Medication', id: 'p' }], subject: { reference: '#p' } },
      'structure Observation.subject.reference: Refers to a type that this element does not take',
    ],
    [
      { text: { status: 'generated', div: '<div><script>x</script></div>' } },
      'security Observation.text.div: The narrative has an element that is not allowed there',
    ],
  ];
  for (const [change, issue] of table) {
    const resource = JSON.parse(JSON.stringify({ ...OBSERVATION, ...change }));
    assert.deepEqual(baseSaid(resource), [issue], JSON.stringify(change));
  }
  const fine: readonly object[] = [
    {},
    { subject: { reference: 'Patient/1' } },
    { subject: { reference: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' } },
    { subject: { reference: 'http://a.example/whatever' } },
    { contained: [{ resourceType: 'Patient', id: 'p' }], subject: { reference: '#p' } },
    {
      contained: [
        {
          resourceType: 'Provenance',
          id: 'p',
          target: [{ reference: '#' }],
          recorded: '2020-01-01T00:00:00Z',
          agent: [{ who: { display: 'x' } }],
        },
      ],
    },
    { _status: { id: 's' }, status: undefined },
    { code: { text: 'x', _text: { extension: [{ url: 'http://e', valueCode: 'a' }] } } },
  ];
  for (const change of fine)
    assert.deepEqual(baseSaid(JSON.parse(JSON.stringify({ ...OBSERVATION, ...change }))), [], JSON.stringify(change));
});

test('slices: cardinality, closed, open at the end, ordered', () => {
  const open = profiled([byText('open'), ...slice('A', 'a', { min: 1 }), ...slice('B', 'b')]);
  assert.deepEqual(said(open, categories('x', 'a', 'b', 'y')), []);
  assert.deepEqual(said(open, categories('b')), ['required Observation.category: At least 1 of slice A must be there']);
  assert.deepEqual(said(open, categories('a', 'a')), [
    'structure Observation.category: At most 1 of slice A may be there',
  ]);
  const closed = profiled([byText('closed'), ...slice('A', 'a'), ...slice('B', 'b')]);
  assert.deepEqual(said(closed, categories('a', 'x')), [
    'structure Observation.category[1]: In no slice of a closed list',
  ]);
  const atEnd = profiled([byText('openAtEnd'), ...slice('A', 'a'), ...slice('B', 'b')]);
  assert.deepEqual(said(atEnd, categories('b', 'a', 'x')), []);
  assert.deepEqual(said(atEnd, categories('a', 'x', 'b')), [
    'structure Observation.category[2]: Slices come before what is in none',
  ]);
  const ordered = profiled([byText('open', true), ...slice('A', 'a'), ...slice('B', 'b')]);
  assert.deepEqual(said(ordered, categories('b', 'a')), ['structure Observation.category[1]: Slices are out of order']);
});

test('slices by exists, by the type of a reference, by profile', () => {
  const exists = profiled([
    { path: 'Observation.component', slicing: { discriminator: [{ type: 'exists', path: 'value' }], rules: 'closed' } },
    { path: 'Observation.component', sliceName: 'with', min: 0, max: '1' },
    { path: 'Observation.component.value[x]', min: 1, max: '1' },
    { path: 'Observation.component', sliceName: 'without', min: 1, max: '*' },
    { path: 'Observation.component.value[x]', min: 0, max: '0' },
  ]);
  const [has, hasNot] = [{ code: { text: 'c' }, valueString: 'v' }, { code: { text: 'c' } }];
  assert.deepEqual(said(exists, { ...OBSERVATION, component: [has, hasNot] }), []);
  assert.deepEqual(said(exists, { ...OBSERVATION, component: [has, has] }), [
    'structure Observation.component: At most 1 of slice with may be there',
    'required Observation.component: At least 1 of slice without must be there',
  ]);
  const forbids = profiled([
    { path: 'Observation.component', slicing: { discriminator: [{ type: 'exists', path: 'value' }], rules: 'closed' } },
    { path: 'Observation.component', sliceName: 'without', min: 0, max: '*' },
    { path: 'Observation.component.value[x]', min: 0, max: '0' },
  ]);
  assert.deepEqual(said(forbids, { ...OBSERVATION, component: [hasNot] }), []);
  assert.deepEqual(said(forbids, { ...OBSERVATION, component: [has] }), [
    'structure Observation.component[0]: In no slice of a closed list',
  ]);
  const target = (name: string): string => `http://hl7.org/fhir/StructureDefinition/${name}`;
  const type = profiled([
    {
      path: 'Observation.performer',
      slicing: { discriminator: [{ type: 'type', path: 'resolve()' }], rules: 'closed' },
    },
    {
      path: 'Observation.performer',
      sliceName: 'org',
      min: 1,
      max: '1',
      type: [{ code: 'Reference', targetProfile: [target('Organization')] }],
    },
  ]);
  assert.deepEqual(said(type, { ...OBSERVATION, performer: [{ reference: 'Organization/1' }] }), []);
  assert.deepEqual(said(type, { ...OBSERVATION, performer: [{ reference: 'Patient/1' }] }), [
    'structure Observation.performer[0]: In no slice of a closed list',
    'required Observation.performer: At least 1 of slice org must be there',
  ]);
  const patient = {
    url: `${P}/patient`,
    type: 'Patient',
    snapshot: { element: [{ path: 'Patient' }, { path: 'Patient.active', min: 1, max: '1' }] },
  };
  const profile = profiled(
    [
      {
        path: 'Observation.performer',
        slicing: { discriminator: [{ type: 'profile', path: 'resolve()' }], rules: 'open' },
      },
      {
        path: 'Observation.performer',
        sliceName: 'active',
        min: 1,
        max: '1',
        type: [{ code: 'Reference', targetProfile: [`${P}/patient`] }],
      },
    ],
    [patient as StructureDefinition],
  );
  const contains = (active: object): object => ({
    ...OBSERVATION,
    contained: [{ resourceType: 'Patient', id: 'p', ...active }],
    performer: [{ reference: '#p' }],
  });
  assert.deepEqual(said(profile, contains({ active: true })), []);
  assert.deepEqual(said(profile, contains({})), [
    'required Observation.performer: At least 1 of slice active must be there',
  ]);
});

test('fixed, pattern, ranges, lengths, types, bindings, nested profiles and content references', () => {
  const quantity = { path: 'Observation.value[x]', min: 0, max: '1', type: [{ code: 'Quantity' }] };
  const terminology: Terminology = {
    inValueSet: (_, { code }) => (code === 'good' ? 'member' : code === 'odd' ? 'unknown' : 'absent'),
  };
  const validator = profiled(
    [
      {
        path: 'Observation.code',
        min: 1,
        max: '1',
        patternCodeableConcept: { coding: [{ system: 'urn:s', code: 'good' }] },
      },
      { path: 'Observation.category', min: 0, max: '*', binding: { strength: 'required', valueSet: 'urn:v' } },
      { path: 'Observation.interpretation', min: 0, max: '*', binding: { strength: 'extensible', valueSet: 'urn:v' } },
      quantity,
      { path: 'Observation.value[x].value', min: 0, max: '1', maxValueDecimal: 10, minValueDecimal: 0 },
      { path: 'Observation.value[x].unit', min: 0, max: '1', maxLength: 3 },
      { path: 'Observation.method', min: 0, max: '1', fixedCodeableConcept: { text: 'm' } },
      { id: 'Observation.referenceRange', path: 'Observation.referenceRange', min: 0, max: '*' },
      { path: 'Observation.referenceRange.text', min: 1, max: '1' },
      { path: 'Observation.component', min: 0, max: '*' },
      {
        path: 'Observation.component.referenceRange',
        min: 0,
        max: '*',
        contentReference: '#Observation.referenceRange',
      },
    ],
    [],
    terminology,
  );
  const good = {
    ...OBSERVATION,
    status: 'final',
    code: { text: 't', coding: [{ code: 'x' }, { system: 'urn:s', code: 'good', display: 'd' }] },
  };
  const of = (change: object): string[] =>
    said(validator, { ...good, ...change }).filter((line) => !line.includes('observation-status'));
  assert.deepEqual(of({}), []);
  assert.deepEqual(of({ code: { text: 't' } }), ['value Observation.code: Does not have the pattern of the profile']);
  assert.deepEqual(of({ method: { text: 'm', id: 'x' } }), [
    'value Observation.method: Not the value that the profile fixes',
  ]);
  assert.deepEqual(of({ category: [{ coding: [{ code: 'bad' }] }] }), [
    'code-invalid Observation.category[0]: Not a code of urn:v (required)',
  ]);
  assert.deepEqual(
    of({ category: [{ coding: [{ code: 'bad' }, { code: 'good' }] }, { coding: [{ code: 'odd' }] }] }),
    [],
  );
  assert.deepEqual(of({ category: [{ text: 'x' }] }), [
    'code-invalid Observation.category[0]: Not a code of urn:v (required)',
  ]);
  assert.deepEqual(of({ interpretation: [{ text: 'x' }, { coding: [{ code: 'bad' }] }] }), [
    'warning code-invalid Observation.interpretation[1]: Not a code of urn:v (extensible)',
  ]);
  assert.deepEqual(of({ valueString: 'x' }), [
    'structure Observation.value.ofType(string): Not of a type that the profile allows',
  ]);
  assert.deepEqual(of({ valueQuantity: { value: 11, unit: 'long' } }), [
    'value Observation.value.ofType(Quantity).value: Outside the range of the profile',
    'too-long Observation.value.ofType(Quantity).unit: Longer than 3 characters',
  ]);
  const range = { low: { value: 1 } };
  assert.deepEqual(of({ referenceRange: [range], component: [{ code: { text: 'c' }, referenceRange: [range] }] }), [
    'required Observation.referenceRange[0].text: Required element is missing',
    'required Observation.component[0].referenceRange[0].text: Required element is missing',
  ]);
});

test('a profile that is asked for and not loaded is an error; one that is only declared is noted', () => {
  assert.deepEqual(baseSaid(OBSERVATION, { profiles: [P] }), [
    `not-supported Observation: The profile ${P} is not loaded`,
  ]);
  assert.deepEqual(baseSaid(OBSERVATION, { profiles: ['http://hl7.org/fhir/StructureDefinition/Observation'] }), []);
  const issues = base.validate({ ...OBSERVATION, meta: { profile: [P] } });
  assert.deepEqual(
    issues.map(({ severity, path }) => [severity, path]),
    [['information', 'Observation.meta.profile']],
  );
});

test("a Bundle's resources are held against what they declare when that is asked, and follow each other's references", () => {
  const validator = profiled([
    {
      path: 'Observation.subject',
      min: 1,
      max: '1',
      type: [{ code: 'Reference', targetProfile: ['http://hl7.org/fhir/StructureDefinition/Patient'] }],
    },
  ]);
  const bundle = (type: string, subject: object): object => ({
    ...{ resourceType: 'Bundle', type: 'collection' },
    entry: [
      { fullUrl: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520', resource: { resourceType: type } },
      {
        fullUrl: 'http://a.example/Observation/o',
        resource: { ...OBSERVATION, id: 'o', meta: { profile: [P] }, ...subject },
      },
    ],
  });
  const subject = { subject: { reference: 'urn:uuid:c757873d-ec9a-4326-a141-556f43239520' } };
  assert.deepEqual(said(validator, bundle('Patient', {}), {}), []);
  assert.deepEqual(said(validator, bundle('Patient', {}), { entries: true }), [
    'required Bundle.entry[1].resource.subject: Required element is missing',
  ]);
  assert.deepEqual(said(validator, bundle('Patient', subject), { entries: true }), []);
  assert.deepEqual(said(validator, bundle('Group', subject), { entries: true }), [
    'required Bundle.entry[0].resource.type: Required element is missing',
    'required Bundle.entry[0].resource.actual: Required element is missing',
    'structure Bundle.entry[1].resource.subject.reference: Refers to a type that the profile does not take',
  ]);
});
