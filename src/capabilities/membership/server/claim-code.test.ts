import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHospitalNode, refusalOf } from '../../../../test/support/hospital-node.ts';
import { createClaimTries, issueClaimCode, redeemClaimCode } from './claim-code.ts';

test('whoever knows an account cannot wear its claim code out for others', async (t) => {
  const { hospital } = await createHospitalNode(t);
  const account = 'a'.repeat(32);
  const { code } = await issueClaimCode(hospital, account);
  const tries = createClaimTries();
  for (let network = 0; network < 20; network++) {
    const by = { from: `203.0.113.${network}`, tries };
    for (let count = 0; count < 5; count++)
      assert.equal(await refusalOf(redeemClaimCode(hospital, account, 'AAAA-AAAA-AAAA-AAAA', by)), 'CLAIM_CODE_WRONG');
    assert.equal(await refusalOf(redeemClaimCode(hospital, account, code, by)), 'CLAIM_TRIED_TOO_OFTEN');
  }
  const patient = { from: '198.51.100.1', tries };
  await redeemClaimCode(hospital, account, code, patient);
  assert.equal(await refusalOf(redeemClaimCode(hospital, account, code, patient)), 'CLAIM_CODE_WRONG');
});
