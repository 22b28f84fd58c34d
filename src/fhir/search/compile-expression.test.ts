import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { CompactDefinitions } from '../definitions/definitions.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import type { ParsedResource } from '../patient-account.ts';
import { compileExpression } from './compile-expression.ts';
import { createSearchRegistry } from './search-registry.ts';

let definitions: CompactDefinitions;
before(async () => {
  definitions = await loadDefinitions();
});

function find(text: string, resource: ParsedResource): unknown[] {
  const compiled = compileExpression(definitions, text, resource.resourceType, resource.resourceType);
  assert.ok(compiled, text);
  return compiled.find(resource, resource).map(({ value }) => value);
}

test('every expression of R4 is compiled, and each leads somewhere', () => {
  const registry = createSearchRegistry(definitions);
  const NO_ELEMENT = new Set(['_text', '_content', '_query']);
  let expressions = 0;
  for (const type of Object.keys(definitions.resources)) {
    for (const parameter of registry.ofType(type)?.values() ?? []) {
      if (NO_ELEMENT.has(parameter.code)) continue;
      expressions++;
      assert.ok((parameter.leaves?.length ?? 0) > 0, `${type}.${parameter.code}`);
      for (const { parameter: part } of parameter.components) assert.ok(part.leaves);
      assert.equal(parameter.kind === 'composite', parameter.components.length > 0, `${type}.${parameter.code}`);
    }
  }
  assert.equal(Object.keys(definitions.resources).length, 145);
  assert.ok(expressions > 2400, String(expressions));
});

test('paths, choices, conditions and extensions', () => {
  const patient = {
    resourceType: 'Patient',
    deceasedDateTime: '2020',
    telecom: [
      { system: 'phone', value: '1' },
      { system: 'email', value: 'a@b' },
    ],
    managingOrganization: { reference: 'Organization/1' },
    generalPractitioner: [
      { reference: '#p' },
      { reference: 'https://x.org/Practitioner/2/_history/3' },
      { display: 'x' },
    ],
    contained: [{ resourceType: 'PractitionerRole', id: 'p' }],
    extension: [
      {
        url: 'urn:race',
        extension: [
          { url: 'ombCategory', valueCoding: { code: '2106-3' } },
          { url: 'text', valueString: 'x' },
        ],
      },
      { url: 'urn:other', valueCoding: { code: 'no' } },
    ],
  };
  assert.deepEqual(find("Patient.telecom.where(system='phone').value", patient), ['1']);
  assert.deepEqual(find('(Patient.deceased as dateTime)', patient), ['2020']);
  assert.deepEqual(find('Patient.deceased.ofType(boolean)', patient), []);
  assert.deepEqual(find('Patient.deceased.exists() and Patient.deceased != false', patient), [true]);
  assert.deepEqual(find('Patient.generalPractitioner.where(resolve() is PractitionerRole).reference', patient), ['#p']);
  assert.equal(find('Patient.generalPractitioner.where(resolve() is Practitioner)', patient).length, 1);
  assert.deepEqual(find("Patient.extension.where(url = 'urn:race').extension.value.code", patient), ['2106-3']);
  assert.deepEqual(find("Patient.extension('urn:other').value.ofType(Coding).code", patient), ['no']);
  assert.deepEqual(find("Patient.extension('urn:other').valueCoding.code", patient), ['no']);
  assert.deepEqual(find('Patient.telecom[1].value | Patient.telecom.first().value', patient), ['a@b', '1']);
  assert.deepEqual(find('Observation.code | Patient.managingOrganization.reference', patient), ['Organization/1']);
});

test('values of other shapes than the definition says find nothing and throw nothing', () => {
  for (const telecom of [null, 1, 'x', [null, [[{ system: 'phone' }]], {}], { system: { x: 1 } }])
    find("Patient.telecom.where(system='phone').value", { resourceType: 'Patient', telecom });
  assert.deepEqual(find('Patient.name.family', { resourceType: 'Patient', name: 'x' }), []);
});

test('what is outside the subset, too long or too deep is not compiled', () => {
  for (const text of [
    'Patient.name.select(given)',
    'Patient.birthDate + 1 day',
    "Patient.name.where(use = 'official'",
    '',
    '%',
    `${'('.repeat(5000)}Patient${')'.repeat(5000)}`,
    `Patient.name${'.where(use = '.repeat(40)}`,
    'Patient.name'.repeat(1000),
    'Patient.constructor.name.select(x)',
  ])
    assert.equal(compileExpression(definitions, text, 'Patient', 'Patient'), undefined, text.slice(0, 60));
  assert.deepEqual(compileExpression(definitions, 'Patient.constructor.__proto__', 'Patient', 'Patient')?.leaves, []);
});
