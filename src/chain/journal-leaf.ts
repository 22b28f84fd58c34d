import { hmacFrame, sha256 } from '#crypto/platform';
import { canonicalText } from '../std/canonical-json.ts';

/**
 * Leaves of a custodian's journal. A leaf is 32 bytes that tell nothing without its salt:
 * HMAC-SHA-256(salt, frame(tag, canonical header, SHA-256(exact bytes))). The journal is the RFC 6962 log whose
 * entries are these 32 bytes. The tags carry the format's version; vectors in test/vectors/ pin them.
 */
export const VERSION_LEAF_TAG = 'aceso/leaf/version/1';
export const INTERACTION_LEAF_TAG = 'aceso/leaf/interaction/1';
export const ASKED_INTERACTION_LEAF_TAG = 'aceso/leaf/interaction/2';

/** Length of a leaf's random salt, in bytes. */
export const SALT_BYTES = 32;

/** What a version's leaf commits to beside its bytes. `previous` is the leaf before it, '' for a first version. */
export type VersionHeader = {
  readonly account: string;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly action: 'create' | 'update' | 'delete';
  readonly timeMs: number;
  /** Pseudonymous id of who wrote it (account id of practitioner, patient, device or organisation). */
  readonly author: string;
  readonly previous: string;
};

/** What one interaction with one account's versions came to. Leaves in hexadecimal, in the order they were given. */
type InteractionOutcome = {
  readonly kind: 'read' | 'release' | 'receipt' | 'refusal' | 'break-glass' | 'revocation' | 'erasure';
  readonly account: string;
  readonly timeMs: number;
  /** Account id of who asked, and of the organisation that one acts for. */
  readonly actor: string;
  readonly organisation: string;
  /** HL7 v3 ActReason code: TREAT, BTG, … */
  readonly purpose: string;
  readonly decision: 'permit' | 'deny';
  /** Rules that made the decision: `<policy id>#<provision index>` or a default's name. */
  readonly rules: readonly string[];
  readonly versions: readonly string[];
  /** Id of the ledger transaction that this follows (a permit), or ''. */
  readonly permit: string;
};

/**
 * By what an interaction came about, in printable ASCII, each '' where it is not known. Entries about a patient are shown
 * to that patient, so nothing in here may tell of another one.
 */
export type Asked = {
  /** OAuth client (app) that asked; '' for tokens that the organisation itself issued. At most 256 characters. */
  readonly client: string;
  /** FHIR restful-interaction code (`read`, `search-type`, …), or `$name` of an operation. At most 64 characters. */
  readonly interaction: string;
  /** Id of the request, as in the answer's X-Request-Id. At most 128 characters. */
  readonly request: string;
  /** Path of the resource, and names of search parameters, never their values. At most 256 characters. */
  readonly query: string;
};

/** Format 1 says what an interaction came to; format 2 also by what it came about. Both are read and verified for ever. */
export type InteractionHeader = InteractionOutcome | (InteractionOutcome & Asked);

/** Longest values of `Asked`, in characters. */
export const ASKED_LIMITS = { client: 256, interaction: 64, request: 128, query: 256 } as const;

/** Leaf of a version of a resource; `salt` is 32 random bytes, `contentHash` SHA-256 of the exact bytes. */
export function versionLeaf(salt: Uint8Array, header: VersionHeader, contentHash: Uint8Array): Uint8Array {
  return hmacFrame(salt, VERSION_LEAF_TAG, canonicalText(header), contentHash);
}

/** Leaf of an interaction, of the format that its header has. */
export function interactionLeaf(salt: Uint8Array, header: InteractionHeader): Uint8Array {
  const tag = 'client' in header ? ASKED_INTERACTION_LEAF_TAG : INTERACTION_LEAF_TAG;
  return hmacFrame(salt, tag, canonicalText(header));
}

/** SHA-256 of a version's exact bytes. */
export function contentHash(bytes: Uint8Array): Uint8Array {
  return sha256(bytes);
}
