import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compartmentParameters, compartmentTypes } from './compartments.ts';

/** R4's own definition of a compartment, from the official examples. */
function definitionOf(name: string): { code: string; param?: string[] }[] {
  const url = new URL(`../../../node_modules/hl7.fhir.r4.examples/CompartmentDefinition-${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')).resource;
}

test('the compartments are those of R4', () => {
  for (const compartment of ['Patient', 'Encounter'] as const) {
    const defined = definitionOf(compartment.toLowerCase())
      .map(({ code, param = [] }) => ({ code, param: param.filter((name) => name !== '{def}') }))
      .filter(({ param }) => param.length > 0);
    assert.deepEqual(compartmentTypes(compartment), defined.map(({ code }) => code).sort());
    for (const { code, param } of defined) assert.deepEqual(compartmentParameters(compartment, code), param);
  }
  assert.deepEqual(compartmentParameters('Patient', 'constructor'), []);
});
