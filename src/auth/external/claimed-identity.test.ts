import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReject } from '../../std/reject.ts';
import { claimedIdentity, commonRoles } from './claimed-identity.ts';
import type { ProviderSettings } from './provider-settings.ts';

const PHYSICIAN = 'http://snomed.info/sct|309343006';
const NURSE = 'http://snomed.info/sct|224535009';

const PROVIDER: ProviderSettings = {
  ...{ id: 'clinic', name: 'Clinic', issuer: 'https://clinic.example', client_id: 'aceso' },
  ...{ id_token_signed_response_alg: 'RS256', subject_claim: 'staff_number' },
  organisation: { claim: 'hospital', value: 'general' },
  roles: { claims: ['jobs', 'title'], map: { doctor: PHYSICIAN, surgeon: PHYSICIAN, nurse: NURSE } },
};
const CLAIMS = {
  sub: 'x',
  staff_number: '17',
  hospital: 'general',
  jobs: ['doctor', 'nurse', 'chair'],
  title: 'surgeon',
};

test('roles are what both sides tell: claims add none to the ledger’s, nor does the ledger to theirs', () => {
  const { subject, claimed } = claimedIdentity(PROVIDER, CLAIMS);
  assert.equal(subject, '17');
  assert.deepEqual(claimed, ['doctor', 'surgeon', 'nurse']);
  assert.deepEqual(commonRoles(PROVIDER, claimed, [PHYSICIAN]), [PHYSICIAN]);
  assert.deepEqual(commonRoles(PROVIDER, claimed, []), []);
  assert.deepEqual(commonRoles(PROVIDER, ['nurse'], [PHYSICIAN]), []);
  assert.deepEqual(commonRoles(PROVIDER, ['nurse'], [PHYSICIAN, NURSE]), [NURSE]);
});

test('values that the organisation gave no meaning are none, whatever they are called or made of', () => {
  for (const jobs of [
    '__proto__',
    ['constructor', 'toString'],
    { doctor: true },
    7,
    null,
    [['doctor']],
    'Doctor',
    undefined,
  ]) {
    const { claimed } = claimedIdentity(PROVIDER, { ...CLAIMS, jobs, title: undefined });
    assert.deepEqual(claimed, [], JSON.stringify(jobs));
  }
  assert.deepEqual(commonRoles(PROVIDER, ['__proto__', 'constructor', 'chair'], [PHYSICIAN]), []);
});

test('the organisation and the subject are texts that are equal, and nothing like them', () => {
  const codeOf = (claims: object) => {
    try {
      claimedIdentity(PROVIDER, { ...CLAIMS, ...claims });
      return undefined;
    } catch (error) {
      return isReject(error) ? error.code : error;
    }
  };
  assert.equal(codeOf({}), undefined);
  for (const hospital of ['General', 'general ', ['general'], undefined, true])
    assert.equal(codeOf({ hospital }), 'EXTERNAL_ORGANISATION_WRONG');
  for (const number of [17, '', ['17'], undefined, '1'.repeat(257)])
    assert.equal(codeOf({ staff_number: number }), 'EXTERNAL_SUBJECT_UNKNOWN');
});
