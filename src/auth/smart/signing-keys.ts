import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';
import { randomBytes } from '#crypto/platform';
import { bytesToBase64url } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Keys that ID tokens are signed with, newest first, and the one that cookies are. */
export interface SigningKeys {
  readonly keys: readonly { readonly jwk: JWK; readonly sinceMs: number }[];
  readonly cookieKeys: readonly string[];
}

const KIND = 'oauth:Keys';
const ID = 'signing';
/** A key signs for so long, and is published for as long again: an ID token lives an hour. */
export const SIGNING_KEY_LIFE_MS = 90 * 86_400_000;
/** How long a key stays published after another took its place, at least: twice what cookies live, the longest of all that it signs. */
const KEPT_MS = 86_400_000;
const LEAST_KEYS = 2;
/** Keys that may be made within that time, since each of them stays. */
const MOST_NEW = 8;
const RSA_BITS = 2048;

/**
 * The node's keys, made when there are none. RS256, since every client of OpenID Connect takes it (OpenID Connect Core
 * §15.1) and SMART App Launch asks for it. They lie in the vault of the first organisation, sealed.
 */
export async function loadSigningKeys(store: DocumentStore, nowMs: number): Promise<SigningKeys> {
  const known = await readJson<SigningKeys>(store, KIND, ID);
  return known ?? rotateSigningKeys(store, nowMs);
}

/**
 * Puts a new key in front. Those before stay published, and keep verifying cookies, for as long as anything they signed
 * lives; older ones go. Throws Reject KEYS_ROTATED_OFTEN: whoever rotates does it for every organisation of the node.
 */
export async function rotateSigningKeys(store: DocumentStore, nowMs: number): Promise<SigningKeys> {
  const known = await readJson<SigningKeys>(store, KIND, ID);
  const before = known?.keys ?? [];
  if (before.filter(({ sinceMs }) => sinceMs > nowMs - KEPT_MS).length >= MOST_NEW) throw reject('KEYS_ROTATED_OFTEN');
  const keys = [{ jwk: await newSigningKey(), sinceMs: nowMs }, ...before];
  // A key was replaced when the one before it in this order was made.
  const isKept = (at: number) => at < LEAST_KEYS || (keys[at - 1]?.sinceMs ?? 0) > nowMs - KEPT_MS;
  const next: SigningKeys = {
    keys: keys.filter((_key, at) => isKept(at)),
    // Each is made with one of those, so they go together.
    cookieKeys: [bytesToBase64url(randomBytes(32)), ...(known?.cookieKeys ?? [])].filter((_key, at) => isKept(at)),
  };
  await writeJson(store, KIND, ID, next);
  return next;
}

async function newSigningKey(): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS });
  const kid = bytesToBase64url(randomBytes(12));
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, use: 'sig', alg: 'RS256' };
}
