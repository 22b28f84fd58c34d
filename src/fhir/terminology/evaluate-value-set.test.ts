import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTerminology } from './create-terminology.ts';
import { resourceSource } from './resource-source.ts';
import { createTerminologyStore } from './terminology-store.ts';

const S = 'http://example.org/animals';

/** Animals with two parents, properties of several types and a retired member. */
const ANIMALS = {
  resourceType: 'CodeSystem',
  url: S,
  version: '2',
  content: 'complete',
  caseSensitive: true,
  property: [
    { code: 'legs', type: 'integer' },
    { code: 'food', type: 'code' },
    { code: 'tame', type: 'boolean' },
  ],
  concept: [
    {
      code: 'animal',
      display: 'Animal',
      property: [{ code: 'notSelectable', valueBoolean: true }],
      concept: [
        {
          code: 'bird',
          display: 'Bird',
          property: [{ code: 'legs', valueInteger: 2 }],
          concept: [
            { code: 'duck', display: 'Duck', property: [{ code: 'tame', valueBoolean: true }] },
            { code: 'dodo', property: [{ code: 'status', valueCode: 'retired' }] },
          ],
        },
        {
          code: 'mammal',
          concept: [
            {
              code: 'cat',
              property: [
                { code: 'legs', valueInteger: 4 },
                { code: 'food', valueCode: 'duck' },
              ],
            },
            { code: 'platypus', property: [{ code: 'parent', valueCode: 'swimmer' }] },
          ],
        },
        { code: 'swimmer', property: [{ code: 'child', valueCode: 'duck' }] },
      ],
    },
    { code: 'constructor' },
    { code: '__proto__' },
  ],
};

type Compose = { include: object[]; exclude?: object[]; inactive?: boolean };

function terminologyOf(
  sets: Record<string, Compose | { expansion: object; compose?: Compose }>,
  others: object[] = [],
) {
  const resources = Object.entries(sets).map(([name, content]) => ({
    resourceType: 'ValueSet',
    url: `urn:vs:${name}`,
    status: 'active',
    ...('include' in content ? { compose: content } : content),
  }));
  return createTerminology(createTerminologyStore(() => [resourceSource([ANIMALS, ...others, ...resources])]));
}

const ALL = ['animal', 'bird', 'duck', 'dodo', 'mammal', 'cat', 'platypus', 'swimmer', 'constructor', '__proto__'];

/** Codes of the animals that are members; all others must be absent. */
function membersOf(compose: Compose): string[] {
  const terminology = terminologyOf({ x: compose });
  return ALL.filter((code) => {
    const answer = terminology.inValueSet('urn:vs:x', { system: S, code });
    assert.notEqual(answer, 'unknown', code);
    return answer === 'member';
  });
}

function filtered(property: string, op: string, value: string): string[] {
  return membersOf({ include: [{ system: S, filter: [{ property, op, value }] }] });
}

test('each operator of a filter', () => {
  assert.deepEqual(filtered('concept', 'is-a', 'bird'), ['bird', 'duck', 'dodo']);
  assert.deepEqual(filtered('concept', 'is-a', 'swimmer'), ['duck', 'platypus', 'swimmer']);
  assert.deepEqual(filtered('concept', 'descendent-of', 'swimmer'), ['duck', 'platypus']);
  assert.deepEqual(filtered('concept', 'is-not-a', 'animal'), ['constructor', '__proto__']);
  assert.deepEqual(filtered('concept', 'generalizes', 'duck'), ['animal', 'bird', 'duck', 'swimmer']);
  assert.deepEqual(filtered('legs', '=', '4'), ['cat']);
  assert.deepEqual(filtered('tame', '=', 'true'), ['duck']);
  assert.deepEqual(filtered('parent', '=', 'swimmer'), ['duck', 'platypus']);
  assert.deepEqual(filtered('child', '=', 'dodo'), ['bird']);
  assert.deepEqual(filtered('code', 'in', 'duck, cat,nobody'), ['duck', 'cat']);
  assert.deepEqual(filtered('legs', 'not-in', '2,4'), [
    'animal',
    'duck',
    'dodo',
    'mammal',
    'platypus',
    'swimmer',
    'constructor',
    '__proto__',
  ]);
  assert.deepEqual(filtered('food', 'exists', 'true'), ['cat']);
  assert.deepEqual(filtered('legs', 'exists', 'false').length, 8);
  assert.deepEqual(filtered('code', 'regex', 'd.+'), ['duck', 'dodo']);
  assert.deepEqual(filtered('display', 'regex', '[A-Z].*'), ['animal', 'bird', 'duck']);
});

test('filters that are not evaluated make unknown, never absent or member', () => {
  const filters = [
    ['concept', 'is-a', 'nobody'],
    ['colour', '=', 'red'],
    ['constructor', 'exists', 'true'],
    ['concept', 'child-of', 'bird'],
    ['legs', 'exists', 'maybe'],
    ['code', 'regex', '(?=a)b'],
    ['code', 'regex', 'a'.repeat(500)],
  ] as const;
  for (const [property, op, value] of filters) {
    const terminology = terminologyOf({ x: { include: [{ system: S, filter: [{ property, op, value }] }] } });
    assert.equal(terminology.inValueSet('urn:vs:x', { system: S, code: 'duck' }), 'unknown', op);
    assert.equal(terminology.inValueSet('urn:vs:x', { system: 'urn:other', code: 'duck' }), 'absent');
    assert.equal(terminology.members('urn:vs:x')?.gaps[0]?.reason, 'filter not evaluated');
  }
});

test('several filters must all hold; includes are joined, excludes taken off', () => {
  const isA = (value: string) => ({ property: 'concept', op: 'is-a', value });
  assert.deepEqual(membersOf({ include: [{ system: S, filter: [isA('bird'), isA('swimmer')] }] }), ['duck']);
  assert.deepEqual(
    membersOf({
      include: [
        { system: S, filter: [isA('bird')] },
        { system: S, concept: [{ code: 'cat' }] },
      ],
    }),
    ['bird', 'duck', 'dodo', 'cat'],
  );
  assert.deepEqual(
    membersOf({
      include: [{ system: S }],
      exclude: [
        { system: S, filter: [isA('animal')] },
        { system: S, concept: [{ code: 'constructor' }] },
      ],
    }),
    ['__proto__'],
  );
  assert.deepEqual(membersOf({ inactive: false, include: [{ system: S, filter: [isA('bird')] }] }), ['bird', 'duck']);
  assert.deepEqual(membersOf({ inactive: false, include: [{ system: S }] }).includes('dodo'), false);
});

test('prototype names are codes where they are defined, and nowhere else', () => {
  assert.deepEqual(membersOf({ include: [{ system: S, concept: [{ code: 'duck' }] }] }), ['duck']);
  const terminology = terminologyOf({ x: { include: [{ system: S }] } });
  for (const code of ['toString', 'hasOwnProperty', 'valueOf'])
    assert.equal(terminology.inValueSet('urn:vs:x', { code }), 'absent');
  assert.equal(terminology.inValueSet('urn:vs:x', { code: '__proto__' }), 'member');
  for (const url of ['constructor', '__proto__', 'toString'])
    assert.equal(terminology.inValueSet(url, { code: 'x' }), 'unknown');
});

test('value sets in one include intersect, over includes they join', () => {
  const sets = {
    birds: { include: [{ system: S, filter: [{ property: 'concept', op: 'is-a', value: 'bird' }] }] },
    swimmers: { include: [{ system: S, filter: [{ property: 'concept', op: 'is-a', value: 'swimmer' }] }] },
    both: { include: [{ valueSet: ['urn:vs:birds', 'urn:vs:swimmers'] }] },
    any: { include: [{ valueSet: ['urn:vs:birds'] }, { valueSet: ['urn:vs:swimmers'] }] },
    listed: { include: [{ system: S, concept: [{ code: 'dodo' }, { code: 'cat' }], valueSet: ['urn:vs:birds'] }] },
    gone: { include: [{ system: S, concept: [{ code: 'dodo' }], valueSet: ['urn:vs:nobody'] }] },
  };
  const terminology = terminologyOf(sets);
  const of = (name: string) =>
    ALL.filter((code) => terminology.inValueSet(`urn:vs:${name}`, { system: S, code }) === 'member');
  assert.deepEqual(of('both'), ['duck']);
  assert.deepEqual(of('any'), ['bird', 'duck', 'dodo', 'platypus', 'swimmer']);
  assert.deepEqual(of('listed'), ['dodo']);
  assert.equal(terminology.inValueSet('urn:vs:gone', { system: S, code: 'dodo' }), 'unknown');
  assert.equal(terminology.inValueSet('urn:vs:gone', { system: S, code: 'cat' }), 'absent');
});

test('value sets that import each other are unknown, and do not hang', () => {
  const deep = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`d${n}`, { include: [{ valueSet: [`urn:vs:d${n + 1}`] }] }]),
  );
  const terminology = terminologyOf({
    a: { include: [{ valueSet: ['urn:vs:b'] }, { system: S, concept: [{ code: 'cat' }] }] },
    b: { include: [{ valueSet: ['urn:vs:a'] }] },
    self: { include: [{ valueSet: ['urn:vs:self'] }] },
    ...deep,
    d40: { include: [{ system: S }] },
  });
  assert.equal(terminology.inValueSet('urn:vs:a', { system: S, code: 'duck' }), 'unknown');
  assert.equal(terminology.inValueSet('urn:vs:a', { system: S, code: 'cat' }), 'member');
  assert.equal(terminology.inValueSet('urn:vs:self', { code: 'duck' }), 'unknown');
  assert.equal(terminology.members('urn:vs:self')?.gaps[0]?.reason, 'value sets import each other');
  assert.equal(terminology.inValueSet('urn:vs:d0', { system: S, code: 'duck' }), 'unknown');
  assert.equal(terminology.inValueSet('urn:vs:d30', { system: S, code: 'duck' }), 'member');
  assert.equal(terminology.inValueSet('urn:vs:d25', { system: S, code: 'duck' }), 'member');
});

test('a system that is not here: listed codes are members, all else of it is unknown, other systems are absent', () => {
  const terminology = terminologyOf({
    listed: { include: [{ system: 'http://loinc.org', concept: [{ code: '1-8' }] }] },
    whole: { include: [{ system: 'http://loinc.org' }, { system: S }] },
    less: {
      include: [{ system: S }],
      exclude: [{ system: S, filter: [{ property: 'colour', op: '=', value: 'red' }] }],
    },
    twice: {
      include: [{ system: 'http://loinc.org' }],
      exclude: [{ system: 'http://loinc.org', concept: [{ code: '1-8' }] }],
    },
  });
  const ask = (set: string, system: string, code: string) => terminology.inValueSet(`urn:vs:${set}`, { system, code });
  assert.equal(ask('listed', 'http://loinc.org', '1-8'), 'member');
  assert.equal(ask('listed', 'http://loinc.org', '2-6'), 'absent');
  assert.equal(ask('whole', 'http://loinc.org', '2-6'), 'unknown');
  assert.equal(ask('whole', S, 'duck'), 'member');
  assert.equal(ask('whole', S, 'goose'), 'absent');
  assert.equal(ask('whole', 'urn:x', 'goose'), 'absent');
  assert.equal(terminology.inValueSet('urn:vs:whole', { code: 'goose' }), 'unknown');
  assert.equal(ask('less', S, 'duck'), 'unknown');
  assert.equal(ask('less', 'urn:x', 'duck'), 'absent');
  assert.equal(ask('twice', 'http://loinc.org', '1-8'), 'absent');
});

test('a fragment tells of what it has, and leaves open what it has not', () => {
  const fragment = { ...ANIMALS, url: 'urn:part', content: 'fragment' };
  const filter = [{ property: 'concept', op: 'is-a', value: 'bird' }];
  const terminology = terminologyOf(
    {
      whole: { include: [{ system: 'urn:part' }] },
      filtered: { include: [{ system: 'urn:part', filter }] },
      listed: { include: [{ system: 'urn:far' }, { system: 'urn:far', concept: [{ code: 'x' }] }] },
    },
    [fragment],
  );
  const ask = (set: string, code: string) => terminology.inValueSet(`urn:vs:${set}`, { system: 'urn:part', code });
  assert.deepEqual([ask('whole', 'duck'), ask('whole', 'goose')], ['member', 'unknown']);
  assert.deepEqual(
    [ask('filtered', 'duck'), ask('filtered', 'goose'), ask('filtered', 'cat')],
    ['member', 'unknown', 'unknown'],
  );
  // A code that a value set lists is one, also where all of its system is let in and none of it is here.
  assert.equal(terminology.inValueSet('urn:vs:listed', { system: 'urn:far', code: 'x' }), 'member');
});

test('codes are compared as the system says; versions as they are named', () => {
  const loose = {
    resourceType: 'CodeSystem',
    url: 'urn:loose',
    version: '1',
    content: 'complete',
    caseSensitive: false,
    concept: [{ code: 'Yes' }, { code: 'No' }],
  };
  const older = { ...ANIMALS, version: '1', concept: [{ code: 'dragon' }] };
  const terminology = terminologyOf(
    {
      whole: { include: [{ system: 'urn:loose' }], exclude: [{ system: 'urn:loose', concept: [{ code: 'NO' }] }] },
      listed: { include: [{ system: 'urn:loose', concept: [{ code: 'yES' }] }] },
      v1: { include: [{ system: S, version: '1' }] },
      v2: { include: [{ system: S, version: '2' }] },
      v3: { include: [{ system: S, version: '3' }] },
    },
    [older, ANIMALS, loose],
  );
  const ask = (set: string, system: string, code: string) => terminology.inValueSet(`urn:vs:${set}`, { system, code });
  for (const code of ['yes', 'YES', 'Yes']) {
    assert.equal(ask('whole', 'urn:loose', code), 'member');
    assert.equal(ask('listed', 'urn:loose', code), 'member');
  }
  assert.equal(ask('whole', 'urn:loose', 'no'), 'absent');
  assert.equal(ask('v2', S, 'DUCK'), 'absent');
  assert.equal(ask('v1', S, 'dragon'), 'member');
  assert.equal(ask('v1', S, 'duck'), 'absent');
  assert.equal(ask('v2', S, 'duck'), 'member');
  assert.equal(ask('v3', S, 'duck'), 'unknown');
  assert.equal(terminology.inValueSet('urn:vs:v1|7', { system: S, code: 'dragon' }), 'unknown');
});

test('an expansion that came along answers where compose cannot', () => {
  const contains = [
    { abstract: true, display: 'group', contains: [{ system: 'urn:far', code: 'a' }] },
    { system: 'urn:far', code: 'b', contains: [{ system: 'urn:far', code: 'c' }] },
    { system: 'urn:far', code: 'not-to-choose', abstract: true },
  ];
  const compose = { include: [{ system: 'urn:far', filter: [{ property: 'x', op: '=', value: 'y' }] }] };
  const terminology = terminologyOf({
    whole: { compose, expansion: { contains } },
    alone: { expansion: { contains } },
    cut: { compose, expansion: { total: 900, contains } },
    page: { compose, expansion: { offset: 10, contains } },
    open: {
      compose,
      expansion: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/valueset-toocostly' }], contains },
    },
    computed: { compose: { include: [{ system: S }] }, expansion: { contains } },
  });
  const ask = (set: string, code: string) => terminology.inValueSet(`urn:vs:${set}`, { system: 'urn:far', code });
  for (const set of ['whole', 'alone'])
    assert.deepEqual(
      ['a', 'b', 'c', 'not-to-choose', 'd'].map((code) => ask(set, code)),
      ['member', 'member', 'member', 'absent', 'absent'],
    );
  for (const set of ['cut', 'page', 'open']) assert.deepEqual([ask(set, 'a'), ask(set, 'd')], ['member', 'unknown']);
  assert.equal(ask('computed', 'a'), 'absent');
});

test('malformed definitions are as good as none', () => {
  const broken = [
    { resourceType: 'ValueSet', url: 'urn:vs:1', compose: { include: [{ concept: [{ code: 'x' }] }] } },
    { resourceType: 'ValueSet', url: 'urn:vs:2', compose: { include: [{ system: S, filter: [{}] }] } },
    { resourceType: 'ValueSet', url: 'urn:vs:3', compose: { include: [{ valueSet: [7] }] } },
    { resourceType: 'ValueSet', url: 'urn:vs:4', compose: 7, expansion: [] },
    {
      resourceType: 'CodeSystem',
      url: 'urn:cs',
      content: 'complete',
      concept: [null, 7, { code: 4 }, { code: 'x', concept: 'y', property: [{ code: 'parent', valueCode: 'x' }] }],
    },
    { resourceType: 'ValueSet', url: 'urn:vs:5', compose: { include: [{ system: 'urn:cs' }] } },
    { resourceType: 'Patient' },
  ];
  const terminology = terminologyOf({}, broken);
  for (const n of [1, 2, 3, 4]) assert.equal(terminology.inValueSet(`urn:vs:${n}`, { code: 'x' }), 'unknown');
  assert.equal(terminology.inValueSet('urn:vs:5', { system: 'urn:cs', code: 'x' }), 'member');
});

test('a circle in a hierarchy ends', () => {
  const concept = [
    { code: 'a', property: [{ code: 'parent', valueCode: 'b' }] },
    { code: 'b', property: [{ code: 'parent', valueCode: 'a' }] },
  ];
  const terminology = terminologyOf(
    { x: { include: [{ system: 'urn:round', filter: [{ property: 'concept', op: 'descendent-of', value: 'a' }] }] } },
    [{ resourceType: 'CodeSystem', url: 'urn:round', content: 'complete', concept }],
  );
  assert.equal(terminology.inValueSet('urn:vs:x', { system: 'urn:round', code: 'b' }), 'member');
});
