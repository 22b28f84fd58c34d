import { Type } from 'typebox';
import { type MessageRule, messageRule } from '../../../chain/contract.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { BALLOT_KINDS, type Ballot, type BallotKind, ballots, checkSealing, requireActive } from './ballots.ts';
import { SealingKeySchema, strict, TransactionId } from './schemas.ts';
import { members } from './state.ts';
import {
  approveProposal,
  openProposal,
  requireMember,
  type Tally,
  tallyToData,
  type VoteContext,
  withdrawProposal,
} from './votes.ts';

function settle(context: VoteContext, ballot: Ballot, tally: Tally): JsonObject {
  if (!tally.reached) return tallyToData(tally, {});
  // What was sound when it was proposed may not be any more: then the last approval is refused and nothing changes.
  ballot.check(context.state, context.block, tally.body);
  return tallyToData(tally, ballot.execute(context.state, tally.body));
}

function proposing(kind: BallotKind): MessageRule {
  const ballot = ballots[kind];
  return messageRule({
    schema: ballot.schema,
    lane: 'ordinary',
    handle(context) {
      requireMember(context);
      const body = context.message as JsonObject;
      ballot.check(context.state, context.block, body);
      return settle(context, ballot, openProposal(context, kind, body));
    },
  });
}

const approve = messageRule({
  schema: Type.Object({ proposal: TransactionId }, strict),
  lane: 'ordinary',
  handle(context) {
    const tally = approveProposal(context, BALLOT_KINDS, context.message.proposal);
    return settle(context, ballots[tally.kind], tally);
  },
});

const withdraw = messageRule({
  schema: Type.Object({ proposal: TransactionId }, strict),
  lane: 'ordinary',
  handle(context) {
    const { proposal } = context.message;
    withdrawProposal(context, proposal);
    return { proposal };
  },
});

const setSealing = messageRule({
  schema: Type.Object({ sealing: SealingKeySchema }, strict),
  lane: 'ordinary',
  handle(context) {
    const account = requireMember(context);
    const { sealing } = context.message;
    checkSealing(sealing);
    context.state.set(members, [account], { ...requireActive(context.state, account), sealing });
    return { account };
  },
});

/** Members among themselves, version 1. */
export const memberMessages: Readonly<Record<string, MessageRule>> = {
  'membership.admit': proposing('membership.admit'),
  'membership.remove': proposing('membership.remove'),
  'membership.setRoles': proposing('membership.setRoles'),
  'rules.activate': proposing('rules.activate'),
  'membership.approve': approve,
  'membership.withdraw': withdraw,
  'membership.setSealing': setSealing,
};
