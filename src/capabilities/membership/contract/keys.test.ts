import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemberChain, expectOk, openClaimed } from '../../../../test/support/test-members.ts';
import { testAccount, testPasskey, testSigner } from '../../../../test/support/test-signer.ts';
import { accounts, type KeyRecord } from '../../../chain/account.ts';
import { keyId, keyRecordHash } from '../../../chain/signature.ts';
import { hexToBytes } from '../../../std/bytes.ts';
import { keyHistory, LIMITS } from './state.ts';

const ada = testSigner('ada');
const second = testSigner('ada', 'second');

function chainOfAda() {
  return createMemberChain({ ada: ['provider'], bob: ['provider'] });
}

function record(algorithm: KeyRecord['algorithm'], publicKey: string, more: Partial<KeyRecord> = {}): KeyRecord {
  return { id: keyId(algorithm, hexToBytes(publicKey) as Uint8Array), algorithm, publicKey, ...more };
}

test('rotation: add the new key, retire the old one; the history keeps both', () => {
  const chain = chainOfAda();
  expectOk(
    chain.submit({ type: 'key.add', account: ada.account, key: second.record }, { by: ada, approvers: [second] }),
  );
  expectOk(chain.submit({ type: 'key.retire', account: ada.account, key: ada.keyId }, { by: second }));
  assert.deepEqual(chain.state.get(accounts, ada.account)?.keys, [second.record]);
  assert.equal(
    chain.submit({ type: 'account.open', accounts: [testAccount('p')] }, { by: ada }).code,
    'SIGNER_KEY_UNKNOWN',
  );
  expectOk(chain.submit({ type: 'account.open', accounts: [testAccount('p')] }, { by: second }));
  for (const key of [ada.record, second.record]) assert.deepEqual(chain.state.get(keyHistory, keyRecordHash(key)), key);
});

test('a key cannot add itself, and the one added has to sign', () => {
  const chain = chainOfAda();
  const add = { type: 'key.add', account: ada.account, key: second.record };
  assert.equal(chain.submit(add, { by: second }).code, 'SIGNER_NOT_ENTITLED');
  assert.equal(chain.submit(add, { by: second, approvers: [ada] }).code, 'SIGNER_NOT_ENTITLED');
  assert.equal(chain.submit(add, { by: ada }).code, 'KEY_UNPROVEN');
  assert.equal(chain.submit(add, { by: testSigner('bob'), approvers: [second] }).code, 'SIGNER_NOT_ENTITLED');
  assert.equal(chain.submit({ ...add, account: testAccount('nobody') }, { by: ada }).code, 'ACCOUNT_NOT_FOUND');
  assert.equal(chain.submit({ ...add, key: ada.record }, { by: ada }).code, 'KEY_EXISTS');
  assert.deepEqual(chain.state.get(accounts, ada.account)?.keys, [ada.record]);
});

test('the last key stays', () => {
  const chain = chainOfAda();
  assert.equal(
    chain.submit({ type: 'key.retire', account: ada.account, key: ada.keyId }, { by: ada }).code,
    'KEY_LAST',
  );
  assert.equal(
    chain.submit({ type: 'key.retire', account: ada.account, key: second.keyId }, { by: ada }).code,
    'KEY_UNKNOWN',
  );
  assert.equal(
    chain.submit({ type: 'key.retire', account: ada.account, key: ada.keyId }, { by: testSigner('bob') }).code,
    'SIGNER_NOT_ENTITLED',
  );
});

test('so many keys, and no more', () => {
  const chain = chainOfAda();
  for (let at = 1; at <= LIMITS.keysPerAccount; at++) {
    const key = testSigner('ada', `key ${at}`);
    const { code } = chain.submit(
      { type: 'key.add', account: ada.account, key: key.record },
      { by: ada, approvers: [key] },
    );
    assert.equal(code, at < LIMITS.keysPerAccount ? 'OK' : 'KEY_LIMIT', `key ${at}`);
  }
});

test('keys that prove nothing are refused, whoever vouches for them', () => {
  const chain = chainOfAda();
  const passkey = testPasskey('nurse').record;
  const { rpIdHash, origin, ...bare } = passkey;
  const identity = `01${'00'.repeat(31)}`;
  const cases: Record<string, KeyRecord> = {
    'small order: the identity': record('ed25519', identity),
    'small order: order 8': record('ed25519', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'),
    'not canonical: y = p': record('ed25519', `ed${'ff'.repeat(30)}7f`),
    'ed25519 of 65 bytes': record('ed25519', passkey.publicKey),
    'ed25519 with an origin': { ...ada.record, origin: 'https://wallet.example' },
    'wrong id': { ...ada.record, id: '0'.repeat(32) },
    'id of another algorithm': { ...ada.record, id: record('webauthn-es256', ada.record.publicKey).id },
    'ES256 of 32 bytes': record('webauthn-es256', ada.record.publicKey, {
      rpIdHash: rpIdHash as string,
      origin: origin as string,
    }),
    'off the curve': record('webauthn-es256', `${passkey.publicKey.slice(0, -2)}00`, {
      rpIdHash: rpIdHash as string,
      origin: origin as string,
    }),
    'a passkey of no relying party': bare,
    'a passkey of no origin': { ...bare, rpIdHash: rpIdHash as string },
  };
  for (const [name, key] of Object.entries(cases)) {
    const message = { type: 'practitioner.register', account: testAccount('nurse'), keys: [key], roleCodes: [] };
    assert.equal(chain.submit(message, { by: ada }).code, 'KEY_INVALID', name);
  }
  for (const key of [
    { ...passkey, origin: 'javascript:alert(1)' },
    { ...passkey, more: 1 },
    { ...passkey, algorithm: 'rsa' },
  ]) {
    const message = { type: 'practitioner.register', account: testAccount('nurse'), keys: [key], roleCodes: [] };
    assert.equal(chain.submit(message, { by: ada }).code, 'SCHEMA_INVALID');
  }
  expectOk(
    chain.submit(
      { type: 'practitioner.register', account: testAccount('nurse'), keys: [passkey], roleCodes: [] },
      { by: ada },
    ),
  );
});

test('a patient adds devices: with a passkey on the account, sensitive acts need it', () => {
  const chain = chainOfAda();
  const [pat] = openClaimed(chain, ada, 'pat') as [ReturnType<typeof testSigner>];
  const passkey = testPasskey('pat');
  const tablet = testSigner('pat', 'tablet');
  // The custodian is nobody here any more.
  assert.equal(
    chain.submit({ type: 'key.add', account: pat.account, key: tablet.record }, { by: ada, approvers: [tablet] }).code,
    'SIGNER_NOT_ENTITLED',
  );
  expectOk(
    chain.submit({ type: 'key.add', account: pat.account, key: passkey.record }, { by: pat, approvers: [passkey] }),
  );
  const add = { type: 'key.add', account: pat.account, key: tablet.record };
  assert.equal(chain.submit(add, { by: pat, approvers: [tablet] }).code, 'SIGNER_UNVERIFIED');
  expectOk(chain.submit(add, { by: passkey, approvers: [tablet] }));
  assert.equal(
    chain.submit({ type: 'key.retire', account: pat.account, key: pat.keyId }, { by: tablet }).code,
    'SIGNER_UNVERIFIED',
  );
  expectOk(chain.submit({ type: 'key.retire', account: pat.account, key: pat.keyId }, { by: passkey }));
  assert.deepEqual(chain.state.get(accounts, pat.account)?.keys, [passkey.record, tablet.record]);
});

test('keys of an account that is not active do not change', () => {
  const chain = chainOfAda();
  const nurse = testSigner('nurse');
  const spare = testSigner('nurse', 'spare');
  expectOk(
    chain.submit(
      { type: 'practitioner.register', account: nurse.account, keys: [nurse.record], roleCodes: [] },
      { by: ada },
    ),
  );
  expectOk(chain.submit({ type: 'account.freeze', account: nurse.account }, { by: nurse }));
  assert.equal(
    chain.submit({ type: 'key.retire', account: nurse.account, key: nurse.keyId }, { by: ada }).code,
    'ACCOUNT_STATUS',
  );
  assert.equal(
    chain.submit({ type: 'key.add', account: nurse.account, key: spare.record }, { by: ada, approvers: [spare] }).code,
    'SIGNER_FROZEN',
  );
});
