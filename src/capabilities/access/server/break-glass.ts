import { randomBytes } from '#crypto/platform';
import type { Caller } from '../../../auth/caller.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { bytesToHex, utf8 } from '../../../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../../../std/canonical-json.ts';
import { isReject, rejecter } from '../../../std/reject.ts';
import { LIMITS } from '../contract/state.ts';
import { type BreakGlassClaim, claimId, claimSignBytes } from '../contract/statement.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Documents of the vault: the reasons that were stated, and claims that wait for the ledger. */
const REASON_KIND = 'break-glass-reason';
const CLAIM_KIND = 'break-glass-claim';

const MINUTE_MS = 60_000;

export interface BrokenGlass {
  /** Id of the act on the ledger: of the transaction, or of the claim. */
  readonly act: string;
  readonly origin: 'LEDGER' | 'LEDGER_UNAVAILABLE';
  readonly expiresAtMs: number;
}

/** A claim that was journalled here and is not on the ledger yet. */
type PendingClaim = { readonly claim: BreakGlassClaim; readonly key: string; readonly signature: string };

/**
 * Breaks the glass of one patient for the calling clinician: on the ledger, which every member sees, or, while that
 * stands still or the budget is used up, by a signed claim that is journalled at once and brought later. The stated reason stays in the vault.
 * Throws Reject CLINICIANS_ONLY, BREAK_GLASS_DENIED and what the contract refuses.
 */
export async function breakGlass(
  organisation: OrganisationContext,
  caller: Caller,
  request: { account: string; reason: number; statedReason: string },
): Promise<BrokenGlass> {
  requireClinician(organisation, caller);
  const broken = await breakOnLedger(organisation, caller, request).catch((error: unknown) => {
    if (isReject(error) && (error.kind === 'unavailable' || error.kind === 'limit'))
      return claimAlone(organisation, caller, request);
    throw error;
  });
  const { vault } = organisation;
  await vault.putDocument(REASON_KIND, broken.act, utf8(request.statedReason));
  return broken;
}

/** To be asked before a patient is looked up. Throws Reject CLINICIANS_ONLY. */
export function requireClinician({ account }: OrganisationContext, { kind, organisation }: Caller): void {
  if (kind !== 'practitioner' || organisation !== account) throw reject('CLINICIANS_ONLY');
}

async function breakOnLedger(
  organisation: OrganisationContext,
  caller: Caller,
  { account, reason }: { account: string; reason: number },
): Promise<BrokenGlass> {
  const message = { type: 'access.breakGlass', account, practitioner: caller.account, reason } as const;
  const { outcome } = await submitMessage(organisation.ledger, organisation.clock(), message, organisation.signer);
  if (outcome.code !== 'OK') throw reject('CLINICIANS_ONLY', { code: outcome.code });
  if (outcome.data.decision !== 'permit') throw reject('BREAK_GLASS_DENIED');
  await journalAct(organisation, caller, account, outcome.data.rules as readonly string[], outcome.id);
  return { act: outcome.id, origin: 'LEDGER', expiresAtMs: outcome.data.expiresAtMs as number };
}

/** Durable in the journal before anybody reads by it; from then on the vault itself holds the act until it is brought. */
async function claimAlone(
  organisation: OrganisationContext,
  caller: Caller,
  { account, reason }: { account: string; reason: number },
): Promise<BrokenGlass> {
  const { ledger, signer, vault } = organisation;
  const claim: BreakGlassClaim = {
    chain: ledger.genesisHash,
    nonce: bytesToHex(randomBytes(16)),
    account,
    organisation: organisation.account,
    practitioner: caller.account,
    reason,
    atMs: organisation.clock(),
    minutes: LIMITS.breakGlassMinutes,
  };
  const signature = bytesToHex(await signer.sign(claimSignBytes(claim)));
  const act = claimId(claim);
  const pending: PendingClaim = { claim, key: signer.keyId, signature };
  await vault.putDocument(CLAIM_KIND, act, canonicalBytes(pending));
  await journalAct(organisation, caller, account, ['default:break-glass'], '');
  return { act, origin: 'LEDGER_UNAVAILABLE', expiresAtMs: claim.atMs + claim.minutes * MINUTE_MS };
}

async function journalAct(
  { vault, clock }: OrganisationContext,
  { account: actor, organisation }: Caller,
  account: string,
  rules: readonly string[],
  permit: string,
): Promise<void> {
  const kind = 'break-glass' as const;
  await vault.journal([
    {
      kind,
      account,
      timeMs: clock(),
      actor,
      organisation,
      purpose: 'BTG',
      decision: 'permit',
      rules,
      versions: [],
      permit,
    },
  ]);
}

/** Until when claims that wait for the ledger let a practitioner read an account; 0 for none. */
export async function claimedUntilMs(
  { vault }: Pick<OrganisationContext, 'vault'>,
  account: string,
  practitioner: string,
): Promise<number> {
  let until = 0;
  for (const { claim } of await pendingClaims(vault)) {
    if (claim.account !== account || claim.practitioner !== practitioner) continue;
    until = Math.max(until, claim.atMs + claim.minutes * MINUTE_MS);
  }
  return until;
}

async function pendingClaims(vault: OrganisationContext['vault']): Promise<readonly PendingClaim[]> {
  return (await vault.listDocuments(CLAIM_KIND)).map(({ bytes }) => parseCanonical(bytes) as PendingClaim);
}

/** Brings waiting claims to the ledger; one that is there already is done with, as after a crash between the two. */
export async function bringClaims(organisation: OrganisationContext): Promise<void> {
  const { ledger, vault, signer, log } = organisation;
  for (const pending of await pendingClaims(vault)) {
    const message = { type: 'access.breakGlassClaim', ...(pending as unknown as JsonObject) };
    const { outcome } = await submitMessage(ledger, organisation.clock(), message, signer);
    const isThere = outcome.code === 'OK' || outcome.code === 'BREAK_GLASS_CLAIM_REPEATED';
    if (!isThere) log.warn({ code: outcome.code }, 'break-glass claim refused by the ledger');
    else await vault.putDocument(CLAIM_KIND, claimId(pending.claim), null);
  }
}

/** The reason that was stated for an act, for the patient and the reviewer; undefined for an act of another node. */
export function statedReason({ vault }: OrganisationContext, act: string): Promise<Uint8Array | undefined> {
  return vault.getDocument(REASON_KIND, act);
}
