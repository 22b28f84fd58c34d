import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Contract } from '../../../chain/contract.ts';
import type { StateReader, StateWriter } from '../../../state/typed-map.ts';
import type { Json, JsonObject } from '../../../std/canonical-json.ts';
import { checkNewMember, MemberSchema, writeNewMember } from './ballots.ts';
import { CODES, reject } from './codes.ts';
import { keyMessages } from './key-rules.ts';
import { memberMessages, memberMessages2 } from './member-rules.ts';
import { actOnMisbehaviour } from './misbehaviour-rules.ts';
import { accountMessages } from './patient-rules.ts';
import { practitionerMessages } from './practitioner-rules.ts';
import { accountOf, activeMembers, practitionerRoles, sponsorOf } from './queries.ts';
import { AccountId, strict, TransactionId } from './schemas.ts';
import {
  keyHistory,
  LIMITS,
  members,
  misbehaviours,
  practitioners,
  proposals,
  proposalsOf,
  retiredValidatorKeys,
} from './state.ts';
import { queryMisbehaviour, queryValidators } from './validator-queries.ts';
import { tallyOf } from './votes.ts';

/** The membership section of a genesis document. */
export const GenesisSectionSchema = Type.Object(
  { members: Type.Array(MemberSchema, { minItems: 1, maxItems: LIMITS.members }) },
  strict,
);

function genesis(state: StateWriter, section: JsonObject): void {
  if (!Value.Check(GenesisSectionSchema, section)) throw reject('GENESIS_INVALID');
  const { members: founders } = section as unknown as Static<typeof GenesisSectionSchema>;
  for (const member of founders) {
    checkNewMember(state, member);
    writeNewMember(state, member);
  }
}

/** Members that are active, with roles and sealing keys, by account. */
function queryMembers(state: StateReader): Json {
  return activeMembers(state).map(([account, { roles, sealing }]) => ({ account, roles, sealing }));
}

/** `{ account }` → its record, who answers for it and a practitioner's roles; `{}` when there is none. */
function queryAccount(state: StateReader, argument: JsonObject): Json {
  const { account } = argument;
  if (!Value.Check(AccountId, account)) throw reject('ACCOUNT_NOT_FOUND');
  const record = accountOf(state, account);
  if (record === undefined) return {};
  return { record, sponsor: sponsorOf(state, account) ?? record.sponsor, roleCodes: practitionerRoles(state, account) };
}

/** `{ proposal }` → an open proposal and how its vote stands; `{}` when there is none. */
function queryProposal(state: StateReader, argument: JsonObject): Json {
  const id = argument.proposal;
  const proposal = Value.Check(TransactionId, id) ? state.get(proposals, id) : undefined;
  if (proposal === undefined) return {};
  return { proposal, ...tallyOf(state, proposal.votes) };
}

const messages = { ...keyMessages, ...practitionerMessages, ...accountMessages };

/** Who takes part: members and their votes, practitioners, patients' accounts, keys, rule versions. */
export const membershipContract: Contract = {
  name: 'membership',
  codes: CODES,
  maps: [members, practitioners, proposals, proposalsOf, keyHistory, misbehaviours, retiredValidatorKeys],
  ruleSets: [
    { version: 1, messages: { ...memberMessages, ...messages } },
    { version: 2, messages: { ...memberMessages2, ...messages }, misbehaviour: actOnMisbehaviour },
  ],
  genesis,
  queries: {
    'membership.members': queryMembers,
    'membership.account': queryAccount,
    'membership.proposal': queryProposal,
    'membership.validators': queryValidators,
    'membership.misbehaviour': queryMisbehaviour,
  },
};
