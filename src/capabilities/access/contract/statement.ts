import { sha256, verifyEd25519 } from '#crypto/platform';
import type { KeyRecord } from '../../../chain/account.ts';
import { bytesToHex, hexToBytes } from '../../../std/bytes.ts';
import { canonicalBytes } from '../../../std/canonical-json.ts';
import { frame } from '../../../std/frame.ts';

/** Tag of the statement; carries the format's version. */
export const CLAIM_TAG = 'aceso/claim-break-glass/1';

/**
 * What a clinician signs to break the glass while the ledger stands still. A statement without expiry and no
 * transaction: the custodian journals it at once and brings it to the ledger when that moves again.
 */
export type BreakGlassClaim = {
  /** Genesis hash of the ledger that it is meant for. */
  readonly chain: string;
  /** 16 random bytes, hexadecimal. */
  readonly nonce: string;
  readonly account: string;
  readonly organisation: string;
  readonly practitioner: string;
  readonly reason: number;
  /** Clock of the node where the glass was broken. */
  readonly atMs: number;
  readonly minutes: number;
};

/** The bytes that are signed: frame(tag, RFC 8785 bytes of the claim). */
export function claimSignBytes(claim: BreakGlassClaim): Uint8Array {
  return frame(CLAIM_TAG, canonicalBytes(claim));
}

/** Hexadecimal SHA-256 of the signed bytes: the id of the claim, and of its act on the ledger. */
export function claimId(claim: BreakGlassClaim): string {
  return bytesToHex(sha256(claimSignBytes(claim)));
}

/** Whether `signature` (64 bytes, hexadecimal) over the claim is that of an Ed25519 key on the ledger. */
export async function verifyClaim(claim: BreakGlassClaim, signature: string, key: KeyRecord): Promise<boolean> {
  const [publicKey, bytes] = [hexToBytes(key.publicKey), hexToBytes(signature)];
  if (key.algorithm !== 'ed25519' || publicKey?.length !== 32 || bytes?.length !== 64) return false;
  return verifyEd25519(publicKey, claimSignBytes(claim), bytes);
}
