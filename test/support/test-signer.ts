import { createHash, createPrivateKey, createPublicKey, sign as signWith } from 'node:crypto';
import type { KeyRecord } from '../../src/chain/account.ts';
import { keyId } from '../../src/chain/signature.ts';
import { encodeAssertion } from '../../src/chain/webauthn.ts';
import { ed25519PublicKey, signEd25519 } from '../../src/crypto/node/ed25519.ts';
import { bytesToHex, concatBytes, utf8 } from '../../src/std/bytes.ts';

/** A key that signs for an account, made from a label: the same label gives the same account and key each time. */
export interface TestSigner {
  readonly account: string;
  readonly keyId: string;
  readonly record: KeyRecord;
  sign(bytes: Uint8Array): Uint8Array;
}

function digest(text: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(text).digest());
}

/** Account id of a label. */
export function testAccount(label: string): string {
  return bytesToHex(digest(`account ${label}`).subarray(0, 16));
}

/** An Ed25519 signer of the account of `label`; another `key` gives a second key of the same account. */
export function testSigner(label: string, key = 'first'): TestSigner {
  const seed = digest(`seed ${label} ${key}`);
  const publicKey = ed25519PublicKey(seed);
  const id = keyId('ed25519', publicKey);
  return {
    account: testAccount(label),
    keyId: id,
    record: { id, algorithm: 'ed25519', publicKey: bytesToHex(publicKey) },
    sign: (bytes) => signEd25519(seed, bytes),
  };
}

export const TEST_ORIGIN = 'https://wallet.example';
export const TEST_RP_ID = 'wallet.example';
const UP_AND_UV = 0x05;

/** Parts of an assertion that a test may bend. */
export interface AssertionBend {
  readonly flags?: number;
  readonly rpId?: string;
  readonly origin?: string;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly challenge?: Uint8Array;
  /** Follows `"crossOrigin":false`. */
  readonly tail?: string;
}

/** A WebAuthn ES256 signer of the account of `label`: a software passkey. ECDSA is randomised, so its wire differs each time. */
export function testPasskey(label: string, key = 'passkey', bend: AssertionBend = {}): TestSigner {
  const privateKey = createPrivateKey({ key: pkcs8P256(digest(`p256 ${label} ${key}`)), format: 'der', type: 'pkcs8' });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const point = concatBytes(
    Uint8Array.of(4),
    Buffer.from(jwk.x as string, 'base64url'),
    Buffer.from(jwk.y as string, 'base64url'),
  );
  const id = keyId('webauthn-es256', point);
  return {
    account: testAccount(label),
    keyId: id,
    record: {
      id,
      algorithm: 'webauthn-es256',
      publicKey: bytesToHex(point),
      rpIdHash: bytesToHex(digest(TEST_RP_ID)),
      origin: TEST_ORIGIN,
    },
    sign(bytes) {
      const challenge = Buffer.from(bend.challenge ?? createHash('sha256').update(bytes).digest()).toString(
        'base64url',
      );
      const clientDataJson = utf8(
        `{"type":"${bend.type ?? 'webauthn.get'}","challenge":"${challenge}","origin":"${bend.origin ?? TEST_ORIGIN}",` +
          `"crossOrigin":${bend.crossOrigin ?? false}${bend.tail ?? '}'}`,
      );
      const authenticatorData = concatBytes(
        digest(bend.rpId ?? TEST_RP_ID),
        Uint8Array.of(bend.flags ?? UP_AND_UV),
        new Uint8Array(4),
      );
      const signed = concatBytes(authenticatorData, createHash('sha256').update(clientDataJson).digest());
      const signatureDer = new Uint8Array(signWith('sha256', signed, privateKey));
      return encodeAssertion({ authenticatorData, clientDataJson, signatureDer });
    },
  };
}

/** PKCS #8 (RFC 5208) of a P-256 private key given as 32 bytes (RFC 5915), without the public key. */
function pkcs8P256(scalar: Uint8Array): Buffer {
  const head = Buffer.from('3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420', 'hex');
  return Buffer.concat([head, scalar]);
}
