import { equalSecret, randomBytes, sha256 } from '#crypto/platform';
import { type AttemptLimits, createAttemptLimits } from '../../../auth/sign-in/attempt-limits.ts';
import { sourcePrefix } from '../../../auth/sign-in/source-prefix.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex, hexToBytes, utf8 } from '../../../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../../../std/canonical-json.ts';
import { frame } from '../../../std/frame.ts';
import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** How long a code is good for, and how often one network may try a wrong one meanwhile. */
const CLAIM_CODE_LIFE_MS = 15 * 60 * 1000;
const CLAIM_CODE_TRIES = 5;

const KIND = 'claim-code';
/** Crockford's base 32: no letter that people take for another. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

type ClaimCode = { readonly hash: string; readonly expiresAtMs: number };

/**
 * Makes the one-time code that a patient is handed in person: 80 random bits as `XXXX-XXXX-XXXX-XXXX`. Only its hash
 * is kept, in the vault, never on the ledger. A new code replaces the account's last one.
 */
export async function issueClaimCode(
  organisation: OrganisationContext,
  account: string,
): Promise<{ code: string; expiresAtMs: number }> {
  const symbols = [...randomBytes(16)].map((byte) => ALPHABET.charAt(byte & 31));
  const code = [0, 4, 8, 12].map((at) => symbols.slice(at, at + 4).join('')).join('-');
  const expiresAtMs = organisation.clock() + CLAIM_CODE_LIFE_MS;
  await write(organisation, account, { hash: hashOf(account, code), expiresAtMs });
  return { code, expiresAtMs };
}

/** Tries of claim codes, in memory: a code is never worn out by others, and a network that guesses has to wait. */
export const createClaimTries = (): AttemptLimits =>
  createAttemptLimits({ sessionTries: CLAIM_CODE_TRIES, waitMs: CLAIM_CODE_LIFE_MS });

/** Who tries: the address that the request came from, and what is counted of it. */
export interface ClaimTry {
  readonly from: string;
  readonly tries: AttemptLimits;
}

/**
 * Uses a code up. Throws Reject CLAIM_CODE_WRONG, and CLAIM_TRIED_TOO_OFTEN {retryAfterSeconds} to a network that tried
 * five wrong ones. Whoever knows an account can send wrong codes for it, so those cost the code nothing: nobody guesses 80
 * bits. Callers run one at a time: of two that come at once with the same code, one gets it.
 */
export async function redeemClaimCode(
  organisation: OrganisationContext,
  account: string,
  code: string,
  { from, tries }: ClaimTry,
): Promise<void> {
  const bytes = await organisation.vault.getDocument(KIND, account);
  const known = bytes === undefined ? undefined : (parseCanonical(bytes) as ClaimCode | undefined);
  const nowMs = organisation.clock();
  if (known === undefined || known.expiresAtMs <= nowMs) throw reject('CLAIM_CODE_WRONG');
  const source = sourcePrefix(from);
  const waitMs = tries.waitMs(known.hash, source, nowMs);
  if (waitMs > 0) throw reject('CLAIM_TRIED_TOO_OFTEN', { retryAfterSeconds: Math.ceil(waitMs / 1000) });
  const [given, expected] = [hexToBytes(hashOf(account, normalised(code))), hexToBytes(known.hash)] as [
    Uint8Array,
    Uint8Array,
  ];
  if (!equalSecret(given, expected)) {
    tries.failed(known.hash, source, nowMs);
    throw reject('CLAIM_CODE_WRONG');
  }
  await write(organisation, account, undefined);
}

/** As people type it: lower case, without dashes, O for 0, I or L for 1. */
function normalised(code: string): string {
  const symbols = code
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  return (symbols.match(/.{1,4}/g) ?? []).join('-');
}

function hashOf(account: string, code: string): string {
  return bytesToHex(sha256(frame('aceso/claim-code/1', utf8(account), utf8(code))));
}

async function write({ vault }: OrganisationContext, account: string, code: ClaimCode | undefined): Promise<void> {
  await vault.putDocument(KIND, account, code === undefined ? null : canonicalBytes(code));
}
