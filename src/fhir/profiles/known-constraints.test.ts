import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import fc from 'fast-check';
import type { CompactDefinitions } from '../definitions/definitions.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { evaluateInvariant } from './fhirpath-engine.ts';
import { KNOWN_EXPRESSIONS, knownConstraint, startsAfter } from './known-constraints.ts';
import { typeRules } from './type-rules.ts';
import { createIssueSink } from './validation-issue.ts';
import { containerOf, type Node, type Walk } from './walk.ts';

let definitions: CompactDefinitions;
before(async () => {
  definitions = await loadDefinitions();
});

const text = fc.constantFrom('a', 'b', 'resolved', 'entered-in-error');
const system = fc.constantFrom(
  'http://terminology.hl7.org/CodeSystem/condition-clinical',
  'http://terminology.hl7.org/CodeSystem/condition-ver-status',
  'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification',
);
const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 });
const list = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[] | undefined> =>
  some(fc.array(value, { minLength: 1, maxLength: 2 }));
const extended = some(fc.constant({ extension: [{ url: 'http://e', valueCode: 'a' }] }));
const concept = fc.record({
  coding: list(fc.oneof(fc.record({ system, code: text }), fc.record({ code: text, display: some(text) }))),
  text: some(text),
});
const contained = list(
  fc.record({
    resourceType: fc.constant('Basic'),
    id: fc.constant('b'),
    meta: some(
      fc.record({
        versionId: some(text),
        lastUpdated: some(fc.constant('2020-01-01T00:00:00Z')),
        security: list(fc.record({ code: text })),
      }),
    ),
    contained: list(fc.constant({ resourceType: 'Basic' })),
  }),
);

/** Where FHIRPath stands for an expression, and what there may be. */
const PLACES: readonly [RegExp, string, fc.Arbitrary<object>][] = [
  [
    /^extension\.exists/,
    'Extension',
    fc.record({
      url: fc.constant('x'),
      extension: list(fc.constant({ url: 'y', valueCode: 'z' })),
      valueString: some(text),
      _valueString: extended,
    }),
  ],
  [/^code\.empty\(\) or system/, 'Quantity', fc.record({ code: some(text), _code: extended, system: some(text) })],
  [/^contained/, 'Observation', fc.record({ resourceType: fc.constant('Observation'), contained })],
  [
    /^dataAbsent|^value\.empty\(\) or component/,
    'Observation',
    fc.record({
      resourceType: fc.constant('Observation'),
      code: concept,
      valueString: some(text),
      dataAbsentReason: some(concept),
      component: list(fc.record({ code: concept })),
    }),
  ],
  [
    /^low\.exists/,
    'Observation.referenceRange',
    fc.record({
      low: some(fc.constant({ value: 1 })),
      high: some(fc.constant({ value: 1 })),
      text: some(text),
      _text: extended,
    }),
  ],
  [
    /^start/,
    'Period',
    fc.record({
      start: some(fc.constantFrom('2020', '2021', '2022')),
      end: some(fc.constantFrom('2020', '2021', '2022')),
      _end: extended,
    }),
  ],
  [
    /^name\.exists/,
    'Patient.contact',
    fc.record({
      name: some(fc.constant({ text: 'x' })),
      telecom: list(fc.constant({ value: '1', system: 'phone' })),
      address: some(fc.constant({ text: 'x' })),
      organization: some(fc.constant({ display: 'x' })),
    }),
  ],
  [
    /^value\.empty\(\) or system/,
    'ContactPoint',
    fc.record({ value: some(text), _value: extended, system: some(text), _system: extended }),
  ],
  [
    /^abatement|condition-ver-status/,
    'Condition',
    fc.record({
      resourceType: fc.constant('Condition'),
      abatementString: some(text),
      clinicalStatus: some(concept),
      verificationStatus: some(concept),
    }),
  ],
  [
    /^verificationStatus/,
    'AllergyIntolerance',
    fc.record({
      resourceType: fc.constant('AllergyIntolerance'),
      clinicalStatus: some(concept),
      verificationStatus: some(concept),
    }),
  ],
  [
    /^\(identifier\.count/,
    'Organization',
    fc.record({
      resourceType: fc.constant('Organization'),
      identifier: list(fc.constant({ value: 'x' })),
      name: some(text),
      _name: extended,
    }),
  ],
  [
    /^resource\.groupingId/,
    'ImplementationGuide.definition',
    fc.record({
      grouping: list(fc.record({ id: text, name: text })),
      resource: list(fc.record({ groupingId: some(text) })),
    }),
  ],
  [
    /^definition\.resource/,
    'ImplementationGuide',
    fc.record({
      resourceType: fc.constant('ImplementationGuide'),
      fhirVersion: list(fc.constantFrom('4.0.1', '4.0.0')),
      definition: some(
        fc.record({ resource: list(fc.record({ fhirVersion: list(fc.constantFrom('4.0.1', '4.0.0')) })) }),
      ),
    }),
  ],
];

test('property: what is decided without FHIRPath is decided as FHIRPath does', () => {
  for (const expression of KNOWN_EXPRESSIONS) {
    const [, base, arbitrary] = PLACES.find(([pattern]) => pattern.test(expression)) ?? assert.fail(expression);
    const known = knownConstraint(expression);
    const seen = new Set<string>();
    fc.assert(
      fc.property(arbitrary, (made) => {
        const node = JSON.parse(JSON.stringify(made)) as Node;
        const resource = 'resourceType' in node ? node : { resourceType: 'Basic' };
        const walk: Walk = {
          rules: typeRules(definitions),
          sink: createIssueSink(1),
          path: [],
          budget: { steps: 1, invariants: 1 },
          container: containerOf(resource),
          resource,
        };
        const verdict = evaluateInvariant(expression, base, node, walk);
        seen.add(verdict);
        assert.equal(known?.(node, resource) === true ? 'holds' : 'fails', verdict, JSON.stringify(node));
      }),
      { numRuns: 1_500 },
    );
    assert.deepEqual([...seen].sort(), ['fails', 'holds'], expression);
  }
});

test('every expression that is decided without FHIRPath is one of R4', () => {
  const all = new Set(definitions.constraints.map(([, expression]) => expression));
  assert.deepEqual(
    KNOWN_EXPRESSIONS.filter((expression) => !all.has(expression)),
    [],
  );
});

test('a period ends after it starts, as far as partial dates tell', () => {
  const after: readonly [string, string][] = [
    ['2021', '2020'],
    ['2020-02', '2020-01-31'],
    ['2020-01-01T10:00:00Z', '2020-01-01T09:59:59Z'],
    ['2020-01-01T10:00:00-05:00', '2020-01-01T14:00:00Z'],
  ];
  const fine: readonly [string, string][] = [
    ['2020', '2020-01'],
    ['2020-06', '2020'],
    ['2020-01-01', '2020-01-01T00:00:00Z'],
    ['2020-01-01T23:00:00Z', '2020-01-01'],
    ['2020-01-01T10:00:00+02:00', '2020-01-01T09:00:00Z'],
    ['2020', '2021'],
  ];
  for (const [start, end] of after) assert.ok(startsAfter(start, end), `${start} ${end}`);
  for (const [start, end] of fine) assert.ok(!startsAfter(start, end), `${start} ${end}`);
});
