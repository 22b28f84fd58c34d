import { sha256 } from '#crypto/platform';
import { hexToBytes, utf8 } from '../std/bytes.ts';
import { frame } from '../std/frame.ts';

/** Who releases what to whom, under which permit. */
export interface ReleaseParties {
  /** Genesis hash. */
  readonly chain: string;
  readonly custodian: string;
  readonly requester: string;
  readonly account: string;
  readonly permit: string;
}

/** What a requester countersigns: that it received this ciphertext and these leaves. */
export interface ReleaseTerms extends ReleaseParties {
  /** SHA-256, 32 bytes. */
  readonly ciphertextHash: Uint8Array;
  readonly leavesHash: Uint8Array;
}

/** The bytes that the requester's member key signs; a release that is denied later is proven by them. */
export function releaseSignBytes(terms: ReleaseTerms): Uint8Array {
  return frame('aceso/release/1', ...partiesOf(terms), terms.ciphertextHash, terms.leavesHash);
}

/** Additional data of the release's AES-256-GCM: a ciphertext opens for nobody else's permit. */
export function releaseAad(parties: ReleaseParties): Uint8Array {
  return frame('aceso/release-aad/1', ...partiesOf(parties));
}

/** HPKE `info` of the box that holds a release's key; its aad are the countersigned bytes. */
export const RELEASE_KEY_INFO = utf8('aceso/release-key/1');

/** SHA-256 over the leaves in their order; `leaves` in hexadecimal. */
export function leavesHash(leaves: readonly string[]): Uint8Array {
  return sha256(frame('aceso/release-leaves/1', ...leaves.map((leaf) => hexToBytes(leaf) as Uint8Array)));
}

function partiesOf({ chain, custodian, requester, account, permit }: ReleaseParties): Uint8Array[] {
  return [chain, custodian, requester, account, permit].map(utf8);
}
