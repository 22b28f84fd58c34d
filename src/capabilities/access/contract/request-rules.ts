import { type MessageRule, messageRule } from '../../../chain/contract.ts';
import { decide } from '../../consent/contract/decide.ts';
import type { Policy } from '../../consent/contract/policy.ts';
import { BREAK_GLASS, isPurpose, purposeIsNamed } from '../../consent/contract/purposes.ts';
import { relationOf } from '../../consent/contract/queries.ts';
import { policiesOf } from '../../consent/contract/state.ts';
import { requireAsker, requireCustodian } from './asker.ts';
import { reject } from './codes.ts';
import { mayAskFor } from './roles.ts';
import { RequestSchema } from './schemas.ts';
import { LIMITS, type Permit, prunePermits, writePermit } from './state.ts';

/**
 * Asks for records of one account; every validator decides. The outcome is `OK` either way and says `permit` or
 * `deny` with the rules. A permit is for one use within five minutes of block time; that it is used once is
 * enforced by the custodian, whose journal takes it once.
 */
const request = messageRule({
  schema: RequestSchema,
  lane: 'ordinary',
  handle(context) {
    const { account, purpose, purposeTags = [], actorTags = [], scope } = context.message;
    const { state, block, transaction } = context;
    const custodian = requireCustodian(context, account);
    const asker = requireAsker(context, account, context.message.practitioner);
    if (!isPurpose(purpose)) throw reject('ACCESS_PURPOSE_UNKNOWN', {});
    if (purpose === BREAK_GLASS) throw reject('ACCESS_PURPOSE_BREAK_GLASS', {});
    const isAllowed =
      asker.kind === 'member' ? mayAskFor(state, asker.organisation, purpose) : purposeIsNamed(['PATRQT'], purpose);
    if (!isAllowed) throw reject('ACCESS_ROLE', { purpose });
    const { authoredFromMs, authoredToMs } = scope;
    if (authoredFromMs !== undefined && authoredToMs !== undefined && authoredFromMs > authoredToMs) {
      throw reject('ACCESS_SCOPE_INVALID', {});
    }
    const { organisation, practitioner } = asker;
    const requester = transaction.sender.account;
    const policies = policiesOf(state, account);
    const relation = relationOf(state, account, requester, block.timeMs);
    const asked = { atMs: block.timeMs, purpose, purposeTags, organisation, actorTags, relation, scope };
    const decision = decide(policies, asked);
    prunePermits(state, block.timeMs);
    const rules = decision.rules.slice(0, LIMITS.rulesPerOutcome);
    const attested = attestedRules(policies, rules);
    const data = {
      decision: decision.decision,
      rules,
      obligations: decision.obligations,
      ...(attested.length > 0 ? { attested } : {}),
    };
    if (decision.decision === 'deny') return data;
    const expiresAtMs = block.timeMs + LIMITS.permitMs;
    const permit: Permit = {
      account,
      custodian,
      organisation,
      requester,
      practitioner,
      purpose,
      purposeTags,
      actorTags,
      scope,
      rules,
      grantedAtMs: block.timeMs,
      expiresAtMs,
    };
    writePermit(state, transaction.id, permit);
    return { ...data, expiresAtMs };
  },
});

/** Which of the deciding rules rest on a paper consent that the custodian attests: the receipt says so. */
function attestedRules(policies: readonly Policy[], rules: readonly string[]): readonly string[] {
  const attested = policies.filter((policy) => policy.attestedBy !== undefined).map(({ id }) => `${id}#`);
  return rules.filter((rule) => attested.some((prefix) => rule.startsWith(prefix)));
}

/** Requests of access, version 1. */
export const requestMessages: Readonly<Record<string, MessageRule>> = { 'access.request': request };
