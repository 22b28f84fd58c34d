import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToBase64url, utf8 } from '../../std/bytes.ts';
import { readAssertion, readCredential } from './passkey-ceremony.ts';

const CLIENT_DATA = { type: 'webauthn.get', challenge: 'AAAA', origin: 'https://hospital.example', crossOrigin: false };

function clientData(change: object): string {
  return bytesToBase64url(utf8(JSON.stringify({ ...CLIENT_DATA, ...change })));
}

function assertion(change: object = {}, top: object = {}): unknown {
  const response = { clientDataJSON: clientData({}), authenticatorData: 'AA', signature: 'AA', userHandle: 'AAAA' };
  return { id: 'AAAA', response: { ...response, ...change }, ...top };
}

function credential(change: object = {}): unknown {
  return { id: 'AAAA', response: { clientDataJSON: clientData({}), attestationObject: 'AA', ...change } };
}

test('what is no assertion, too long, or made in a frame is not looked at further', () => {
  const sent = readAssertion(assertion());
  assert.deepEqual([sent?.id, sent?.userHandle, sent?.challenge], ['AAAA', new Uint8Array(3), new Uint8Array(3)]);
  const wrong: readonly (readonly [says: string, sent: unknown])[] = [
    ['in a frame of another origin', assertion({ clientDataJSON: clientData({ crossOrigin: true }) })],
    ['which names that origin', assertion({ clientDataJSON: clientData({ topOrigin: 'https://other.example' }) })],
    ['no challenge', assertion({ clientDataJSON: clientData({ challenge: 1 }) })],
    ['challenge of another alphabet', assertion({ clientDataJSON: clientData({ challenge: 'A+/=' }) })],
    ['no JSON', assertion({ clientDataJSON: bytesToBase64url(utf8('{')) })],
    ['JSON of nothing', assertion({ clientDataJSON: bytesToBase64url(utf8('null')) })],
    ['no user handle, so nobody’s', assertion({ userHandle: undefined })],
    ['long user handle', assertion({ userHandle: 'A'.repeat(87) })],
    ['long id', assertion({}, { id: 'A'.repeat(1365) })],
    ['long signature', assertion({ signature: 'A'.repeat(1025) })],
    ['long client data', assertion({ clientDataJSON: clientData({ more: 'A'.repeat(4096) }) })],
    ['long authenticator data', assertion({ authenticatorData: 'A'.repeat(4097) })],
    ['nothing', undefined],
    ['a list', []],
  ];
  for (const [says, one] of wrong) assert.equal(readAssertion(one), undefined, says);
});

test('the same for a new credential', () => {
  assert.deepEqual(readCredential(credential())?.challenge, new Uint8Array(3));
  const wrong: readonly (readonly [says: string, sent: unknown])[] = [
    ['in a frame of another origin', credential({ clientDataJSON: clientData({ crossOrigin: true }) })],
    ['long attestation', credential({ attestationObject: 'A'.repeat(8193) })],
    ['many transports', credential({ transports: Array.from({ length: 9 }, () => 'usb') })],
    ['odd transports', credential({ transports: ['<script>'] })],
    ['an assertion', assertion()],
  ];
  for (const [says, one] of wrong) assert.equal(readCredential(one), undefined, says);
});
