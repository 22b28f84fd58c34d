import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ElementDefinition } from '@medplum/fhirtypes';
import fc from 'fast-check';
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

test('invariants fetch nothing, print nothing, and say when they cannot be evaluated', (t) => {
  const print = t.mock.method(console, 'log', () => {});
  const fetched = t.mock.method(globalThis, 'fetch', () => assert.fail('fetched'));
  const rule = (key: string, expression: string): ElementDefinition => ({
    path: 'Observation.subject',
    min: 0,
    max: '1',
    constraint: [{ key, severity: 'error', expression, human: 'x' }],
  });
  const of = (expression: string, subject: object): string[] =>
    profiled([rule('x-1', expression)])
      .validate(
        {
          ...OBSERVATION,
          contained: [{ resourceType: 'Patient', id: 'p', active: true }],
          performer: [{ reference: '#p' }],
          subject,
        },
        { profiles: [P] },
      )
      .map(({ severity, text }) => `${severity} ${text}`);
  const failed = ['error x-1: the rule does not hold'];
  assert.deepEqual(of('resolve() is Patient', { reference: 'http://127.0.0.1:9/Patient/1' }), []);
  assert.deepEqual(of('resolve() is Group', { reference: 'http://127.0.0.1:9/Patient/1' }), failed);
  assert.deepEqual(of('resolve().active', { reference: '#p' }), []);
  assert.deepEqual(of('resolve().exists()', { reference: 'http://127.0.0.1:9/unknown' }), failed);
  assert.deepEqual(of("trace('x').exists() and %resource.status.trace('y') = 'final'", { display: 'x' }), []);
  assert.deepEqual(of("display.matches('^x$')", { display: 'x' }), []);
  assert.deepEqual(of('no such (', { display: 'x' }), ['information x-1: the rule cannot be evaluated here']);
  assert.deepEqual(of('%nothing', { display: 'x' }), ['information x-1: the rule cannot be evaluated here']);
  assert.deepEqual([print.mock.callCount(), fetched.mock.callCount()], [0, 0]);
});

test('slices that need whole comparisons stay bounded', () => {
  const many = Array.from({ length: 60 }, (_, at) => slice(`S${at}`, `s${at}`)).flat();
  const validator = profiled([byText('closed'), ...many]);
  const start = performance.now();
  const found = said(validator, categories(...Array.from({ length: 5_000 }, (_, at) => `no ${at}`)));
  assert.ok(performance.now() - start < 5_000);
  assert.equal(found.length, 20);
});

test('invariants that cost the product of a list, or that are too many, stay bounded', () => {
  const head = { resourceType: 'CodeSystem', status: 'active', content: 'complete' };
  const concept = Array.from({ length: 20_000 }, (_, at) => ({ code: `c${at}` }));
  const start = performance.now();
  assert.deepEqual(baseSaid({ ...head, concept }), []);
  assert.deepEqual(baseSaid({ ...head, concept: [...concept, { code: 'c7' }] }), [
    'invariant CodeSystem: csd-1: the rule does not hold',
  ]);
  const item = Array.from({ length: 8_000 }, (_, at) => ({ linkId: `i${at}`, type: 'string' }));
  assert.deepEqual(
    baseSaid({ resourceType: 'Questionnaire', status: 'active', item }).map((line) => line.split(' ')[0]),
    ['too-costly'],
  );
  assert.ok(performance.now() - start < 20_000);
});

test('memberOf in an invariant asks the terminology, and what it cannot tell is not held against the resource', () => {
  const terminology: Terminology = {
    inValueSet: (valueSet, { code }) =>
      valueSet !== 'urn:v' ? 'unknown' : code === 'good' || code === 'final' ? 'member' : 'absent',
  };
  const of = (set: string, code: string): string[] =>
    said(
      profiled(
        [
          {
            path: 'Observation.method',
            min: 0,
            max: '1',
            constraint: [{ key: 'x-1', severity: 'error', expression: `memberOf('${set}')`, human: 'x' }],
          },
        ],
        [],
        terminology,
      ),
      { ...OBSERVATION, method: { coding: [{ code }] } },
    );
  assert.deepEqual(of('urn:v', 'good'), []);
  assert.deepEqual(of('urn:other', 'bad'), []);
  assert.deepEqual(of('urn:v', 'bad'), ['invariant Observation.method: x-1: the rule does not hold']);
});

test('one wrong resource gets no endless answer, and no value of it', () => {
  const secret = 'Doe\u0000';
  const issues = base.validate({
    ...OBSERVATION,
    category: Array.from({ length: 500 }, () => ({ text: secret })),
    note: [{ text: secret, authorString: '' }],
  });
  assert.equal(issues.length, 20);
  assert.ok(!JSON.stringify(issues).includes('Doe'));
});

test('property: junk anywhere in a resource with a profile is told of, and never fails', () => {
  const validator = profiled([
    byText('closed'),
    ...slice('A', 'a', { min: 1 }),
    {
      path: 'Observation.component',
      min: 1,
      max: '3',
      slicing: {
        discriminator: [
          { type: 'value', path: 'code.coding.code' },
          { type: 'exists', path: "extension('http://e')" },
        ],
        rules: 'open',
      },
    },
    { path: 'Observation.component', sliceName: 'c', min: 1, max: '1' },
    { path: 'Observation.component.code', min: 1, max: '1' },
    { path: 'Observation.component.code.coding', min: 1, max: '*' },
    { path: 'Observation.component.code.coding.code', min: 1, max: '1', fixedCode: 'c' },
  ]);
  const names = [
    'category',
    'component',
    'code',
    'coding',
    'text',
    '_text',
    'extension',
    'url',
    'contained',
    'subject',
    'reference',
    'resourceType',
    'id',
    'meta',
    'profile',
    'valueString',
    'div',
    'constructor',
  ];
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      fc.constantFrom<unknown>(null, 0, '', ' ', 'a', '#', '#a', 'Observation', P, true, [], {}),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('tree'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), tree, { maxKeys: 6 }), (made) => {
      const resource = JSON.parse(JSON.stringify({ ...made, resourceType: 'Observation' }));
      const before = JSON.stringify(resource);
      assert.ok(
        validator.validate(resource, { profiles: [P], entries: true }).some(({ severity }) => severity === 'error'),
      );
      assert.equal(JSON.stringify(resource), before);
    }),
    { numRuns: process.env.ACESO_LONG ? 20_000 : 1_000 },
  );
});
