import { sha256 } from '#crypto/platform';
import { bytesToHex, equalBytes, hexToBytes, utf8 } from '../std/bytes.ts';
import { canonicalBytes } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import type { KeyAlgorithm, KeyRecord } from './account.ts';
import type { SignatureTask } from './kernel-api.ts';
import type { Transaction } from './transaction.ts';
import { assertionToCheck } from './webauthn.ts';

/** Id of a key: the first 16 bytes of SHA-256(frame('aceso/key/1', algorithm, public key)), hexadecimal. */
export function keyId(algorithm: KeyAlgorithm, publicKey: Uint8Array): string {
  return bytesToHex(sha256(frame('aceso/key/1', utf8(algorithm), publicKey)).subarray(0, 16));
}

/** What a log leaf names of a signer's key: SHA-256(frame('aceso/key-record/1', canonical record)), hexadecimal. */
export function keyRecordHash(record: KeyRecord): string {
  return keyFacts(record).recordHash;
}

/** One task for each signer of a transaction; `keys` are the signers' key records in the body's order. */
export function signatureTasks(transaction: Transaction, keys: readonly KeyRecord[]): SignatureTask[] {
  const { body, signBytes, signatures } = transaction;
  return body.signers.map(({ account }, at) => {
    const { algorithm, rpIdHash, origin } = keys[at] as KeyRecord;
    const { recordHash, publicKey } = keyFacts(keys[at] as KeyRecord);
    return {
      account,
      keyRecordHash: recordHash,
      algorithm,
      publicKey,
      message: signBytes,
      signature: signatures[at] as Uint8Array,
      ...(rpIdHash === undefined ? {} : { rpIdHash }),
      ...(origin === undefined ? {} : { origin }),
    };
  });
}

interface KeyFacts {
  readonly recordHash: string;
  readonly publicKey: Uint8Array;
}

/** What follows from a record, by its whole content; the same few thousand keys sign most transactions. */
const factsByRecord = new Map<string, KeyFacts>();
const MAX_KNOWN_RECORDS = 16_384;

function keyFacts(record: KeyRecord): KeyFacts {
  // fence: a key of this cache and no more; another order of members is another entry
  const text = JSON.stringify(record);
  const known = factsByRecord.get(text);
  if (known !== undefined) return known;
  const recordHash = bytesToHex(sha256(frame('aceso/key-record/1', canonicalBytes(record))));
  const facts = { recordHash, publicKey: hexToBytes(record.publicKey) ?? new Uint8Array() };
  if (factsByRecord.size >= MAX_KNOWN_RECORDS) factsByRecord.clear();
  factsByRecord.set(text, facts);
  return facts;
}

/**
 * True when what was found of one task holds of another of the same transaction: the very same signature under the very
 * same key record. By the id alone a forged copy would pass on the nodes that know the genuine one, and on no others.
 */
export function isSameTask(known: SignatureTask, task: SignatureTask): boolean {
  return (
    known.account === task.account &&
    known.keyRecordHash === task.keyRecordHash &&
    equalBytes(known.signature, task.signature)
  );
}

/** The one primitive that decides a task, all else about it having been found right. */
export interface PrimitiveCheck {
  readonly algorithm: 'ed25519' | 'es256';
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** Ed25519: 64 bytes (RFC 8032). ES256: DER. */
  readonly signature: Uint8Array;
}

const ED25519_KEY_BYTES = 32;
const ED25519_SIGNATURE_BYTES = 64;
const P256_POINT_BYTES = 65;

/** Reduces a task to its primitive; undefined when it fails before that. Needs no key and no state. */
export function primitiveCheck(task: SignatureTask): PrimitiveCheck | undefined {
  const { algorithm, publicKey, message, signature, rpIdHash, origin } = task;
  if (algorithm === 'ed25519') {
    if (publicKey.length !== ED25519_KEY_BYTES || signature.length !== ED25519_SIGNATURE_BYTES) return undefined;
    return { algorithm: 'ed25519', publicKey, message, signature };
  }
  if (algorithm !== 'webauthn-es256' || publicKey.length !== P256_POINT_BYTES || publicKey[0] !== 4) return undefined;
  if (rpIdHash === undefined || origin === undefined) return undefined;
  // The challenge is the transaction's id, as 32 bytes.
  const assertion = assertionToCheck(signature, { challenge: sha256(message), rpIdHash, origin });
  if (assertion === undefined) return undefined;
  return { algorithm: 'es256', publicKey, message: assertion.message, signature: assertion.signatureDer };
}

/** Synchronous primitives; on the consensus path those of node:crypto and nothing else. */
export interface SignaturePrimitives {
  verifyEd25519(publicKey32: Uint8Array, message: Uint8Array, signature64: Uint8Array): boolean;
  verifyEs256(publicKey65: Uint8Array, message: Uint8Array, signatureDer: Uint8Array): boolean;
}

/** True when the task's signature holds. Free of state: any thread may run it. */
export function checkSignature(task: SignatureTask, primitives: SignaturePrimitives): boolean {
  const check = primitiveCheck(task);
  if (check === undefined) return false;
  const { publicKey, message, signature } = check;
  return check.algorithm === 'ed25519'
    ? primitives.verifyEd25519(publicKey, message, signature)
    : primitives.verifyEs256(publicKey, message, signature);
}
