import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createHospitalNode, type HospitalNode, PATIENT, refusalOf } from '../../test/support/hospital-node.ts';
import type { ClaimSlip } from '../capabilities/membership/api.ts';
import { accounts } from '../chain/account.ts';
import { bytesToHex } from '../std/bytes.ts';
import { claimAccount } from './claim.ts';
import { nodeKeys } from './node/node-keys.ts';
import { newWalletAccount, type WalletAccount } from './wallet.ts';

async function slipOf(node: HospitalNode): Promise<ClaimSlip> {
  return (await node.call(
    'POST',
    `/api/accounts/${PATIENT}/claim-code`,
    node.tokens.physician,
  )) as unknown as ClaimSlip;
}

function claim(node: HospitalNode, slip: ClaimSlip, account = newWalletAccount(slip)): Promise<WalletAccount> {
  const post = (path: string, body: unknown) => node.call('POST', path, undefined, body);
  return claimAccount({ post, keys: nodeKeys, nowMs: node.hospital.clock() }, slip, account);
}

function statusOf({ ledger }: HospitalNode, account: string): string | undefined {
  const snapshot = ledger.read();
  const status = snapshot.state.get(accounts, account)?.status;
  snapshot.release();
  return status;
}

async function node(t: TestContext): Promise<{ node: HospitalNode; slip: ClaimSlip }> {
  const made = await createHospitalNode(t);
  return { node: made, slip: await slipOf(made) };
}

test('the right code claims the account, once, and gives tag key and token', async (t) => {
  const { node: at, slip } = await node(t);
  const typed = slip.code.toLowerCase().replaceAll('-', ' ');
  const account = await claim(at, { ...slip, code: typed });
  assert.equal(statusOf(at, slip.account), 'active');
  assert.equal(account.tagKey, bytesToHex(await at.hospital.vault.tagKey(slip.account)));
  const { breakGlass } = await at.call('GET', `/api/patients/${PATIENT}/accounting`, account.token);
  assert.deepEqual(breakGlass, []);
  assert.equal(await refusalOf(claim(at, slip)), 'CLAIM_CODE_WRONG');
  assert.equal(await refusalOf(claim(at, await slipOf(at))), 'CLAIM_REFUSED');
});

test('after five wrong codes their network waits', async (t) => {
  const { node: at, slip } = await node(t);
  const wrong = { ...slip, code: 'AAAA-AAAA-AAAA-AAAA' };
  for (let n = 0; n < 5; n++) assert.equal(await refusalOf(claim(at, wrong)), 'CLAIM_CODE_WRONG');
  assert.equal(await refusalOf(claim(at, slip)), 'CLAIM_TRIED_TOO_OFTEN');
  assert.equal(statusOf(at, slip.account), 'unclaimed');
});

test('a new code may be tried at once where the last one was tried too often', async (t) => {
  const { node: at, slip } = await node(t);
  for (let n = 0; n < 5; n++) await refusalOf(claim(at, { ...slip, code: 'AAAA-AAAA-AAAA-AAAA' }));
  await claim(at, await slipOf(at));
  assert.equal(statusOf(at, slip.account), 'active');
});

test('a claim that names another approver, account or ledger costs no try', async (t) => {
  const { node: at, slip } = await node(t);
  const odd: readonly Partial<ClaimSlip>[] = [
    { approverKey: at.clinic.signer.keyId },
    { custodian: at.clinic.account, approverKey: at.clinic.signer.keyId },
    { genesis: 'a'.repeat(64) },
  ];
  for (const change of [...odd, ...odd]) {
    const account = { ...newWalletAccount({ ...slip, ...change }) };
    const code = await refusalOf(claim(at, { ...slip, ...change }, account));
    // The clinic co-signs nothing for an account that it gave no code for.
    assert.equal(code, 'custodian' in change ? 'ACCOUNT_UNKNOWN' : 'CLAIM_TRANSACTION_WRONG');
  }
  await claim(at, slip);
});

test('an expired code is no code', async (t) => {
  const { node: at, slip } = await node(t);
  at.clock.offsetMs = 16 * 60_000;
  assert.equal(await refusalOf(claim(at, slip)), 'CLAIM_CODE_WRONG');
});

test('only staff get a slip, only the administrator gives tokens', async (t) => {
  const { node: at, slip } = await node(t);
  const { token } = await claim(at, slip);
  assert.equal(await refusalOf(at.call('POST', `/api/accounts/${PATIENT}/claim-code`, token)), 'STAFF_ONLY');
  const hire = { label: 'nurse', roleCodes: ['http://snomed.info/sct|224535009'], purposes: ['TREAT'], days: 30 };
  for (const other of [token, at.tokens.physician]) {
    assert.equal(await refusalOf(at.call('POST', '/api/tokens', other, hire)), 'ADMINISTRATOR_NEEDED');
  }
  for (const wrong of [{ purposes: [] }, { days: 0 }, { roleCodes: ['no system'] }, { extra: true }]) {
    const refused = at.call('POST', '/api/tokens', at.tokens.administrator, { ...hire, ...wrong });
    assert.equal(await refusalOf(refused), 'TOKEN_REQUEST_INVALID');
  }
  const nurse = await at.call('POST', '/api/tokens', at.tokens.administrator, hire);
  assert.equal(statusOf(at, String(nurse.account)), 'active');
  await at.call('GET', `/api/patients/${PATIENT}/policies`, String(nurse.token));
});
