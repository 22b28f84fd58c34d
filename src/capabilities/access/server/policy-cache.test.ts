import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHospitalNode, PATIENT } from '../../../../test/support/hospital-node.ts';
import { consentFor } from '../../../../test/support/patient-consent.ts';
import { createPolicyCache } from './policy-cache.ts';

test('an anchor leaves policies as they are, and any other block has them read again', async (t) => {
  const { hospital, clinic, ledger, call, tokens, floors } = await createHospitalNode(t);
  const account = (await hospital.vault.accountOf('Patient', PATIENT)) ?? '';
  const policies = createPolicyCache(ledger);
  t.after(() => policies.close());
  const first = await policies.of(hospital.vault, account);
  const { height } = ledger.head();
  // The background job's own: an anchor of each journal that grew.
  for (const job of floors.jobs) if (job.name.includes('anchor')) await job.run();
  assert.ok(ledger.head().height > height, 'a block with an anchor');
  assert.equal(await policies.of(hospital.vault, account), first);
  assert.equal(policies.timeMs(), ledger.head().timeMs);
  const consent = JSON.stringify(consentFor(clinic.account, 'permit'));
  await call('POST', '/api/consents', tokens.physician, { patientId: PATIENT, consent });
  const second = await policies.of(hospital.vault, account);
  assert.equal(second.policies.length, first.policies.length + 1);
});
