import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';
import { randomBytes } from '#crypto/platform';
import { bytesToBase64url } from '../../std/bytes.ts';
import { type DocumentStore, readJson, writeJson } from './documents.ts';

/** Keys that ID tokens are signed with, newest first, and the one that cookies are. */
export interface SigningKeys {
  readonly keys: readonly { readonly jwk: JWK; readonly sinceMs: number }[];
  readonly cookieKeys: readonly string[];
}

const KIND = 'oauth:Keys';
const ID = 'signing';
/** A key signs for so long, and is published for as long again: an ID token lives an hour. */
export const SIGNING_KEY_LIFE_MS = 90 * 86_400_000;
const MOST_KEYS = 2;
const RSA_BITS = 2048;

/**
 * The node's keys, made when there are none. RS256, since every client of OpenID Connect takes it (OpenID Connect Core
 * §15.1) and SMART App Launch asks for it. They lie in the vault of the first organisation, sealed.
 */
export async function loadSigningKeys(store: DocumentStore, nowMs: number): Promise<SigningKeys> {
  const known = await readJson<SigningKeys>(store, KIND, ID);
  return known ?? rotateSigningKeys(store, nowMs);
}

/** Puts a new key in front; the one before stays published, so that what it signed still verifies, and older ones go. */
export async function rotateSigningKeys(store: DocumentStore, nowMs: number): Promise<SigningKeys> {
  const known = await readJson<SigningKeys>(store, KIND, ID);
  const secret = () => bytesToBase64url(randomBytes(32));
  const next: SigningKeys = {
    keys: [{ jwk: await newSigningKey(), sinceMs: nowMs }, ...(known?.keys ?? [])].slice(0, MOST_KEYS),
    cookieKeys: [secret(), ...(known?.cookieKeys ?? [])].slice(0, MOST_KEYS),
  };
  await writeJson(store, KIND, ID, next);
  return next;
}

async function newSigningKey(): Promise<JWK> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS });
  const kid = bytesToBase64url(randomBytes(12));
  return { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, use: 'sig', alg: 'RS256' };
}
