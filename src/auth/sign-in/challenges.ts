import { equalSecret, hmacFrame, randomBytes } from '#crypto/platform';
import { bytesToHex, concatBytes } from '../../std/bytes.ts';
import { u64 } from '../../std/frame.ts';
import { createSpentOnce } from '../spent-once.ts';

/** How long a challenge can be answered. */
export const CHALLENGE_LIFE_MS = 5 * 60 * 1000;

const NONCE_BYTES = 16;
const TIME_BYTES = 8;
const MAC_BYTES = 32;

/** What a challenge is for: an answer to one is none to another. */
export type ChallengeUse = 'passkey' | 'wallet' | 'enrolment' | 'addition';

export interface Challenges {
  /** `nonce ‖ expiry ‖ MAC`, 56 bytes, for one use in one session. Nothing is kept of it, so nobody can crowd others out. */
  issue(use: ChallengeUse, session: string): Uint8Array;
  /** Whether this process issued it for just that, and it can still be answered. */
  check(use: ChallengeUse, session: string, challenge: Uint8Array): 'open' | 'expired' | 'wrong';
  /** True once for a challenge, to be called when an answer was proved to be `account`'s; false for each other answer to it. */
  spend(challenge: Uint8Array, account: string): boolean;
}

/** Challenges of this process: under a key that ends with it. */
export function createChallenges(clock: () => number): Challenges {
  const key = randomBytes(32);
  const spent = createSpentOnce(clock);
  const macOf = (use: ChallengeUse, session: string, head: Uint8Array) =>
    hmacFrame(key, 'aceso/sign-in-challenge/1', use, session, head);

  return {
    issue(use, session) {
      const head = concatBytes(randomBytes(NONCE_BYTES), u64(clock() + CHALLENGE_LIFE_MS));
      return concatBytes(head, macOf(use, session, head));
    },
    check(use, session, challenge) {
      if (challenge.length !== NONCE_BYTES + TIME_BYTES + MAC_BYTES) return 'wrong';
      const head = challenge.subarray(0, NONCE_BYTES + TIME_BYTES);
      if (!equalSecret(challenge.subarray(head.length), macOf(use, session, head))) return 'wrong';
      return challengeExpiry(challenge) > clock() ? 'open' : 'expired';
    },
    spend: (challenge, account) =>
      spent.spend(bytesToHex(challenge.subarray(0, NONCE_BYTES)), challengeExpiry(challenge), account),
  };
}

/** When a challenge of the right length expires. */
export function challengeExpiry(challenge: Uint8Array): number {
  return Number(new DataView(challenge.buffer, challenge.byteOffset + NONCE_BYTES, TIME_BYTES).getBigUint64(0));
}
