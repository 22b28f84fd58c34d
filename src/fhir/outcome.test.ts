import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Reject } from '../std/reject.ts';
import { CODES, rejectFhir } from './codes.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { refusalOf, rejectToOutcome, statusOf } from './outcome.ts';
import { validateStructure } from './validate.ts';

test('every code makes a valid OperationOutcome with a status of its own kind', async () => {
  const definitions = await loadDefinitions();
  for (const code of Object.keys(CODES) as (keyof typeof CODES)[]) {
    const reject = rejectFhir(code, {
      entry: 1,
      issues: [
        { path: 'Patient.name', fault: 'x' },
        { path: '', fault: '' },
      ],
    });
    for (const refusal of [reject, rejectFhir(code)]) {
      const outcome = rejectToOutcome(refusal);
      validateStructure(outcome as unknown as { resourceType: string }, definitions);
      assert.equal(outcome.issue?.[0]?.details?.text, CODES[code].sentence);
      assert.ok(statusOf(refusal) >= 400 && statusOf(refusal) < 600);
      assert.equal(statusOf(refusal) >= 500, CODES[code].kind === 'unavailable', code);
    }
  }
});

test('every code of the catalogue is used', () => {
  const folder = new URL('.', import.meta.url);
  const sources = readdirSync(folder).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'codes.ts',
  );
  const text = sources.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('');
  for (const code of Object.keys(CODES)) assert.ok(new RegExp(`rejectFhir\\([^)]*'${code}'`).test(text), code);
});

test('what is no refusal becomes INTERNAL and tells nothing', () => {
  assert.deepEqual(rejectToOutcome(refusalOf(new Error('secret'))).issue?.[0]?.details?.coding?.[0]?.code, 'INTERNAL');
  assert.equal(statusOf(refusalOf(new Error('secret'))), 500);
  assert.equal(statusOf(new Reject('OTHER', { kind: 'unauthenticated', sentence: 'Who?' }, {})), 401);
});
