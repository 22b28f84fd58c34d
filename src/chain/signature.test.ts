import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signWire, verifySignature } from '../../test/support/test-chain.ts';
import { type AssertionBend, type TestSigner, testPasskey, testSigner } from '../../test/support/test-signer.ts';
import { bytesToHex, concatBytes, utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import type { KeyRecord } from './account.ts';
import type { SignatureTask } from './kernel-api.ts';
import { keyId, keyRecordHash, primitiveCheck, signatureTasks } from './signature.ts';
import { parseTransaction, type Transaction } from './transaction.ts';
import { ASSERTION_TAG, encodeAssertion } from './webauthn.ts';

function taskOf(signer: TestSigner, record: KeyRecord = signer.record): SignatureTask {
  const wire = signWire({
    chain: 'ab'.repeat(32),
    message: { type: 'note.put' },
    nonce: 1,
    notAfterMs: 5,
    signers: [signer],
  });
  return signatureTasks(parseTransaction(wire) as Transaction, [record])[0] as SignatureTask;
}

test('Ed25519: a signature holds, and no changed byte of key, message or signature does', () => {
  const task = taskOf(testSigner('patient'));
  assert.equal(verifySignature(task), true);
  for (const part of ['publicKey', 'message', 'signature'] as const) {
    for (let at = 0; at < task[part].length; at++) {
      const bytes = task[part].slice();
      bytes[at] = (bytes[at] as number) ^ 1;
      assert.equal(verifySignature({ ...task, [part]: bytes }), false, `${part} byte ${at}`);
    }
  }
  assert.equal(verifySignature({ ...task, signature: task.signature.subarray(1) }), false);
  assert.equal(verifySignature({ ...task, publicKey: task.publicKey.subarray(1) }), false);
});

test('WebAuthn: an assertion over the transaction id holds', () => {
  assert.equal(verifySignature(taskOf(testPasskey('patient'))), true);
});

// WebAuthn L2 §7.2, by step.
const REFUSED: Readonly<Record<string, AssertionBend>> = {
  'step 11, another type': { type: 'webauthn.create' },
  'step 12, another challenge': { challenge: new Uint8Array(32) },
  'step 13, another origin': { origin: 'https://wallet.example.evil' },
  'step 13, an origin that goes on': { origin: 'https://wallet.example"' },
  'made in a frame of another origin': { crossOrigin: true },
  'step 15, another relying party': { rpId: 'evil.example' },
  'step 16, user not present': { flags: 0x04 },
  'step 17, user not verified': { flags: 0x01 },
  'attested credential data': { flags: 0x45 },
  'extensions announced that are not there': { flags: 0x85 },
  'client data that ends early': { tail: '' },
  'client data with more after its end': { tail: '},"origin":"x"}' },
  'client data that goes on without a comma': { tail: 'x}' },
  'client data cut after a comma': { tail: ',"x":1' },
  'client data beyond its bound': { tail: `,"x":"${'x'.repeat(2048)}"}` },
};

for (const [name, bend] of Object.entries(REFUSED)) {
  test(`WebAuthn refused: ${name}`, () => {
    const task = taskOf(testPasskey('patient', 'passkey', bend));
    assert.equal(primitiveCheck(task), undefined);
    assert.equal(verifySignature(task), false);
  });
}

test('WebAuthn: members that a client adds after crossOrigin are passed over (L2 §5.8.1.1)', () => {
  assert.equal(verifySignature(taskOf(testPasskey('patient', 'passkey', { tail: ',"other":"x"}' }))), true);
});

test('WebAuthn: the signature covers authenticator data and client data', () => {
  const task = taskOf(testPasskey('patient'));
  const check = primitiveCheck(task);
  assert.equal(check?.algorithm, 'es256');
  for (let at = 0; at < task.signature.length; at++) {
    const signature = task.signature.slice();
    signature[at] = (signature[at] as number) ^ 1;
    assert.equal(verifySignature({ ...task, signature }), false, `byte ${at}`);
  }
});

test('WebAuthn: frame of other parts, sizes out of bounds, record without relying party', () => {
  const passkey = testPasskey('patient');
  const task = taskOf(passkey);
  const data = new Uint8Array(37);
  const der = new Uint8Array(70);
  const refused = [
    new Uint8Array(64),
    frame(ASSERTION_TAG, data, utf8('{}')),
    frame('aceso/webauthn/2', data, utf8('{}'), der),
    encodeAssertion({ authenticatorData: new Uint8Array(36), clientDataJson: utf8('{}'), signatureDer: der }),
    encodeAssertion({ authenticatorData: new Uint8Array(1025), clientDataJson: utf8('{}'), signatureDer: der }),
    encodeAssertion({ authenticatorData: data, clientDataJson: utf8('{}'), signatureDer: new Uint8Array(73) }),
    concatBytes(task.signature, Uint8Array.of(0)),
  ];
  for (const signature of refused) assert.equal(primitiveCheck({ ...task, signature }), undefined);
  const { rpIdHash: _, ...bare } = passkey.record;
  assert.equal(primitiveCheck(taskOf(passkey, bare)), undefined);
  assert.equal(primitiveCheck({ ...task, publicKey: task.publicKey.subarray(1) }), undefined);
});

test('a key’s algorithm comes from its record: neither kind passes for the other', () => {
  const ed25519 = taskOf(testSigner('patient'));
  const passkey = taskOf(testPasskey('patient'));
  assert.equal(verifySignature({ ...ed25519, algorithm: 'webauthn-es256' }), false);
  assert.equal(verifySignature({ ...passkey, algorithm: 'ed25519' }), false);
});

test('key ids and record hashes are pinned', () => {
  const key = new Uint8Array(32).fill(1);
  assert.equal(keyId('ed25519', key), '5cf610bc233dcf2fba8ef6e907b50788');
  assert.notEqual(keyId('webauthn-es256', key), keyId('ed25519', key));
  const record: KeyRecord = { id: keyId('ed25519', key), algorithm: 'ed25519', publicKey: bytesToHex(key) };
  assert.equal(keyRecordHash(record), '10cd50c97695103051e2dcd802a981026d67aa506337c1ba5054c6be8faba8ab');
  assert.notEqual(keyRecordHash({ ...record, origin: 'https://a.example' }), keyRecordHash(record));
});
