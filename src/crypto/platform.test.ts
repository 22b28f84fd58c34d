import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesToHex, utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';
import { ed25519PublicKey, signEd25519 } from './node/ed25519.ts';
import { generateEs256Key, signEs256 } from './node/es256.ts';
import * as node from './node/platform.ts';
import { derToRawSignature } from './web/der-signature.ts';
import * as web from './web/platform.ts';

const MESSAGES = [0, 1, 31, 32, 55, 56, 63, 64, 65, 100, 1000, 70_000].map((length) => node.randomBytes(length));

test('node and web export the same names', () => {
  assert.deepEqual(Object.keys(web).sort(), Object.keys(node).sort());
});

test('SHA-256 and HMAC-SHA-256 agree on both, and give plain arrays', () => {
  assert.equal(
    bytesToHex(node.sha256(utf8('abc'))),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad', // FIPS 180-4's example
  );
  for (const message of MESSAGES) {
    assert.deepEqual(node.sha256(message), web.sha256(message));
    assert.deepEqual(node.sha256(message), new Uint8Array(createHash('sha256').update(message).digest()));
    for (const key of MESSAGES) assert.deepEqual(node.hmacSha256(key, message), web.hmacSha256(key, message));
  }
  for (const platform of [node, web]) {
    for (const bytes of [
      platform.sha256(utf8('a')),
      platform.hmacSha256(utf8('k'), utf8('a')),
      platform.randomBytes(4),
    ]) {
      assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
    }
  }
});

test('hmacFrame is the HMAC of the frame, on both, for texts and bytes of any length and keys of any', () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('\ud800', 'x'.repeat(6000), 'é'.repeat(9000), new Uint8Array(17_000)),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.array(part, { maxLength: 5 }), (key, parts) => {
      const framed = frame('aceso/test/1', ...parts.map((one) => (typeof one === 'string' ? utf8(one) : one)));
      const expected = new Uint8Array(createHmac('sha256', key).update(framed).digest());
      for (const { hmacFrame, hmacSha256 } of [node, web]) {
        assert.deepEqual(hmacFrame(key, 'aceso/test/1', ...parts), expected);
        assert.deepEqual(hmacSha256(key, framed), expected);
      }
    }),
  );
});

test('a digest does not change when the next one is made', () => {
  for (const { sha256 } of [node, web]) {
    const first = sha256(utf8('first'));
    const copy = first.slice();
    sha256(utf8('second'));
    assert.deepEqual(first, copy);
  }
});

test('randomBytes gives the length asked for, beyond what one call of the browser gives, and never the same twice', () => {
  for (const { randomBytes } of [node, web]) {
    for (const length of [0, 1, 32, 65_536, 65_537, 200_000]) assert.equal(randomBytes(length).length, length);
    const tail = randomBytes(65_537 + 64).subarray(65_537);
    assert.ok(tail.some((byte) => byte !== 0));
    assert.notDeepEqual(randomBytes(32), randomBytes(32));
  }
});

test('equalSecret is equality', () => {
  for (const { equalSecret } of [node, web]) {
    const secret = node.randomBytes(33);
    assert.ok(equalSecret(secret, secret.slice()));
    assert.ok(equalSecret(new Uint8Array(0), new Uint8Array(0)));
    assert.ok(!equalSecret(secret, secret.subarray(1)));
    assert.ok(!equalSecret(secret, secret.subarray(0, 32)));
    assert.ok(!equalSecret(secret.subarray(0, 32), secret));
    for (let at = 0; at < secret.length; at++) {
      const other = secret.slice();
      other[at] = (other[at] as number) ^ 0x80;
      assert.ok(!equalSecret(secret, other));
    }
  }
});

test('both verify Ed25519 alike, also what is malformed', async () => {
  const seed = node.randomBytes(32);
  const [publicKey, message] = [ed25519PublicKey(seed), utf8('message')];
  const signature = signEd25519(seed, message);
  for (const { verifyEd25519 } of [node, web]) {
    assert.equal(await verifyEd25519(publicKey, message, signature), true);
    assert.equal(await verifyEd25519(publicKey, utf8('massage'), signature), false);
    assert.equal(await verifyEd25519(publicKey.subarray(1), message, signature), false);
    assert.equal(await verifyEd25519(publicKey, message, signature.subarray(1)), false);
    assert.equal(await verifyEd25519(new Uint8Array(32).fill(0xff), message, signature), false);
    for (let at = 0; at < 64; at++) {
      const altered = signature.slice();
      altered[at] = (altered[at] as number) ^ 1;
      assert.equal(await verifyEd25519(publicKey, message, altered), false, `byte ${at}`);
    }
  }
});

test('both verify ES256 alike, also what is malformed', async () => {
  const key = generateEs256Key();
  const message = utf8('message');
  for (let run = 0; run < 30; run++) {
    const signature = signEs256(key, message);
    const padded = new Uint8Array(signature.length + 1);
    padded.set(signature);
    const offCurve = key.publicKey.slice();
    offCurve[64] = (offCurve[64] as number) ^ 1;
    for (const { verifyEs256 } of [node, web]) {
      assert.equal(await verifyEs256(key.publicKey, message, signature), true);
      assert.equal(await verifyEs256(key.publicKey, utf8('massage'), signature), false);
      assert.equal(await verifyEs256(key.publicKey, message, padded), false);
      assert.equal(await verifyEs256(key.publicKey, message, new Uint8Array(0)), false);
      assert.equal(await verifyEs256(offCurve, message, signature), false);
      assert.equal(await verifyEs256(key.publicKey.subarray(0, 33), message, signature), false);
    }
  }
});

test('a DER signature has one form', () => {
  const der = (...bytes: number[]) => derToRawSignature(Uint8Array.of(...bytes));
  const one = [...new Uint8Array(31), 1];
  assert.deepEqual([...(der(0x30, 6, 2, 1, 1, 2, 1, 1) ?? [])], [...one, ...one]);
  assert.deepEqual([...(der(0x30, 7, 2, 2, 0, 0x80, 2, 1, 1) ?? [])], [...new Uint8Array(31), 0x80, ...one]);
  assert.equal(der(0x30, 6, 2, 1, 0x80, 2, 1, 1), undefined); // negative
  assert.equal(der(0x30, 7, 2, 2, 0, 1, 2, 1, 1), undefined); // longer than need be
  assert.equal(der(0x30, 7, 2, 1, 1, 2, 1, 1, 0), undefined); // something after it
  assert.equal(der(0x30, 0x81, 6, 2, 1, 1, 2, 1, 1), undefined); // BER length
  assert.equal(der(0x30, 6, 2, 0, 2, 2, 1, 1), undefined); // no digits
  assert.equal(der(0x31, 6, 2, 1, 1, 2, 1, 1), undefined); // not a sequence
  assert.equal(der(0x30, 6, 2, 1, 1, 2, 9, 1), undefined); // runs over the end
});
