import { Type } from 'typebox';
import { type MessageRule, messageRule } from '../../../chain/contract.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { type Ballot, ballots, checkSealing, requireActive } from './ballots.ts';
import { SealingKeySchema, strict, TransactionId } from './schemas.ts';
import { members } from './state.ts';
import { ballotsOfVersion2 } from './validator-ballots.ts';
import {
  approveProposal,
  openProposal,
  requireMember,
  type Tally,
  tallyToData,
  type VoteContext,
  withdrawProposal,
} from './votes.ts';

/** What members vote on, by the message type that proposes it. */
type Ballots = Readonly<Record<string, Ballot>>;

function settle(context: VoteContext, ballot: Ballot, tally: Tally): JsonObject {
  if (!tally.reached) return tallyToData(tally, {});
  // What was sound when it was proposed may not be any more: then the last approval is refused and nothing changes.
  ballot.check(context.state, context.block, tally.body);
  return tallyToData(tally, ballot.execute(context.state, tally.body));
}

function proposing(kind: string, ballot: Ballot): MessageRule {
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

/** Approving executes what this version votes on and nothing else, whatever proposals another version left behind. */
function approving(ballots: Ballots): MessageRule {
  const kinds = Object.keys(ballots).sort();
  return messageRule({
    schema: Type.Object({ proposal: TransactionId }, strict),
    lane: 'ordinary',
    handle(context) {
      const tally = approveProposal(context, kinds, context.message.proposal);
      return settle(context, ballots[tally.kind] as Ballot, tally);
    },
  });
}

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

/** Members among themselves: a message that proposes each of `ballots`, and those around them. */
function messagesOf(ballots: Ballots): Readonly<Record<string, MessageRule>> {
  const kinds = Object.keys(ballots).sort();
  return {
    ...Object.fromEntries(kinds.map((kind) => [kind, proposing(kind, ballots[kind] as Ballot)])),
    'membership.approve': approving(ballots),
    'membership.withdraw': withdraw,
    'membership.setSealing': setSealing,
  };
}

/** Members among themselves, version 1. */
export const memberMessages = messagesOf(ballots);

/** Members among themselves, version 2: they also say who validates. */
export const memberMessages2 = messagesOf(ballotsOfVersion2);
