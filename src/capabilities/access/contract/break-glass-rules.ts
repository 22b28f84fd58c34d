import { type MessageContext, type MessageRule, messageRule } from '../../../chain/contract.ts';
import { BREAK_GLASS } from '../../consent/contract/purposes.ts';
import { decideFor } from '../../consent/contract/queries.ts';
import { accountOf, isActiveMember, sponsorOf } from '../../membership/contract/queries.ts';
import { isClinician, requireAsker, requireCustodian } from './asker.ts';
import { reject } from './codes.ts';
import { mayAskFor } from './roles.ts';
import { BreakGlassSchema, ClaimSchema, ReviewSchema } from './schemas.ts';
import { type BreakGlassAct, breakGlassActs, breakGlassTimes, LIMITS } from './state.ts';
import { claimId } from './statement.ts';

type Context = Pick<MessageContext<unknown>, 'transaction' | 'state' | 'block'>;

const MINUTE_MS = 60_000;

/** Breaks the glass for one patient while the ledger moves. A denial by a policy that names BTG is an `OK` outcome too. */
const breakGlass = messageRule({
  schema: BreakGlassSchema,
  // Not the urgent lane: a custodian turned bad could fill that with broken glass and keep revocations out. One whose
  // budget is used up breaks the glass by a claim.
  lane: 'ordinary',
  handle(context) {
    const { account, practitioner, reason, minutes = LIMITS.breakGlassMinutes, actorTags = [] } = context.message;
    const { state, block, transaction } = context;
    const custodian = requireCustodian(context, account);
    const { organisation } = requireAsker(context, account, practitioner);
    if (!mayAskFor(state, organisation, 'TREAT')) throw reject('ACCESS_ROLE', { purpose: BREAK_GLASS });
    if (!isClinician(context, organisation, practitioner))
      throw reject('ACCESS_PRACTITIONER_INVALID', { practitioner });
    const second = secondClinician(context, organisation, practitioner);
    const times = timesWithin(context, practitioner, block.timeMs);
    if (times.length >= LIMITS.breakGlassAlone && second === '') {
      throw reject('BREAK_GLASS_SECOND_CLINICIAN', { practitioner, alone: LIMITS.breakGlassAlone });
    }
    const decision = decideFor(
      state,
      account,
      askFor(organisation, transaction.sender.account, actorTags, block.timeMs),
    );
    const { obligations } = decision;
    const rules = decision.rules.slice(0, LIMITS.rulesPerOutcome);
    if (decision.decision === 'deny') return { decision: 'deny', rules, obligations };
    const expiresAtMs = block.timeMs + minutes * MINUTE_MS;
    state.set(breakGlassTimes, [practitioner], [...times, block.timeMs]);
    const act: BreakGlassAct = {
      account,
      custodian,
      organisation,
      practitioner,
      reason,
      origin: 'LEDGER',
      rules,
      atMs: block.timeMs,
      expiresAtMs,
      second,
      unseconded: false,
      contested: false,
      claimSignature: '',
      claimKey: '',
      reviews: [],
    };
    state.set(breakGlassActs, [account, transaction.id], act);
    return { decision: 'permit', rules, obligations, expiresAtMs };
  },
});

/**
 * Brings a claim that was signed while the ledger stood still. It records what happened, so neither rate nor policy
 * refuses it: it is marked. Contracts verify no signature but a transaction's; the claim's is kept beside it, for
 * `verifyClaim` by whoever holds the statement, and who brings it answers for it.
 */
const bringClaim = messageRule({
  schema: ClaimSchema,
  lane: 'ordinary',
  handle(context) {
    const { claim, key, signature } = context.message;
    const { account, organisation, practitioner, reason, atMs, minutes } = claim;
    const { state, block, transaction } = context;
    const custodian = requireCustodian(context, account);
    const bringer = transaction.sender.account;
    const isParty = bringer === organisation || bringer === custodian;
    if (!isParty || !isActiveMember(state, bringer) || atMs > block.timeMs)
      throw reject('BREAK_GLASS_CLAIM_INVALID', {});
    if (accountOf(state, practitioner)?.kind !== 'practitioner' || sponsorOf(state, practitioner) !== organisation) {
      throw reject('ACCESS_PRACTITIONER_INVALID', { practitioner });
    }
    const id = claimId(claim);
    if (state.get(breakGlassActs, account, id) !== undefined) throw reject('BREAK_GLASS_CLAIM_REPEATED', { act: id });
    const second = secondClinician(context, organisation, practitioner);
    const times = timesWithin(context, practitioner, block.timeMs);
    const decision = decideFor(state, account, askFor(organisation, organisation, [], atMs));
    const act: BreakGlassAct = {
      account,
      custodian,
      organisation,
      practitioner,
      reason,
      origin: 'LEDGER_UNAVAILABLE',
      rules: decision.rules.slice(0, LIMITS.rulesPerOutcome),
      atMs,
      expiresAtMs: atMs + minutes * MINUTE_MS,
      second,
      unseconded: times.length >= LIMITS.breakGlassAlone && second === '',
      contested: decision.decision === 'deny',
      claimSignature: signature,
      claimKey: key,
      reviews: [],
    };
    state.set(breakGlassActs, [account, id], act);
    if (atMs > block.timeMs - LIMITS.breakGlassWindowMs) {
      state.set(breakGlassTimes, [practitioner], [...times, atMs].sort((a, b) => a - b).slice(-MAX_TIMES));
    }
    return { act: id, origin: act.origin, unseconded: act.unseconded, contested: act.contested };
  },
});

/** A member other than the one that acted says what it finds. */
const review = messageRule({
  schema: ReviewSchema,
  lane: 'ordinary',
  handle(context) {
    const { account, act: id, finding } = context.message;
    const { state, block, transaction } = context;
    const member = transaction.sender.account;
    if (!isActiveMember(state, member)) throw reject('ACCESS_REQUESTER_NOT_ENTITLED', { account: member });
    const act = state.get(breakGlassActs, account, id);
    if (act === undefined) throw reject('BREAK_GLASS_UNKNOWN', { act: id });
    if (act.organisation === member) throw reject('BREAK_GLASS_REVIEW_OWN', { act: id });
    if (act.reviews.some((other) => other.member === member)) throw reject('BREAK_GLASS_REVIEW_REPEATED', { act: id });
    if (act.reviews.length >= LIMITS.reviewsPerAct)
      throw reject('BREAK_GLASS_REVIEW_LIMIT', { limit: LIMITS.reviewsPerAct });
    state.set(breakGlassActs, [account, id], {
      ...act,
      reviews: [...act.reviews, { member, finding, atMs: block.timeMs }],
    });
    return { act: id, finding };
  },
});

/** Times kept of one practitioner; beyond the rate only their number matters. */
const MAX_TIMES = 64;

function timesWithin(context: Context, practitioner: string, nowMs: number): readonly number[] {
  const times = context.state.get(breakGlassTimes, practitioner) ?? [];
  return times.filter((at) => at > nowMs - LIMITS.breakGlassWindowMs).slice(-(MAX_TIMES - 1));
}

/** The account of another clinician of the same member among the approvers; '' when there is none. */
function secondClinician(context: Context, organisation: string, practitioner: string): string {
  for (const { account } of context.transaction.approvers) {
    if (account !== practitioner && isClinician(context, organisation, account)) return account;
  }
  return '';
}

function askFor(organisation: string, requester: string, actorTags: readonly string[], atMs: number) {
  return { atMs, purpose: BREAK_GLASS, purposeTags: [], organisation, actorTags, requester, scope: {} } as const;
}

/** Break-glass and its review, version 1. */
export const breakGlassMessages: Readonly<Record<string, MessageRule>> = {
  'access.breakGlass': breakGlass,
  'access.breakGlassClaim': bringClaim,
  'access.review': review,
};
