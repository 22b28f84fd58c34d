import type { MessageContext } from '../../../chain/contract.ts';
import type { StateReader, StateWriter } from '../../../state/typed-map.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { reject } from './codes.ts';
import { activeMembers, isActiveMember } from './queries.ts';
import { LIMITS, type Proposal, proposals, proposalsOf } from './state.ts';

/** What of a message's context a vote needs. */
export type VoteContext = Pick<MessageContext<unknown>, 'block' | 'transaction' | 'state'>;

/** How a vote stands. Once `reached`, the proposal is gone from the state and the caller executes `body`. */
export interface Tally {
  readonly proposal: string;
  readonly body: JsonObject;
  readonly votes: number;
  readonly needed: number;
  readonly reached: boolean;
}

/** Approvals that a ledger of `memberCount` active members needs: more than two thirds of them. */
export function votesNeeded(memberCount: number): number {
  return Number((2n * BigInt(memberCount)) / 3n) + 1;
}

/** The sender's account. Rejects MEMBER_REQUIRED unless it is an active member's. */
export function requireMember(context: Pick<VoteContext, 'transaction' | 'state'>): string {
  const { account } = context.transaction.sender;
  if (!isActiveMember(context.state, account)) throw reject('MEMBER_REQUIRED', { account });
  return account;
}

/**
 * Opens a proposal with the sender's approval on it; its id is the transaction's. `kind` is the message type, so that
 * no capability can approve or execute another's. The caller has checked `body` and executes it once `reached`; a
 * rejection while executing leaves neither the vote nor the effect.
 */
export function openProposal(context: VoteContext, kind: string, body: JsonObject): Tally {
  const { state, block, transaction } = context;
  const proposer = requireMember(context);
  const open: string[] = [];
  for (const id of state.get(proposalsOf, proposer) ?? []) {
    const proposal = state.get(proposals, id);
    if (proposal === undefined) continue;
    if (proposal.expiresAtMs <= block.timeMs) state.delete(proposals, [id]);
    else open.push(id);
  }
  if (open.length >= LIMITS.openProposalsPerMember)
    throw reject('PROPOSAL_LIMIT', { limit: LIMITS.openProposalsPerMember });
  const proposal: Proposal = { kind, body, proposer, expiresAtMs: block.timeMs + LIMITS.proposalLifeMs, votes: [] };
  state.set(proposalsOf, [proposer], [...open, transaction.id]);
  return count(state, transaction.id, { ...proposal, votes: [proposer] });
}

/**
 * Adds the sender's approval to an open proposal of one of `kinds`. A member who approved before may send it again
 * when others have left since and its vote is now enough; else Reject VOTE_REPEATED. Further rejects:
 * MEMBER_REQUIRED, PROPOSAL_UNKNOWN, PROPOSAL_EXPIRED.
 */
export function approveProposal<Kind extends string>(
  context: VoteContext,
  kinds: readonly Kind[],
  id: string,
): Tally & { readonly kind: Kind } {
  const { state, block } = context;
  const voter = requireMember(context);
  const proposal = state.get(proposals, id);
  const kind = kinds.find((one) => one === proposal?.kind);
  if (proposal === undefined || kind === undefined) throw reject('PROPOSAL_UNKNOWN', { proposal: id });
  if (proposal.expiresAtMs <= block.timeMs) throw reject('PROPOSAL_EXPIRED', { proposal: id });
  const repeated = proposal.votes.includes(voter);
  const tally = count(state, id, repeated ? proposal : { ...proposal, votes: [...proposal.votes, voter] });
  if (repeated && !tally.reached) throw reject('VOTE_REPEATED', { proposal: id });
  return { ...tally, kind };
}

/** Takes the sender's own proposal back. Rejects MEMBER_REQUIRED, PROPOSAL_UNKNOWN. */
export function withdrawProposal(context: VoteContext, id: string): void {
  const proposer = requireMember(context);
  if (context.state.get(proposals, id)?.proposer !== proposer) throw reject('PROPOSAL_UNKNOWN', { proposal: id });
  context.state.delete(proposals, [id]);
}

/** Drops what a removed member had proposed. Its approvals of others' proposals no longer count by themselves. */
export function dropProposalsOf(state: StateWriter, member: string): void {
  for (const id of state.get(proposalsOf, member) ?? []) state.delete(proposals, [id]);
  state.delete(proposalsOf, [member]);
}

/** Approvals by members who are active now, and how many are needed. */
export function tallyOf(
  state: StateReader,
  votes: readonly string[],
): { readonly votes: number; readonly needed: number } {
  let counted = 0;
  let total = 0;
  for (const [account] of activeMembers(state)) {
    total++;
    if (votes.includes(account)) counted++;
  }
  return { votes: counted, needed: votesNeeded(total) };
}

function count(state: StateWriter, id: string, proposal: Proposal): Tally {
  const { votes, needed } = tallyOf(state, proposal.votes);
  const reached = votes >= needed;
  if (reached) state.delete(proposals, [id]);
  else state.set(proposals, [id], proposal);
  return { proposal: id, body: proposal.body, votes, needed, reached };
}

/** The outcome's data of a vote; `effect` says what executing it came to. */
export function tallyToData(tally: Tally, effect: JsonObject): JsonObject {
  return { proposal: tally.proposal, votes: tally.votes, needed: tally.needed, executed: tally.reached, ...effect };
}
