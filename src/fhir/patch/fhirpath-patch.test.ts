import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isReject } from '../../std/reject.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';

const definitions = await loadDefinitions();

type Part = Record<string, unknown>;
type Given = readonly [type: string, path: string, ...parts: Part[]];

const name = (valueString: string): Part => ({ name: 'name', valueString });
const value = (of: Part): Part => ({ name: 'value', ...of });
const at = (valueInteger: number, part = 'index'): Part => ({ name: part, valueInteger });
const identifier = (n: number): string => `{"system":"http://example.org","value":"value ${n}"}`;
const identifiers = (...numbers: number[]): string =>
  `{"resourceType":"Patient","identifier":[${numbers.map(identifier).join(',')}]}`;
const move = (from: number, to: number): Given => [
  'move',
  'Patient.identifier',
  at(from, 'source'),
  at(to, 'destination'),
];

function parameters(operations: readonly Given[]): string {
  const parameter = operations.map(([type, path, ...parts]) => ({
    name: 'operation',
    part: [{ name: 'type', valueCode: type }, { name: 'path', valueString: path }, ...parts],
  }));
  return JSON.stringify({ resourceType: 'Parameters', ...(parameter.length === 0 ? {} : { parameter }) });
}

async function outcomeOf(document: string, patch: string): Promise<string> {
  try {
    return await applyFhirPathPatch(document, patch, definitions);
  } catch (thrown) {
    if (isReject(thrown)) return thrown.code;
    throw thrown;
  }
}

const PATIENT = '{"resourceType":"Patient"}';
const BORN = '{"resourceType":"Patient","birthDate":"1920-01-01"}';
const CONTACT = '{"resourceType":"Patient","contact":[{"name":{"text":"a name"},"gender":"male"}]}';
const MARRIED = '{"resourceType":"Patient","maritalStatus":{"id":"1","text":"married"}}';
const HALF = '{"resourceType":"Patient","name":[{"_given":[{"id":"x"},{"id":"y"}]}]}';
const WEIGHT =
  '{"resourceType":"Observation","status":"final","valueQuantity":{"value":1.10,"unit":"g"},"note":[{"text":"x"}]}';
const NAMED = '{"resourceType":"Patient","name":[{"given":["a",null,"c"],"_given":[null,{"id":"x"},null]}]}';

/** The cases that HL7 publishes for FHIRPath Patch (fhir-test-cases, r4/patch), written as JSON, and our own. */
const cases: readonly (readonly [title: string, document: string, operations: readonly Given[], outcome: string])[] = [
  ['No Difference', BORN, [], BORN],
  [
    'Replace Primitive',
    BORN,
    [['replace', 'Patient.birthDate', value({ valueDate: '1930-01-01' })]],
    BORN.replace('1920', '1930'),
  ],
  ['Delete Primitive', BORN, [['delete', 'Patient.birthDate']], PATIENT],
  [
    'Add Primitive',
    PATIENT,
    [['add', 'Patient', name('birthDate'), value({ valueDate: '1930-01-01' })]],
    BORN.replace('1920', '1930'),
  ],
  [
    'Replace Nested Primitive #1',
    CONTACT,
    [['replace', 'Patient.contact[0].gender', value({ valueCode: 'female' })]],
    CONTACT.replace('"male"', '"female"'),
  ],
  [
    'Replace Nested Primitive #2',
    CONTACT,
    [['replace', 'Patient.contact[0].name.text', value({ valueString: 'the name' })]],
    CONTACT.replace('a name', 'the name'),
  ],
  [
    'Delete Nested Primitive #1',
    CONTACT,
    [['delete', 'Patient.contact[0].gender']],
    '{"resourceType":"Patient","contact":[{"name":{"text":"a name"}}]}',
  ],
  [
    'Delete Nested Primitive #2',
    CONTACT,
    [['delete', 'Patient.contact[0].name.text']],
    '{"resourceType":"Patient","contact":[{"gender":"male"}]}',
  ],
  [
    'Add Nested Primitive',
    '{"resourceType":"Patient","contact":[{"name":{"text":"a name"}}]}',
    [['add', 'Patient.contact[0]', name('gender'), value({ valueCode: 'male' })]],
    CONTACT,
  ],
  [
    'Add Complex',
    PATIENT,
    [['add', 'Patient', name('maritalStatus'), value({ valueCodeableConcept: { text: 'married' } })]],
    '{"resourceType":"Patient","maritalStatus":{"text":"married"}}',
  ],
  [
    'Replace Complex',
    MARRIED,
    [['replace', 'Patient.maritalStatus', value({ valueCodeableConcept: { id: '2', text: 'not married' } })]],
    '{"resourceType":"Patient","maritalStatus":{"id":"2","text":"not married"}}',
  ],
  ['Delete Complex', MARRIED, [['delete', 'Patient.maritalStatus']], PATIENT],
  [
    'Add Anonymous Type',
    PATIENT,
    [['add', 'Patient', name('contact'), value({ part: [{ name: 'name', valueHumanName: { text: 'a name' } }] })]],
    '{"resourceType":"Patient","contact":[{"name":{"text":"a name"}}]}',
  ],
  ['Delete Anonymous Type', CONTACT, [['delete', 'Patient.contact[0]']], PATIENT],
  [
    'List unchanged, contents changed',
    identifiers(1, 2),
    [
      ['replace', 'Patient.identifier[0].value', value({ valueString: 'value 2' })],
      ['replace', 'Patient.identifier[1].value', value({ valueString: 'value 1' })],
    ],
    identifiers(2, 1),
  ],
  [
    'Add to list',
    identifiers(1, 2),
    [['insert', 'Patient.identifier', at(2), value({ valueIdentifier: JSON.parse(identifier(3)) })]],
    identifiers(1, 2, 3),
  ],
  [
    'Insert in list #1',
    identifiers(1, 2),
    [['insert', 'Patient.identifier', at(1), value({ valueIdentifier: JSON.parse(identifier(3)) })]],
    identifiers(1, 3, 2),
  ],
  [
    'Insert in list #2',
    identifiers(1, 2),
    [['insert', 'Patient.identifier', at(0), value({ valueIdentifier: JSON.parse(identifier(3)) })]],
    identifiers(3, 1, 2),
  ],
  ['Delete from List #1', identifiers(1, 2, 3), [['delete', 'Patient.identifier[0]']], identifiers(2, 3)],
  ['Delete from List #2', identifiers(1, 2, 3), [['delete', 'Patient.identifier[1]']], identifiers(1, 3)],
  ['Delete from List #3', identifiers(1, 2, 3), [['delete', 'Patient.identifier[2]']], identifiers(1, 2)],
  ['Reorder List #1', identifiers(1, 2, 3, 4), [move(3, 1)], identifiers(1, 4, 2, 3)],
  ['Reorder List #2', identifiers(1, 2, 3, 4), [move(3, 0)], identifiers(4, 1, 2, 3)],
  ['Reorder List #3', identifiers(1, 2, 3, 4), [move(3, 2)], identifiers(1, 2, 4, 3)],
  ['Reorder List #4', identifiers(1, 2, 3, 4), [move(0, 3)], identifiers(2, 3, 4, 1)],
  ['Reorder List #5', identifiers(1, 2, 3, 4), [move(1, 0), move(2, 1)], identifiers(2, 3, 1, 4)],
  ['Reorder List #6', identifiers(1, 2, 3, 4), [move(3, 0), move(3, 1), move(3, 2)], identifiers(4, 3, 2, 1)],
  [
    'Operation on missing element',
    '{"resourceType":"Patient","identifier":[{"use":"official","value":"123"}]}',
    [['add', "Patient.identifier.where(use = 'official').period", name('end'), value({ valueDate: '2021-12-01' })]],
    'PATCH_PATH_UNMATCHED',
  ],
  [
    'Operation on missing element #2',
    PATIENT,
    [['add', 'Patient', name('identifier'), value({ valueIdentifier: JSON.parse(identifier(3)) })]],
    identifiers(3),
  ],
  [
    'add appends to a list',
    identifiers(1),
    [['add', 'Patient', name('identifier'), value({ valueIdentifier: JSON.parse(identifier(2)) })]],
    identifiers(1, 2),
  ],
  [
    'add of what does not repeat and is there',
    BORN,
    [['add', 'Patient', name('birthDate'), value({ valueDate: '1930-01-01' })]],
    'PATCH_ELEMENT_EXISTS',
  ],
  [
    'a second value of a choice',
    WEIGHT,
    [['add', 'Observation', name('value'), value({ valueString: 'x' })]],
    'PATCH_ELEMENT_EXISTS',
  ],
  [
    'a choice added by its name',
    '{"resourceType":"Observation"}',
    [['add', 'Observation', name('value'), value({ valueQuantity: { unit: 'g' } })]],
    '{"resourceType":"Observation","valueQuantity":{"unit":"g"}}',
  ],
  [
    'a choice added as the definition writes it',
    PATIENT,
    [['add', 'Patient', name('deceased[x]'), value({ valueBoolean: true })]],
    '{"resourceType":"Patient","deceasedBoolean":true}',
  ],
  [
    'a choice added with its type',
    PATIENT,
    [['add', 'Patient', name('deceasedBoolean'), value({ valueBoolean: true })]],
    '{"resourceType":"Patient","deceasedBoolean":true}',
  ],
  [
    'a type that the choice does not have',
    PATIENT,
    [['add', 'Patient', name('deceased'), value({ valueString: 'x' })]],
    'PATCH_INVALID',
  ],
  [
    'a choice replaced by another type, in its place',
    WEIGHT,
    [['replace', 'Observation.value', value({ valueString: 'heavy' })]],
    '{"resourceType":"Observation","status":"final","valueString":"heavy","note":[{"text":"x"}]}',
  ],
  [
    'an element of a choice',
    WEIGHT,
    [['replace', 'Observation.value.ofType(Quantity).unit', value({ valueString: 'kg' })]],
    WEIGHT.replace('"g"', '"kg"'),
  ],
  [
    'an element of a choice, by as',
    WEIGHT,
    [['replace', '(Observation.value as Quantity).unit', value({ valueString: 'kg' })]],
    WEIGHT.replace('"g"', '"kg"'),
  ],
  [
    'a choice deleted',
    WEIGHT,
    [['delete', 'Observation.value']],
    '{"resourceType":"Observation","status":"final","note":[{"text":"x"}]}',
  ],
  ['delete of what is not there', BORN, [['delete', 'Patient.deceased']], BORN],
  ['delete of several', identifiers(1, 2), [['delete', 'Patient.identifier']], 'PATCH_PATH_AMBIGUOUS'],
  ['delete of the only one', identifiers(1), [['delete', 'Patient.identifier']], PATIENT],
  [
    'replace of several',
    identifiers(1, 2),
    [['replace', 'Patient.identifier', value({ valueIdentifier: {} })]],
    'PATCH_PATH_AMBIGUOUS',
  ],
  [
    'replace of what is not there',
    PATIENT,
    [['replace', 'Patient.birthDate', value({ valueDate: '1930' })]],
    'PATCH_PATH_UNMATCHED',
  ],
  [
    'a value beside extensions alone',
    HALF,
    [['insert', 'Patient.name[0].given', at(1), value({ valueString: 'z' })]],
    '{"resourceType":"Patient","name":[{"_given":[{"id":"x"},null,{"id":"y"}],"given":[null,"z",null]}]}',
  ],
  [
    'a name that every object has',
    PATIENT,
    [['replace', 'Patient.constructor', value({ valueString: 'x' })]],
    'PATCH_PATH_UNMATCHED',
  ],
  [
    'where selects',
    identifiers(1, 2),
    [['delete', "Patient.identifier.where(value = 'value 2' and system.exists())"]],
    identifiers(1),
  ],
  [
    'first and last',
    identifiers(1, 2, 3),
    [
      ['delete', 'Patient.identifier.first()'],
      ['delete', 'Patient.identifier.last()'],
    ],
    identifiers(2),
  ],
  [
    'insert into a list that is not there',
    PATIENT,
    [['insert', 'Patient.identifier', at(0), value({ valueIdentifier: JSON.parse(identifier(1)) })]],
    identifiers(1),
  ],
  [
    'insert beyond the list',
    identifiers(1),
    [['insert', 'Patient.identifier', at(2), value({ valueIdentifier: {} })]],
    'PATCH_INVALID',
  ],
  [
    'insert into what is no list',
    BORN,
    [['insert', 'Patient.birthDate', at(0), value({ valueDate: '1930' })]],
    'PATCH_INVALID',
  ],
  ['move beyond the list', identifiers(1, 2), [move(0, 2)], 'PATCH_INVALID'],
  [
    'extensions of primitives go with them',
    NAMED,
    [['delete', 'Patient.name[0].given[0]']],
    '{"resourceType":"Patient","name":[{"given":[null,"c"],"_given":[{"id":"x"},null]}]}',
  ],
  [
    'the last extension of a list deleted',
    NAMED,
    [['delete', 'Patient.name[0].given[1]']],
    '{"resourceType":"Patient","name":[{"given":["a","c"]}]}',
  ],
  [
    'extensions move with primitives',
    NAMED,
    [['move', 'Patient.name[0].given', at(1, 'source'), at(2, 'destination')]],
    '{"resourceType":"Patient","name":[{"given":["a","c",null],"_given":[null,null,{"id":"x"}]}]}',
  ],
  [
    'insert beside extensions',
    NAMED,
    [['insert', 'Patient.name[0].given', at(0), value({ valueString: 'z' })]],
    '{"resourceType":"Patient","name":[{"given":["z","a",null,"c"],"_given":[null,null,{"id":"x"},null]}]}',
  ],
  [
    'a primitive with an extension',
    PATIENT,
    [['add', 'Patient', name('birthDate'), value({ valueDate: '1930', _valueDate: { id: 'y' } })]],
    '{"resourceType":"Patient","birthDate":"1930","_birthDate":{"id":"y"}}',
  ],
  [
    'replace drops the old extension',
    '{"resourceType":"Patient","birthDate":"1930","_birthDate":{"id":"y"}}',
    [['replace', 'Patient.birthDate', value({ valueDate: '1931' })]],
    '{"resourceType":"Patient","birthDate":"1931"}',
  ],
  [
    'an extension by its url',
    '{"resourceType":"Patient","extension":[{"url":"http://a","valueString":"x"},{"url":"http://b","valueString":"y"}]}',
    [['delete', "Patient.extension('http://a')"]],
    '{"resourceType":"Patient","extension":[{"url":"http://b","valueString":"y"}]}',
  ],
  [
    'an extension added',
    PATIENT,
    [['add', 'Patient', name('extension'), value({ valueExtension: { url: 'http://a', valueDecimal: 1 } })]],
    '{"resourceType":"Patient","extension":[{"url":"http://a","valueDecimal":1}]}',
  ],
  [
    'parts with lists, choices and parts of their own',
    '{"resourceType":"Questionnaire"}',
    [
      [
        'add',
        'Questionnaire',
        name('item'),
        value({
          part: [
            { name: 'linkId', valueString: '1' },
            { name: 'item', part: [{ name: 'linkId', valueString: '1.1' }] },
            { name: 'item', part: [{ name: 'linkId', valueString: '1.2' }] },
            { name: 'initial', part: [{ name: 'value', valueBoolean: true }] },
          ],
        }),
      ],
    ],
    '{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"1.1"},{"linkId":"1.2"}],"initial":[{"valueBoolean":true}]}]}',
  ],
  [
    'a part of no element',
    PATIENT,
    [['add', 'Patient', name('contact'), value({ part: [{ name: 'constructor', valueString: 'x' }] })]],
    'PATCH_INVALID',
  ],
  [
    'an element of Object',
    PATIENT,
    [['add', 'Patient', name('constructor'), value({ valueString: 'x' })]],
    'PATCH_INVALID',
  ],
  [
    'a contained resource',
    '{"resourceType":"Condition","contained":[{"resourceType":"Patient","id":"p","active":true}]}',
    [['replace', 'Condition.contained[0].active', value({ valueBoolean: false })]],
    '{"resourceType":"Condition","contained":[{"resourceType":"Patient","id":"p","active":false}]}',
  ],
  [
    'another id',
    '{"resourceType":"Patient","id":"a"}',
    [['replace', 'Patient.id', value({ valueId: 'b' })]],
    'PATCH_IDENTITY',
  ],
  ['no id', '{"resourceType":"Patient","id":"a"}', [['delete', 'Patient.id']], 'PATCH_IDENTITY'],
  ['the whole resource', PATIENT, [['delete', 'Patient']], 'PATCH_INVALID'],
  ['no such operation', PATIENT, [['remove', 'Patient.birthDate']], 'PATCH_INVALID'],
  ['add without name', PATIENT, [['add', 'Patient', value({ valueDate: '1930' })]], 'PATCH_INVALID'],
  ['add without value', PATIENT, [['add', 'Patient', name('birthDate')]], 'PATCH_INVALID'],
  [
    'two values',
    PATIENT,
    [['add', 'Patient', name('birthDate'), value({ valueDate: '1930', valueString: 'x' })]],
    'PATCH_INVALID',
  ],
  [
    'a part twice',
    PATIENT,
    [['add', 'Patient', name('birthDate'), name('gender'), value({ valueDate: '1930' })]],
    'PATCH_INVALID',
  ],
];

for (const [title, document, operations, outcome] of cases) {
  test(`FHIRPath Patch: ${title}`, async () => {
    assert.equal(await outcomeOf(document, parameters(operations)), outcome);
  });
}

test('values keep their written form, and so does what is not touched', async () => {
  const patch =
    '{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":"replace"},' +
    '{"name":"path","valueString":"Observation.value"},{"name":"value","valueQuantity":{"value":2.50e0,"unit":"\\u00b5g"}}]}]}';
  const document =
    '{"resourceType":"Observation","component":[{"valueQuantity":{"value":1.10}}],"valueQuantity":{"value":1.0}}';
  assert.equal(
    await applyFhirPathPatch(document, patch, definitions),
    '{"resourceType":"Observation","component":[{"valueQuantity":{"value":1.10}}],"valueQuantity":{"value":2.50e0,"unit":"\\u00b5g"}}',
  );
});

test('bodies that are no patch are refused', async () => {
  const bodies = [
    '[]',
    '{"resourceType":"Patient"}',
    '{"resourceType":"Parameters","parameter":{}}',
    '{"resourceType":"Parameters","parameter":[7]}',
    '{"resourceType":"Parameters","parameter":[{"name":"other"}]}',
    '{"resourceType":"Parameters","parameter":[{"name":"operation"}]}',
    '{"resourceType":"Parameters","parameter":[{"name":"operation","part":[{"name":"type","valueCode":7}]}]}',
  ];
  for (const body of bodies) assert.equal(await outcomeOf(PATIENT, body), 'PATCH_INVALID', body);
});

test('property: any Parameters is applied or refused with a code, and what comes out is JSON', async () => {
  const name = fc.constantFrom(
    'name',
    'given',
    'contact',
    'birthDate',
    'deceased',
    'extension',
    'id',
    'x',
    '__proto__',
  );
  const path = fc
    .array(fc.oneof(name, fc.constantFrom('name[0]', 'given[1]', 'first()', 'where(true)', "where(use = 'x')")), {
      maxLength: 2,
    })
    .map((steps) => ['Patient', ...steps].join('.'));
  const anyValue = fc.oneof(
    fc.record({ valueString: fc.string() }),
    fc.record({ valueDate: fc.constant('1970') }),
    fc.record({ valueHumanName: fc.record({ family: fc.string() }) }),
    fc.record({ valueBoolean: fc.boolean(), _valueBoolean: fc.constant({ id: 'e' }) }),
    fc.record({ part: fc.array(fc.record({ name, valueString: fc.string() }), { maxLength: 2 }) }),
    fc.jsonValue().map((given) => ({ valueString: given })),
  );
  const operation = fc
    .record({
      type: fc.constantFrom('add', 'insert', 'delete', 'replace', 'move'),
      path: fc.oneof({ weight: 8, arbitrary: path }, { weight: 1, arbitrary: fc.string() }),
      name,
      index: fc.integer({ min: -1, max: 3 }),
      value: anyValue,
    })
    .map(
      ({ type, path: at, name: called, index, value: given }): Given => [
        type,
        at,
        ...(type === 'add' ? [{ name: 'name', valueString: called }] : []),
        ...(type === 'insert' ? [{ name: 'index', valueInteger: index }] : []),
        ...(type === 'move'
          ? [
              { name: 'source', valueInteger: index },
              { name: 'destination', valueInteger: 1 },
            ]
          : []),
        ...(type === 'delete' || type === 'move' ? [] : [value(given as Part)]),
      ],
    );
  let applied = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { minLength: 1, maxLength: 2 }), async (operations) => {
      const outcome = await outcomeOf(NAMED, parameters(operations));
      if (outcome.startsWith('PATCH_')) return;
      applied++;
      assert.equal(JSON.parse(outcome).resourceType, 'Patient');
      assert.equal(JSON.stringify(JSON.parse(outcome)), outcome);
    }),
    { numRuns: 1500 },
  );
  assert.ok(applied > 50, String(applied));
});
