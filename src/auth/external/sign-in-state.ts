import { hmacFrame, randomBytes, sha256 } from '#crypto/platform';
import { openAes256Gcm, sealAes256Gcm } from '../../crypto/node/aead.ts';
import { base64urlToBytes, bytesToBase64url, utf8, utf8ToText } from '../../std/bytes.ts';
import { createSpentOnce } from '../spent-once.ts';

/** What one journey to a provider is about. */
export interface Journey {
  /** uid of the OAuth interaction, which belongs to one browser. */
  readonly session: string;
  readonly custodian: string;
  /** Id of the provider. */
  readonly provider: string;
  readonly expiresAtMs: number;
}

/** The texts of one authorization request. */
export interface JourneyTexts {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636: 43 characters. */
  readonly verifier: string;
  /** S256 of it. */
  readonly challenge: string;
}

export interface SignInStates {
  begin(journey: Omit<Journey, 'expiresAtMs'>): JourneyTexts;
  /** What this process began and can still be answered; undefined for any other text. */
  open(state: string): (Journey & Pick<JourneyTexts, 'nonce' | 'verifier'>) | undefined;
  /** Whether somebody signed in by an answer to it. */
  isSpent(state: string): boolean;
  /** True once for a state that was opened; false for each other answer to it. `account` is who was proved to answer. */
  spend(state: string, account: string): boolean;
}

/** As long as the interaction lives. */
const LIFE_MS = 15 * 60_000;
const AAD = utf8('aceso/external-state/1');

/**
 * Journeys of this process. Nothing is kept of one before its answer came, so nobody can crowd others out: the state is
 * sealed under a key that ends with the process, and nonce and verifier follow from it.
 */
export function createSignInStates(clock: () => number): SignInStates {
  const key = randomBytes(32);
  const spent = createSpentOnce(clock);
  const derived = (use: string, state: string) =>
    bytesToBase64url(hmacFrame(key, 'aceso/external-journey/1', use, state));

  return {
    begin(journey) {
      const sealed = { ...journey, expiresAtMs: clock() + LIFE_MS } satisfies Journey;
      const state = bytesToBase64url(sealAes256Gcm(key, utf8(JSON.stringify(sealed)), AAD));
      const verifier = derived('verifier', state);
      const challenge = bytesToBase64url(sha256(utf8(verifier)));
      return { state, nonce: derived('nonce', state), verifier, challenge };
    },
    open(state) {
      const bytes = base64urlToBytes(state);
      const plain = bytes && openAes256Gcm(key, bytes, AAD);
      if (plain === undefined) return undefined;
      const journey = JSON.parse(utf8ToText(plain)) as Journey;
      if (journey.expiresAtMs <= clock()) return undefined;
      return { ...journey, nonce: derived('nonce', state), verifier: derived('verifier', state) };
    },
    // The last second it could be answered in is not known here; its whole life is enough.
    spend: (state, account) => spent.spend(state, clock() + LIFE_MS, account),
    isSpent: spent.isSpent,
  };
}
