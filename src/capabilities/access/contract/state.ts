import { type StateMap, type StateReader, type StateWriter, stateMap } from '../../../state/typed-map.ts';
import type { ScopeFacts } from '../../consent/contract/match.ts';

/** A recorded permit: what the exchange may release once, until it expires. Denials are in the log only. */
export type Permit = {
  readonly account: string;
  /** Member that keeps the account's records. */
  readonly custodian: string;
  /** Member to release to. */
  readonly organisation: string;
  /** Account that signed as sender: the member itself, a practitioner, the patient or a delegate. */
  readonly requester: string;
  /** '' where a member asks for its systems, or a patient. */
  readonly practitioner: string;
  readonly purpose: string;
  readonly purposeTags: readonly string[];
  readonly actorTags: readonly string[];
  readonly scope: ScopeFacts;
  readonly rules: readonly string[];
  readonly grantedAtMs: number;
  /** Block time after which it is void. */
  readonly expiresAtMs: number;
};

/** `LEDGER`: decided when it happened. `LEDGER_UNAVAILABLE`: a signed claim, brought when the ledger moved again. */
export type BreakGlassOrigin = 'LEDGER' | 'LEDGER_UNAVAILABLE';

export type Review = {
  readonly member: string;
  readonly finding: 'justified' | 'unjustified' | 'unclear';
  readonly atMs: number;
};

/** One broken glass: one patient, one practitioner, one reason, for a while. */
export type BreakGlassAct = {
  readonly account: string;
  readonly custodian: string;
  readonly organisation: string;
  readonly practitioner: string;
  /** Index into the reasons that the members agreed on; the sentence stays in the vault. */
  readonly reason: number;
  readonly origin: BreakGlassOrigin;
  readonly rules: readonly string[];
  readonly atMs: number;
  readonly expiresAtMs: number;
  /** The clinician who signed beside; '' where none was needed or, in a claim, none could be had. */
  readonly second: string;
  /** True when a claim exceeded the rate and nobody signed beside. */
  readonly unseconded: boolean;
  /** True when the policy that held when a claim was brought would have denied it. */
  readonly contested: boolean;
  /** Signature of a claim and the id of the key that made it, hexadecimal; '' for an act decided on the ledger. */
  readonly claimSignature: string;
  readonly claimKey: string;
  readonly reviews: readonly Review[];
};

/** Permits by account and id, the id of the transaction that asked. */
export const permits: StateMap<readonly [account: string, id: string], Permit> = stateMap('access.permits', 2);

/** Accounts of permits by expiry (16 digits of milliseconds) and id, for pruning. */
export const permitExpiries: StateMap<readonly [expiry: string, id: string], string> = stateMap(
  'access.permitExpiries',
  2,
);

/** Break-glass acts by account and id: the id of the transaction or, for a claim, of its statement. */
export const breakGlassActs: StateMap<readonly [account: string, id: string], BreakGlassAct> = stateMap(
  'access.breakGlass',
  2,
);

/** Times of a practitioner's latest acts, oldest first, within the window of the rate. */
export const breakGlassTimes: StateMap<readonly [practitioner: string], readonly number[]> = stateMap(
  'access.breakGlassTimes',
  1,
);

const MINUTE_MS = 60_000;

/** Bounds of rule version 1. A change of one is a new rule version. */
export const LIMITS = {
  permitMs: 5 * MINUTE_MS,
  /** How long an expired permit stays in state; it is in the log for ever. */
  permitKeptMs: 24 * 60 * MINUTE_MS,
  /** Expired permits that one request removes. More than it adds, so that they never pile up. */
  prunedPerRequest: 4,
  breakGlassMinutes: 60,
  /** Acts of one practitioner within the window that need no second clinician. */
  breakGlassAlone: 3,
  breakGlassWindowMs: 24 * 60 * MINUTE_MS,
  reasons: 256,
  reviewsPerAct: 16,
  tagsPerRequest: 32,
  /** Rules named in an outcome, the first ones; the custodian's decision names them all. */
  rulesPerOutcome: 32,
} as const;

/** A permit that holds at `atMs`; undefined when there is none or it has expired. */
export function permitOf(state: StateReader, account: string, id: string, atMs: number): Permit | undefined {
  const permit = state.get(permits, account, id);
  return permit !== undefined && atMs <= permit.expiresAtMs ? permit : undefined;
}

/** A break-glass act whose time has not run out at `atMs`. */
export function breakGlassOf(state: StateReader, account: string, id: string, atMs: number): BreakGlassAct | undefined {
  const act = state.get(breakGlassActs, account, id);
  return act !== undefined && atMs <= act.expiresAtMs ? act : undefined;
}

export function writePermit(state: StateWriter, id: string, permit: Permit): void {
  state.set(permits, [permit.account, id], permit);
  state.set(permitExpiries, [expiryKey(permit.expiresAtMs), id], permit.account);
}

/** Removes the first few permits that expired long enough ago, in order of expiry and id. */
export function prunePermits(state: StateWriter, nowMs: number): void {
  const due: (readonly [expiry: string, id: string, account: string])[] = [];
  const before = expiryKey(Math.max(0, nowMs - LIMITS.permitKeptMs));
  for (const [[expiry, id], account] of state.entries(permitExpiries, [])) {
    if (expiry >= before || due.length === LIMITS.prunedPerRequest) break;
    due.push([expiry, id, account]);
  }
  for (const [expiry, id, account] of due) {
    state.delete(permitExpiries, [expiry, id]);
    state.delete(permits, [account, id]);
  }
}

function expiryKey(timeMs: number): string {
  return String(timeMs).padStart(16, '0');
}
