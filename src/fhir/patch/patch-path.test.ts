import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { loadDefinitions } from '../definitions/load-definitions.ts';
import { applyFhirPathPatch } from './fhirpath-patch.ts';

const definitions = await loadDefinitions();
const BORN = '{"resourceType":"Patient","birthDate":"1920-01-01"}';

/** What comes of deleting what the paths select, one after the other. */
async function outcomeOf(document: string, paths: readonly string[]): Promise<string> {
  const parameter = paths.map((path) => ({
    name: 'operation',
    part: [
      { name: 'type', valueCode: 'delete' },
      { name: 'path', valueString: path },
    ],
  }));
  try {
    return await applyFhirPathPatch(document, JSON.stringify({ resourceType: 'Parameters', parameter }), definitions);
  } catch (thrown) {
    if (isReject(thrown)) return thrown.code;
    throw thrown;
  }
}

test('paths that search, resolve, compute or match patterns are not taken', async () => {
  const paths = [
    "Patient.name.where(family.matches('(a+)+$'))",
    'Patient.descendants()',
    'Patient.repeat(contact)',
    'Patient.generalPractitioner.resolve()',
    'Patient.name | Patient.identifier',
    '%resource.name',
    'Patient.name[0 + 1]',
    "'text'",
    '1',
    'Patient.name.count()',
    'Patient.name.trace("x")',
    'Patient.name.',
    '',
    `${'('.repeat(500)}Patient${')'.repeat(500)}`,
    `Patient.${'name.'.repeat(300)}family`,
    `Patient.name.where(${'given.where('.repeat(9)}true${')'.repeat(10)}`,
    'Patient.name.exists()',
  ];
  const before = performance.now();
  for (const path of paths) {
    const outcome = await outcomeOf('{"resourceType":"Patient","name":[{"family":"x"}]}', [path]);
    assert.equal(outcome, 'PATCH_PATH_UNSUPPORTED', path);
  }
  assert.ok(performance.now() - before < 5000);
});

test('a patch that does too much meets limits', async () => {
  const many = Array<string>(1001).fill('Patient.birthDate');
  assert.equal(await outcomeOf(BORN, many), 'PATCH_TOO_COSTLY');
  const large = `{"resourceType":"Patient","name":[${Array(40_000).fill('{"family":"x"}').join(',')}]}`;
  const before = performance.now();
  const heavy = Array<string>(100).fill("Patient.name.where(family = 'y')");
  assert.equal(await outcomeOf(large, heavy), 'PATCH_TOO_COSTLY');
  assert.ok(performance.now() - before < 20_000, String(performance.now() - before));
});
