import { equalSecret, randomBytes, sha256 } from '#crypto/platform';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex, hexToBytes, utf8 } from '../../../std/bytes.ts';
import { canonicalBytes, parseCanonical } from '../../../std/canonical-json.ts';
import { frame } from '../../../std/frame.ts';
import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** How long a code is good for, and how often a wrong one may be tried before a new one is needed. */
export const CLAIM_CODE_LIFE_MS = 15 * 60 * 1000;
export const CLAIM_CODE_TRIES = 5;

const KIND = 'claim-code';
/** Crockford's base 32: no letter that people take for another. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

type ClaimCode = { readonly hash: string; readonly expiresAtMs: number; readonly triesLeft: number };

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
  await write(organisation, account, { hash: hashOf(account, code), expiresAtMs, triesLeft: CLAIM_CODE_TRIES });
  return { code, expiresAtMs };
}

/**
 * Uses a code up. Throws Reject CLAIM_CODE_WRONG, which costs one of its tries; the last one costs the code. Callers
 * run one at a time: of two that come at once with the same code, one gets it.
 */
export async function redeemClaimCode(organisation: OrganisationContext, account: string, code: string): Promise<void> {
  const bytes = await organisation.vault.getDocument(KIND, account);
  const known = bytes === undefined ? undefined : (parseCanonical(bytes) as ClaimCode | undefined);
  if (known === undefined || known.expiresAtMs <= organisation.clock()) throw reject('CLAIM_CODE_WRONG');
  const [given, expected] = [hexToBytes(hashOf(account, normalised(code))), hexToBytes(known.hash)] as [
    Uint8Array,
    Uint8Array,
  ];
  const isRight = equalSecret(given, expected);
  const triesLeft = known.triesLeft - 1;
  await write(organisation, account, isRight || triesLeft === 0 ? undefined : { ...known, triesLeft });
  if (!isRight) throw reject('CLAIM_CODE_WRONG', { triesLeft });
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
