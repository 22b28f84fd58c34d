import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesToHex, hexToBytes, utf8 } from '../../std/bytes.ts';
import { openAes256Gcm, sealAes256Gcm } from './aead.ts';
import { deriveKey } from './derive-key.ts';
import { createEd25519Signer, ed25519PublicKey, signEd25519, verifyEd25519Sync } from './ed25519.ts';
import { createKeyCache } from './key-cache.ts';
import { unwrapKey, wrapKey } from './key-wrap.ts';
import { randomBytes } from './platform.ts';

/** Calls `check` with each byte of `bytes` altered in turn. */
function withEachByteAltered(bytes: Uint8Array, check: (altered: Uint8Array, at: number) => void): void {
  for (let at = 0; at < bytes.length; at++) {
    const altered = bytes.slice();
    altered[at] = (altered[at] as number) ^ 1;
    check(altered, at);
  }
}

test('AES-256-GCM: nonce, ciphertext and tag in one; any altered byte, other key or other data opens to nothing', () => {
  const [key, aad] = [randomBytes(32), utf8('header')];
  for (const length of [0, 1, 16, 100, 100_000]) {
    const plaintext = randomBytes(length);
    const sealed = sealAes256Gcm(key, plaintext, aad);
    assert.equal(sealed.length, length + 28);
    assert.deepEqual(openAes256Gcm(key, sealed, aad), plaintext);
    assert.equal(openAes256Gcm(randomBytes(32), sealed, aad), undefined);
    assert.equal(openAes256Gcm(key, sealed, utf8('headar')), undefined);
    assert.equal(openAes256Gcm(key, sealed.subarray(0, sealed.length - 1), aad), undefined);
    if (length < 1000)
      withEachByteAltered(sealed, (altered) => assert.equal(openAes256Gcm(key, altered, aad), undefined));
  }
  for (let length = 0; length < 28; length++) assert.equal(openAes256Gcm(key, new Uint8Array(length), aad), undefined);
  assert.notDeepEqual(sealAes256Gcm(key, aad, aad), sealAes256Gcm(key, aad, aad));
});

test('AES key wrap: RFC 3394 §4.6; any altered byte or other key unwraps to nothing', () => {
  const kek = hexToBytes('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f') as Uint8Array;
  const key = hexToBytes('00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f') as Uint8Array;
  const wrapped = wrapKey(kek, key);
  assert.equal(bytesToHex(wrapped), '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21');
  assert.deepEqual(unwrapKey(kek, wrapped), key);
  assert.equal(unwrapKey(randomBytes(32), wrapped), undefined);
  withEachByteAltered(wrapped, (altered) => assert.equal(unwrapKey(kek, altered), undefined));
  for (const length of [0, 8, 16, 23, 25, 39]) assert.equal(unwrapKey(kek, wrapped.subarray(0, length)), undefined);
});

test('deriveKey: label and each part of the context keep keys apart; pinned', () => {
  const root = new Uint8Array(32).fill(1);
  const derived = [
    deriveKey(root, 'aceso/a'),
    deriveKey(root, 'aceso/b'),
    deriveKey(root, 'aceso/a', utf8('x')),
    deriveKey(root, 'aceso/a', utf8('x'), utf8('y')),
    deriveKey(root, 'aceso/a', utf8('xy')),
    deriveKey(new Uint8Array(32).fill(2), 'aceso/a'),
  ].map(bytesToHex);
  assert.equal(new Set(derived).size, derived.length);
  assert.equal(derived[2], 'f8a58987739e65f1440c2386f2a9ab3d625b9c48ecdfb3d10f203c82f2e0aed5');
});

test('Ed25519: RFC 8032 §7.1 test 2, from seed to signature', () => {
  const seed = hexToBytes('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb') as Uint8Array;
  const publicKey = ed25519PublicKey(seed);
  assert.equal(bytesToHex(publicKey), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
  const signature = signEd25519(seed, Uint8Array.of(0x72));
  assert.equal(
    bytesToHex(signature),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
  assert.deepEqual(createEd25519Signer(seed)(Uint8Array.of(0x72)), signature);
  assert.ok(verifyEd25519Sync(publicKey, Uint8Array.of(0x72), signature));
  assert.throws(() => signEd25519(seed.subarray(1), new Uint8Array(0)), RangeError);
});

test('the key cache answers as the import does, however many keys pass through it', () => {
  let imports = 0;
  const cached = createKeyCache((bytes) => {
    imports++;
    return { bytes: bytesToHex(bytes) } as never;
  });
  const nameOf = (index: number) => Uint8Array.of(index >> 8, index & 255);
  for (let run = 0; run < 3; run++) {
    for (let index = 0; index < 100; index++)
      assert.deepEqual(cached(nameOf(index)), { bytes: bytesToHex(nameOf(index)) });
  }
  assert.equal(imports, 100);
  for (let index = 0; index < 10_000; index++) {
    assert.deepEqual(cached(nameOf(index)), { bytes: bytesToHex(nameOf(index)) });
    cached(nameOf(0)); // used all the time, so never dropped
  }
  assert.equal(imports, 10_000);
});
