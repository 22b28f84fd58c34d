import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSpiedVault } from '../../test/support/spied-vault.ts';
import { utf8 } from '../std/bytes.ts';
import { isReject } from '../std/reject.ts';
import { r4Conformance } from './conformance.ts';
import type { FhirContext } from './context.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { importBundle } from './import-bundle.ts';
import { validatePrepared } from './prepare-write.ts';
import { validateStructure } from './validate.ts';
import { createValidationThread, UNJUDGED } from './validation-thread.ts';

const VALID = { resourceType: 'Organization', id: 'a', name: 'Somewhere' };
const INVALID = { resourceType: 'Observation', id: 'b', status: 'final' };
const DEAD = new URL('data:text/javascript,throw new Error("no worker")');
const writeOf = (resource: typeof VALID | typeof INVALID, entry: number) => ({
  ...{ action: 'update' as const, type: resource.resourceType, id: resource.id },
  ...{ resource, entry },
});

test('the thread refuses what the main thread refuses, with the same issues, and names which', async () => {
  const definitions = await loadDefinitions();
  const thread = createValidationThread();
  assert.equal(await thread.validate([JSON.stringify(VALID), JSON.stringify(VALID)]), 'valid');
  const verdict = await thread.validate([JSON.stringify(VALID), JSON.stringify(INVALID), '{"resourceType":"Nothing"}']);
  assert.ok(typeof verdict === 'object' && isReject(verdict.refusal));
  assert.equal(verdict.at, 1);
  assert.throws(
    () => validateStructure(INVALID, definitions),
    (here) =>
      isReject(here) && here.code === 'RESOURCE_INVALID' && same(here.data, (verdict.refusal as typeof here).data),
  );
  // Answers come to whom they belong, also when several are asked for at once.
  const both = await Promise.all([
    thread.validate([JSON.stringify(INVALID)]),
    thread.validate([JSON.stringify(VALID)]),
  ]);
  assert.deepEqual(
    both.map((one) => (typeof one === 'object' ? one.at : one)),
    [0, 'valid'],
  );
});

function same(a: unknown, b: unknown): boolean {
  assert.deepEqual(a, b);
  return true;
}

test('with a thread that dies, or that cannot tell, everything is validated here', async () => {
  const context = r4Conformance(await loadDefinitions()) as FhirContext;
  const dead = createValidationThread(DEAD);
  assert.equal(await dead.validate([JSON.stringify(VALID)]), UNJUDGED);
  assert.equal(await dead.validate([JSON.stringify(VALID)]), UNJUDGED);
  assert.equal(await createValidationThread().validate(['no JSON']), UNJUDGED);
  for (const thread of [dead, createValidationThread(), undefined]) {
    await validatePrepared(context, [writeOf(VALID, 0)], thread);
    await assert.rejects(
      validatePrepared(context, [writeOf(VALID, 3), writeOf(INVALID, 5)], thread),
      (error) => isReject(error) && error.code === 'RESOURCE_INVALID' && error.data.entry === 5,
    );
  }
});

test('two imports of the same at the same time store it once', async () => {
  const vault = await createSpiedVault('c'.repeat(32));
  const never = () => Promise.reject(new Error('nobody registers'));
  const registration = { register: never, registerMany: never };
  const conformance = r4Conformance(await loadDefinitions());
  const options = { vault, conformance, registration, baseUrl: 'http://aceso.example/fhir' };
  const bundle = {
    ...{ resourceType: 'Bundle', type: 'transaction' },
    entry: [{ resource: VALID, request: { method: 'PUT', url: 'Organization/a' } }],
  };
  const run = () => importBundle(utf8(JSON.stringify(bundle)), { ...options, clock: () => 1_700_000_000_000 });
  const counts = await Promise.all([run(), run(), run()]);
  assert.equal(
    counts.reduce((sum, { created, updated }) => sum + created + updated, 0),
    1,
  );
  assert.equal((await vault.current('Organization', 'a'))?.version, 1);
});
