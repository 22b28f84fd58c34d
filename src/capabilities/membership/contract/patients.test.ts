import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemberChain, expectOk, openClaimed } from '../../../../test/support/test-members.ts';
import { type TestSigner, testAccount, testPasskey, testSigner } from '../../../../test/support/test-signer.ts';
import { accounts } from '../../../chain/account.ts';
import { practitionerRoles, sponsorOf } from './queries.ts';
import { LIMITS } from './state.ts';

const ada = testSigner('ada');
const bob = testSigner('bob');
const pat = testSigner('pat');

function chainOfTwo() {
  return createMemberChain({ ada: ['provider'], bob: ['provider'], cyd: ['research'] });
}

const open = (...labels: readonly string[]) => ({ type: 'account.open', accounts: labels.map(testAccount) });
const claim = (...signers: readonly TestSigner[]) => ({
  type: 'account.claim',
  account: pat.account,
  keys: signers.map((signer) => signer.record),
});

test('a provider opens accounts, many at once', () => {
  const chain = chainOfTwo();
  const labels = Array.from({ length: LIMITS.accountsPerOpen }, (_, at) => `patient ${at}`);
  assert.deepEqual(expectOk(chain.submit(open(...labels), { by: ada })), { opened: labels.length });
  assert.deepEqual(chain.state.get(accounts, testAccount('patient 255')), {
    kind: 'patient',
    status: 'unclaimed',
    sponsor: ada.account,
    keys: [],
  });
  assert.equal(sponsorOf(chain.state, testAccount('patient 0')), ada.account);
  assert.equal(chain.submit(open('a', 'b', 'patient 7'), { by: bob }).code, 'ACCOUNT_EXISTS');
  assert.equal(chain.state.get(accounts, testAccount('a')), undefined);
  assert.equal(chain.submit(open('a', 'a'), { by: ada }).code, 'ITEM_REPEATED');
  assert.equal(chain.submit(open(...labels, 'one more'), { by: ada }).code, 'SCHEMA_INVALID');
  assert.equal(chain.submit(open(), { by: ada }).code, 'SCHEMA_INVALID');
  assert.equal(chain.submit({ type: 'account.open', accounts: ['x'] }, { by: ada }).code, 'SCHEMA_INVALID');
  assert.equal(chain.submit(open('a'), { by: testSigner('cyd') }).code, 'ROLE_REQUIRED');
});

test('a claim: the new key signs, the custodian approves', () => {
  const chain = chainOfTwo();
  expectOk(chain.submit(open('pat'), { by: ada }));
  const passkey = testPasskey('pat');
  const cases: [string, TestSigner, TestSigner[], string][] = [
    ['nobody approves', pat, [], 'CUSTODIAN_APPROVAL'],
    ['another hospital approves', pat, [bob], 'CUSTODIAN_APPROVAL'],
    ['the custodian alone', ada, [], 'SIGNER_NOT_ENTITLED'],
    ['the custodian sends, the key approves', ada, [pat], 'SIGNER_NOT_ENTITLED'],
  ];
  for (const [name, by, approvers, code] of cases)
    assert.equal(chain.submit(claim(pat), { by, approvers }).code, code, name);
  assert.equal(chain.submit(claim(pat, passkey), { by: pat, approvers: [ada] }).code, 'KEY_UNPROVEN');
  assert.equal(chain.submit(claim(pat, pat), { by: pat, approvers: [ada] }).code, 'KEY_EXISTS');
  assert.equal(
    chain.submit({ ...claim(pat), account: testAccount('nobody') }, { by: pat, approvers: [ada] }).code,
    'SIGNER_KEY_UNKNOWN',
  );
  assert.equal(chain.submit(claim(passkey), { by: pat, approvers: [ada] }).code, 'SIGNER_KEY_UNKNOWN');
  assert.equal(chain.state.get(accounts, pat.account)?.status, 'unclaimed');
  const claimed = chain.submit(claim(pat, passkey), { by: pat, approvers: [passkey, ada] });
  assert.deepEqual(expectOk(claimed), { account: pat.account, keys: [pat.keyId, passkey.keyId] });
  assert.deepEqual(chain.state.get(accounts, pat.account), {
    kind: 'patient',
    status: 'active',
    sponsor: ada.account,
    keys: [pat.record, passkey.record], // biome-ignore format: one record
  });
  const thief = testSigner('pat', 'thief');
  assert.equal(chain.submit(claim(thief), { by: thief, approvers: [ada] }).code, 'ACCOUNT_STATUS');
});

test('only a patient’s account is claimed or closed', () => {
  const chain = chainOfTwo();
  const nurse = testSigner('nurse');
  expectOk(chain.submit({ type: 'practitioner.register', account: nurse.account, roleCodes: [] }, { by: ada }));
  const message = { type: 'account.claim', account: nurse.account, keys: [nurse.record] };
  assert.equal(chain.submit(message, { by: nurse, approvers: [ada] }).code, 'ACCOUNT_KIND');
  assert.equal(chain.submit({ type: 'account.close', account: nurse.account }, { by: ada }).code, 'ACCOUNT_KIND');
  assert.equal(chain.submit({ type: 'account.freeze', account: ada.account }, { by: ada }).code, 'ACCOUNT_KIND');
});

test('freezing stops every key but for unfreezing', () => {
  const chain = chainOfTwo();
  openClaimed(chain, ada, 'pat');
  const phone = testSigner('pat', 'phone');
  expectOk(chain.submit({ type: 'key.add', account: pat.account, key: phone.record }, { by: pat, approvers: [phone] }));
  const freeze = { type: 'account.freeze', account: pat.account };
  const unfreeze = (...retire: readonly string[]) => ({ type: 'account.unfreeze', account: pat.account, retire });
  assert.equal(chain.submit(unfreeze(), { by: pat, approvers: [ada] }).code, 'ACCOUNT_STATUS');
  assert.equal(chain.submit(freeze, { by: ada }).code, 'SIGNER_NOT_ENTITLED');
  expectOk(chain.submit(freeze, { by: pat }));
  assert.equal(chain.submit(freeze, { by: pat }).code, 'SIGNER_FROZEN');
  assert.equal(chain.submit({ type: 'account.close', account: pat.account }, { by: phone }).code, 'SIGNER_FROZEN');
  assert.equal(chain.submit(unfreeze(), { by: phone }).code, 'CUSTODIAN_APPROVAL');
  assert.equal(chain.submit(unfreeze(), { by: pat, approvers: [bob] }).code, 'CUSTODIAN_APPROVAL');
  assert.equal(chain.submit(unfreeze(), { by: ada }).code, 'SIGNER_NOT_ENTITLED');
  assert.equal(chain.submit(unfreeze(pat.keyId), { by: pat, approvers: [ada] }).code, 'SIGNER_NOT_ENTITLED');
  assert.equal(chain.submit(unfreeze(phone.keyId, phone.keyId), { by: pat, approvers: [ada] }).code, 'ITEM_REPEATED');
  assert.equal(chain.submit(unfreeze(ada.keyId), { by: pat, approvers: [ada] }).code, 'KEY_UNKNOWN');
  expectOk(chain.submit(unfreeze(phone.keyId), { by: pat, approvers: [ada] }));
  assert.deepEqual(chain.state.get(accounts, pat.account)?.keys, [pat.record]);
  assert.equal(chain.submit(freeze, { by: phone }).code, 'SIGNER_KEY_UNKNOWN');
});

test('with a passkey a patient unfreezes alone, and nobody without it', () => {
  const chain = chainOfTwo();
  openClaimed(chain, ada, 'pat');
  const passkey = testPasskey('pat');
  expectOk(
    chain.submit({ type: 'key.add', account: pat.account, key: passkey.record }, { by: pat, approvers: [passkey] }),
  );
  // To freeze takes no user verification: it only takes power away.
  expectOk(chain.submit({ type: 'account.freeze', account: pat.account }, { by: pat }));
  const unfreeze = { type: 'account.unfreeze', account: pat.account, retire: [] };
  assert.equal(chain.submit(unfreeze, { by: pat, approvers: [ada] }).code, 'SIGNER_UNVERIFIED');
  expectOk(chain.submit(unfreeze, { by: passkey }));
  assert.equal(chain.state.get(accounts, pat.account)?.status, 'active');
});

test('closing: the custodian what it opened, the patient what was claimed', () => {
  const chain = chainOfTwo();
  expectOk(chain.submit(open('mistake', 'pat'), { by: ada }));
  const close = (label: string) => ({ type: 'account.close', account: testAccount(label) });
  assert.equal(chain.submit(close('mistake'), { by: bob }).code, 'SIGNER_NOT_ENTITLED');
  expectOk(chain.submit(close('mistake'), { by: ada }));
  assert.equal(chain.submit(close('mistake'), { by: ada }).code, 'ACCOUNT_STATUS');
  assert.equal(chain.submit(close('nobody'), { by: ada }).code, 'ACCOUNT_NOT_FOUND');
  expectOk(chain.submit(claim(pat), { by: pat, approvers: [ada] }));
  assert.equal(chain.submit(close('pat'), { by: ada }).code, 'SIGNER_NOT_ENTITLED');
  expectOk(chain.submit(close('pat'), { by: pat }));
  assert.equal(chain.submit(close('pat'), { by: pat }).code, 'SIGNER_CLOSED');
});

test('practitioners: registered, given roles and let go by their member', () => {
  const chain = chainOfTwo();
  const nurse = testSigner('nurse');
  const spare = testSigner('nurse', 'spare');
  const code = 'http://snomed.info/sct|224535009';
  const register = { type: 'practitioner.register', account: nurse.account, roleCodes: [code] };
  expectOk(chain.submit(register, { by: ada }));
  assert.deepEqual(practitionerRoles(chain.state, nurse.account), [code]);
  assert.equal(chain.submit(register, { by: ada }).code, 'ACCOUNT_EXISTS');
  for (const roleCodes of [['no system'], ['a|b|c'], [' |b'], ['a|'], [`a|${'b'.repeat(65)}`]]) {
    assert.equal(chain.submit({ ...register, roleCodes }, { by: ada }).code, 'SCHEMA_INVALID', roleCodes[0] as string);
  }
  assert.equal(
    chain.submit({ ...register, account: testAccount('x'), roleCodes: [code, code] }, { by: ada }).code,
    'ITEM_REPEATED',
  );
  const setRoles = { type: 'practitioner.setRoles', account: nurse.account, roleCodes: ['a|b', 'a|c'] };
  const deactivate = { type: 'practitioner.deactivate', account: nurse.account };
  for (const message of [setRoles, deactivate]) {
    assert.equal(chain.submit(message, { by: bob }).code, 'SIGNER_NOT_ENTITLED');
    assert.equal(chain.submit({ ...message, account: bob.account }, { by: bob }).code, 'ACCOUNT_KIND');
    assert.equal(chain.submit({ ...message, account: testAccount('nobody') }, { by: bob }).code, 'ACCOUNT_NOT_FOUND');
  }
  assert.equal(chain.submit({ ...setRoles, roleCodes: [code, code] }, { by: ada }).code, 'ITEM_REPEATED');
  expectOk(chain.submit(setRoles, { by: ada }));
  assert.deepEqual(practitionerRoles(chain.state, nurse.account), ['a|b', 'a|c']);
  // The member gives a key, and takes the last one; the nurse alone could not.
  expectOk(
    chain.submit({ type: 'key.add', account: nurse.account, key: nurse.record }, { by: ada, approvers: [nurse] }),
  );
  assert.equal(chain.submit(setRoles, { by: nurse }).code, 'MEMBER_REQUIRED');
  assert.equal(
    chain.submit({ type: 'key.retire', account: nurse.account, key: nurse.keyId }, { by: nurse }).code,
    'KEY_LAST',
  );
  expectOk(
    chain.submit({ type: 'key.add', account: nurse.account, key: spare.record }, { by: nurse, approvers: [spare] }),
  );
  for (const key of [nurse.keyId, spare.keyId])
    expectOk(chain.submit({ type: 'key.retire', account: nurse.account, key }, { by: ada }));
  expectOk(chain.submit(deactivate, { by: ada }));
  assert.deepEqual(practitionerRoles(chain.state, nurse.account), []);
  for (const message of [setRoles, deactivate]) assert.equal(chain.submit(message, { by: ada }).code, 'ACCOUNT_STATUS');
});

test('what clients may ask', () => {
  const chain = chainOfTwo();
  expectOk(chain.submit(open('pat'), { by: ada }));
  const { id } = chain.submit({ type: 'membership.setRoles', account: bob.account, roles: ['payer'] }, { by: ada });
  const query = (name: string, argument: Record<string, string>) =>
    chain.kernel.query(chain.store, `membership.${name}`, argument);
  assert.deepEqual(query('account', { account: pat.account }), {
    record: { kind: 'patient', status: 'unclaimed', sponsor: ada.account, keys: [] },
    sponsor: ada.account,
    roleCodes: [],
  });
  assert.deepEqual(query('account', { account: testAccount('nobody') }), {});
  assert.throws(() => query('account', { account: '../etc' }), { code: 'ACCOUNT_NOT_FOUND' });
  const proposal = query('proposal', { proposal: id }) as { proposal: object; votes: number; needed: number };
  assert.deepEqual([proposal.votes, proposal.needed], [1, 3]);
  assert.deepEqual(query('proposal', { proposal: 'x' }), {});
});
