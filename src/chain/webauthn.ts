import { sha256 } from '#crypto/platform';
import { bytesToBase64url, bytesToHex, concatBytes, equalBytes, utf8 } from '../std/bytes.ts';
import { frame, unframe } from '../std/frame.ts';

/** A WebAuthn signature in a transaction: frame(ASSERTION_TAG, authenticatorData, clientDataJSON, DER signature). */
export const ASSERTION_TAG = 'aceso/webauthn/1';

const MAX_AUTHENTICATOR_DATA_BYTES = 1024;
const MAX_CLIENT_DATA_BYTES = 2048;
/** A DER ECDSA-Sig-Value of two 256-bit integers takes 8 to 72 bytes. */
const MIN_DER_BYTES = 8;
const MAX_DER_BYTES = 72;

/** rpIdHash ‖ flags ‖ signCount (WebAuthn L2 §6.1), the shortest authenticator data. */
const AUTHENTICATOR_DATA_BYTES = 37;
const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const ATTESTED = 0x40;
const EXTENDED = 0x80;

export interface Assertion {
  readonly authenticatorData: Uint8Array;
  readonly clientDataJson: Uint8Array;
  readonly signatureDer: Uint8Array;
}

/** What a wallet puts in place of a raw signature. */
export function encodeAssertion(assertion: Assertion): Uint8Array {
  return frame(ASSERTION_TAG, assertion.authenticatorData, assertion.clientDataJson, assertion.signatureDer);
}

/**
 * What an assertion's ES256 signature covers, once all else in it holds for this challenge, relying party and origin
 * (WebAuthn L2 §7.2 steps 11 to 20); undefined when something does not. User presence and user verification must be
 * flagged. The signature counter is not looked at: synced passkeys keep it at zero.
 */
export function assertionToCheck(
  signature: Uint8Array,
  expected: { readonly challenge: Uint8Array; readonly rpIdHash: string; readonly origin: string },
): { readonly message: Uint8Array; readonly signatureDer: Uint8Array } | undefined {
  const parts = unframe(ASSERTION_TAG, signature);
  if (parts?.length !== 3) return undefined;
  const [authenticatorData, clientDataJson, signatureDer] = parts as [Uint8Array, Uint8Array, Uint8Array];
  if (signatureDer.length < MIN_DER_BYTES || signatureDer.length > MAX_DER_BYTES) return undefined;
  if (!isAuthenticatorData(authenticatorData, expected.rpIdHash)) return undefined;
  if (!isClientData(clientDataJson, expected.challenge, expected.origin)) return undefined;
  return { message: concatBytes(authenticatorData, sha256(clientDataJson)), signatureDer };
}

function isAuthenticatorData(data: Uint8Array, rpIdHash: string): boolean {
  if (data.length < AUTHENTICATOR_DATA_BYTES || data.length > MAX_AUTHENTICATOR_DATA_BYTES) return false;
  const flags = data[32] as number;
  if ((flags & USER_PRESENT) === 0 || (flags & USER_VERIFIED) === 0) return false;
  // Attested credential data belongs to registrations (§6.5.1); anything more than the head is extension data.
  const isExtended = (flags & EXTENDED) !== 0;
  if ((flags & ATTESTED) !== 0 || isExtended !== data.length > AUTHENTICATOR_DATA_BYTES) return false;
  return bytesToHex(data.subarray(0, 32)) === rpIdHash;
}

/**
 * The limited verification algorithm (WebAuthn L2 §5.8.1.2): clients serialise type, challenge, origin and crossOrigin
 * first and in this form (§5.8.1.1), so a comparison of bytes decides, and no two JSON parsers can disagree. An
 * assertion made in a frame of another origin (crossOrigin true) is refused.
 */
function isClientData(data: Uint8Array, challenge: Uint8Array, origin: string): boolean {
  if (data.length > MAX_CLIENT_DATA_BYTES || !isPlainOrigin(origin)) return false;
  const start = utf8(
    `{"type":"webauthn.get","challenge":"${bytesToBase64url(challenge)}","origin":"${origin}","crossOrigin":false`,
  );
  if (data.length <= start.length || !equalBytes(data.subarray(0, start.length), start)) return false;
  const next = data[start.length];
  const isWhole = next === CLOSE && data.length === start.length + 1;
  return isWhole || (next === COMMA && data[data.length - 1] === CLOSE);
}

const CLOSE = 0x7d;
const COMMA = 0x2c;

/** An origin that stands for itself inside a JSON string: nothing in it needs escaping (CCDToString, §5.8.1.1). */
function isPlainOrigin(origin: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/.test(origin);
}
