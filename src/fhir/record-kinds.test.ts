import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { aboutPaths, isShared } from './record-kinds.ts';

/** What nobody but the custodian's staff sees unless it is about something of one patient's: named, so that nothing gets in unseen. */
const STAFF_ONLY = [
  ...['Binary', 'BiologicallyDerivedProduct', 'Bundle', 'DeviceMetric', 'EnrollmentResponse', 'Group', 'Linkage'],
  ...['MessageHeader', 'OperationOutcome', 'PaymentNotice', 'PaymentReconciliation', 'Person', 'ResearchStudy'],
  ...['TestReport', 'VerificationResult'],
];

test('each type of R4 is a patient’s, for everybody, or the staff’s', async () => {
  const { resources } = await loadDefinitions();
  const types = Object.keys(resources).filter((type) => type !== 'Patient');
  const isPatients = (type: string) => (resources[type]?.compartment.length ?? 0) > 0;
  assert.deepEqual(
    types.filter((type) => !isPatients(type) && !isShared(type)),
    STAFF_ONLY,
  );
  // A type that tells of patients is never for everybody, but for time tables, which are mostly those of practitioners.
  assert.deepEqual(
    types.filter((type) => isPatients(type) && isShared(type)),
    ['Schedule'],
  );
  assert.equal(isShared('Patient'), false);
  assert.equal(isShared('ATypeOfLater'), false);
});

test('each path that tells what a record is about is one of references of its type', async () => {
  const { resources, types } = await loadDefinitions();
  const wrong: string[] = [];
  for (const type of Object.keys(resources)) {
    const own = aboutPaths(type).filter((path) => path.includes('.') || !COMMON.includes(path));
    for (const path of own) {
      let at: string | undefined = type;
      const names = path.split('.');
      for (const [index, name] of names.entries()) {
        const elements: Record<string, { readonly t: readonly (readonly [string, ...unknown[]])[] }> =
          (at === undefined ? undefined : types[at]?.e) ?? {};
        const code: string | undefined = elements[name]?.t[0]?.[0];
        if (index === names.length - 1 && code !== 'Reference') wrong.push(`${type}.${path}`);
        at = code;
      }
    }
  }
  assert.deepEqual(wrong, []);
});

const COMMON: readonly string[] = ['subject', 'encounter', 'context', 'focus', 'basedOn', 'partOf'];
