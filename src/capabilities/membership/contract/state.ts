import type { KeyRecord } from '../../../chain/account.ts';
import type { Misbehaviour } from '../../../chain/block.ts';
import { type StateMap, stateMap } from '../../../state/typed-map.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';

/** What a member organisation is to the others. One may be several. */
export const MEMBER_ROLES = [
  'provider',
  'payer',
  'manufacturer',
  'distributor',
  'pharmacy',
  'research',
  'regulator',
  'operator',
] as const;
export type MemberRole = (typeof MEMBER_ROLES)[number];

/** A public key for sealing, base64url, and the suite that it belongs to. */
export type SealingKey = { readonly suite: string; readonly publicKey: string };

/** A member. A removed one stays on record; `successor` then answers for its accounts. */
export type MemberRecord = {
  readonly status: 'active' | 'removed';
  readonly roles: readonly MemberRole[];
  readonly sealing: SealingKey;
  readonly successor?: string;
};

/** What a member attests of a person who works for it. Signing keys and status are in the account's record. */
export type PractitionerRecord = { readonly roleCodes: readonly string[] };

/** Something that the members vote on. It is open until enough of them approve it, or until it expires. */
export type Proposal = {
  readonly kind: string;
  readonly body: JsonObject;
  readonly proposer: string;
  /** Block time in milliseconds from which it can no longer be approved. */
  readonly expiresAtMs: number;
  /** Members who approved, in the order in which they did; those removed since do not count. */
  readonly votes: readonly string[];
};

/** Members by account. */
export const members: StateMap<readonly [account: string], MemberRecord> = stateMap('membership.members', 1);

/** Role codes of practitioners by account. */
export const practitioners: StateMap<readonly [account: string], PractitionerRecord> = stateMap(
  'membership.practitioners',
  1,
);

/** Open proposals by id, the id of the transaction that made each. */
export const proposals: StateMap<readonly [proposal: string], Proposal> = stateMap('membership.proposals', 1);

/** Ids of a member's own proposals that may still be open, oldest first. */
export const proposalsOf: StateMap<readonly [member: string], readonly string[]> = stateMap(
  'membership.proposalsOf',
  1,
);

/**
 * Every key that an account ever held, by `keyRecordHash`, the form in which the log names a signer's key. A retired
 * key stays, so that receipts of what it signed can be issued again.
 */
export const keyHistory: StateMap<readonly [keyRecordHash: string], KeyRecord> = stateMap('membership.keyHistory', 1);

/** A validator caught equivocating. `account` is empty when no validator had that key any more. */
export type MisbehaviourRecord = {
  readonly account: string;
  readonly kind: Misbehaviour['kind'];
  /** Height and block time, in milliseconds, of the deed; the report came later. */
  readonly height: number;
  readonly timeMs: number;
};

/** What was reported, by the height of the deed (16 digits) and the validator's address. From version 2 on. */
export const misbehaviours: StateMap<readonly [height: string, address: string], MisbehaviourRecord> = stateMap(
  'membership.misbehaviour',
  2,
);

/** Addresses of keys that equivocated, and the height of the first deed. They never vote again. From version 2 on. */
export const retiredValidatorKeys: StateMap<readonly [address: string], { readonly height: number }> = stateMap(
  'membership.retiredValidatorKeys',
  1,
);

/** Bounds of rule version 1. A change of one is a new rule version. */
export const LIMITS = {
  members: 128,
  keysPerAccount: 16,
  /** Each signs the claim, and the custodian as well: a transaction has eight signers. */
  keysPerClaim: 7,
  accountsPerOpen: 256,
  openProposalsPerMember: 16,
  /** 14 days of block time. */
  proposalLifeMs: 14 * 24 * 60 * 60 * 1000,
  /** Blocks between the vote that activates rules and the height from which they hold. */
  rulesMarginBlocks: 10,
  maxRulesVersion: 1_000_000,
} as const;
