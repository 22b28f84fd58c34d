import {
  AEAD_AES_256_GCM,
  CipherSuite,
  DecapError,
  DeserializeError,
  EncapError,
  KDF_HKDF_SHA256,
  KEM_MLKEM768_X25519,
  type KEMFactory,
  type KeyPair,
  NotSupportedError,
  OpenError,
} from 'hpke';
import { randomBytes } from '#crypto/platform';
import { base64urlToBytes, bytesToBase64url } from '../std/bytes.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { isMlKem768PublicKey } from './ml-kem-key.ts';

/**
 * Sealing to people: HPKE base mode (RFC 9180) with the hybrid KEM X-Wing (draft-connolly-cfrg-xwing-kem; HPKE KEM id
 * 0x647a), HKDF-SHA-256 and AES-256-GCM. Who can open is fixed, who sealed is not: sign what needs an author.
 */

/** The only suite so far. The number at the end goes up should the draft's bytes change before it is an RFC. */
export const SEALING_SUITE = 'x-wing.hkdf-sha256.aes-256-gcm.1';

/** Lengths of the suite, in bytes (draft-connolly-cfrg-xwing-kem §5). */
export const SEALING_PUBLIC_KEY_BYTES = 1216;
export const SEALING_SEED_BYTES = 32;
const ENC_BYTES = 1120;
const TAG_BYTES = 16;

/** Largest plaintext, in bytes: boxes carry keys and salts, records travel as ciphertext beside them. */
export const MAX_SEALED_BYTES = 1024 * 1024;

/** One sealed message; `enc` and `ciphertext` in base64url. */
export type SealedBox = { readonly suite: string; readonly enc: string; readonly ciphertext: string };

/** An owner's key pair: `seed` is the HPKE `ikm` that both halves are derived from (RFC 9180 §7.1.3), and the secret. */
export type SealingKeyPair = { readonly seed: Uint8Array; readonly publicKey: Uint8Array };

/** What `createSealing` makes: the functions below over one implementation of the KEM. */
export interface Sealing {
  sealTo(publicKey: Uint8Array, plaintext: Uint8Array, info: Uint8Array, aad: Uint8Array): Promise<SealedBox>;
  openSealed(seed: Uint8Array, box: SealedBox, info: Uint8Array, aad: Uint8Array): Promise<Uint8Array | undefined>;
  sealingPublicKey(seed: Uint8Array): Promise<Uint8Array>;
}

const reject = rejecter(CODES);

/** Sealing over an implementation of the KEM; HKDF and AES-GCM are WebCrypto's everywhere. */
export function createSealing(kem: KEMFactory): Sealing {
  const suite = new CipherSuite(kem, KDF_HKDF_SHA256, AEAD_AES_256_GCM);

  function keyPairOf(seed: Uint8Array): Promise<KeyPair> {
    if (seed.length !== SEALING_SEED_BYTES) throw new RangeError(`a sealing seed has ${SEALING_SEED_BYTES} bytes`);
    return suite.DeriveKeyPair(seed);
  }

  return {
    async sealTo(publicKey, plaintext, info, aad) {
      if (plaintext.length > MAX_SEALED_BYTES) throw new RangeError(`more than ${MAX_SEALED_BYTES} bytes to seal`);
      if (!isSealingPublicKey(publicKey)) throw reject('SEALING_KEY_INVALID');
      const key = await unlessRefused(suite.DeserializePublicKey(publicKey));
      const sealed = key && (await unlessRefused(suite.Seal(key, plaintext, { info, aad })));
      if (sealed === undefined) throw reject('SEALING_KEY_INVALID');
      const { encapsulatedSecret, ciphertext } = sealed;
      return {
        suite: SEALING_SUITE,
        enc: bytesToBase64url(encapsulatedSecret),
        ciphertext: bytesToBase64url(ciphertext),
      };
    },

    async openSealed(seed, box, info, aad) {
      const keyPair = await keyPairOf(seed);
      const parts = boxParts(box);
      return parts && unlessRefused(suite.Open(keyPair, parts.enc, parts.ciphertext, { info, aad }));
    },

    async sealingPublicKey(seed) {
      return suite.SerializePublicKey((await keyPairOf(seed)).publicKey);
    },
  };
}

let sealing: Promise<Sealing> | undefined;

/**
 * Node and some browsers have ML-KEM in WebCrypto; the others load @noble's, a chunk of its own. Which it is shows in
 * no byte of a box.
 */
function platformSealing(): Promise<Sealing> {
  sealing ??= isNative().then(async (native) =>
    createSealing(native ? KEM_MLKEM768_X25519 : (await import('@panva/hpke-noble')).KEM_MLKEM768_X25519),
  );
  return sealing;
}

async function isNative(): Promise<boolean> {
  try {
    const suite = new CipherSuite(KEM_MLKEM768_X25519, KDF_HKDF_SHA256, AEAD_AES_256_GCM);
    const { publicKey } = await suite.DeriveKeyPair(new Uint8Array(SEALING_SEED_BYTES));
    await suite.Seal(publicKey, new Uint8Array());
    return true;
  } catch (error) {
    if (error instanceof NotSupportedError) return false;
    throw error;
  }
}

/**
 * Seals `plaintext` (at most MAX_SEALED_BYTES) to the holder of `publicKey`. `info` names the purpose, `aad` what the
 * box belongs to; both are needed to open it. Rejects SEALING_KEY_INVALID for bytes that are no public key.
 */
export async function sealTo(
  publicKey: Uint8Array,
  plaintext: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
): Promise<SealedBox> {
  return (await platformSealing()).sealTo(publicKey, plaintext, info, aad);
}

/**
 * The plaintext; undefined for another key, info or aad, altered bytes, a box of another form. Rejects
 * SEALING_SUITE_UNKNOWN for a box of another suite, so that one from a newer version is not taken for a broken one.
 */
export async function openSealed(
  seed: Uint8Array,
  box: SealedBox,
  info: Uint8Array,
  aad: Uint8Array,
): Promise<Uint8Array | undefined> {
  return (await platformSealing()).openSealed(seed, box, info, aad);
}

/** The public key (1216 bytes) of a 32-byte seed. */
export async function sealingPublicKey(seed: Uint8Array): Promise<Uint8Array> {
  return (await platformSealing()).sealingPublicKey(seed);
}

/** A new key pair. */
export async function generateSealingKey(): Promise<SealingKeyPair> {
  const seed = randomBytes(SEALING_SEED_BYTES);
  return { seed, publicKey: await sealingPublicKey(seed) };
}

/** True for bytes that may be a public key of the suite: X-Wing's are ML-KEM-768's, then X25519's 32 bytes. */
export function isSealingPublicKey(publicKey: Uint8Array): boolean {
  return publicKey.length === SEALING_PUBLIC_KEY_BYTES && isMlKem768PublicKey(publicKey.subarray(0, -32));
}

/** Bytes of a registered sealing key. Rejects SEALING_SUITE_UNKNOWN, SEALING_KEY_INVALID. */
export function sealingKeyBytes(key: { readonly suite: string; readonly publicKey: string }): Uint8Array {
  if (key.suite !== SEALING_SUITE) throw reject('SEALING_SUITE_UNKNOWN');
  const bytes =
    key.publicKey.length > textLength(SEALING_PUBLIC_KEY_BYTES) ? undefined : base64urlToBytes(key.publicKey);
  if (bytes === undefined || !isSealingPublicKey(bytes)) throw reject('SEALING_KEY_INVALID');
  return bytes;
}

/** Lengths are looked at before anything is decoded. */
function boxParts(box: SealedBox): { readonly enc: Uint8Array; readonly ciphertext: Uint8Array } | undefined {
  if (box.suite !== SEALING_SUITE) throw reject('SEALING_SUITE_UNKNOWN');
  if (box.enc.length !== textLength(ENC_BYTES)) return undefined;
  if (box.ciphertext.length > textLength(MAX_SEALED_BYTES + TAG_BYTES)) return undefined;
  const [enc, ciphertext] = [base64urlToBytes(box.enc), base64urlToBytes(box.ciphertext)];
  if (enc === undefined || ciphertext === undefined || ciphertext.length < TAG_BYTES) return undefined;
  return { enc, ciphertext };
}

/** Characters of unpadded base64url. */
function textLength(sizeBytes: number): number {
  return Math.ceil((sizeBytes * 4) / 3);
}

/** Undefined when the bytes are at fault; any other failure is a fault of ours or of the platform, and thrown. */
async function unlessRefused<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (REFUSALS.some((refusal) => error instanceof refusal)) return undefined;
    throw error;
  }
}

const REFUSALS = [DecapError, DeserializeError, EncapError, OpenError];
