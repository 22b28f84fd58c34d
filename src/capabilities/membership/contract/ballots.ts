import { type Static, type TSchema, Type } from 'typebox';
import { accounts, type KeyRecord } from '../../../chain/account.ts';
import type { BlockHeader } from '../../../chain/block.ts';
import { rules } from '../../../chain/rules.ts';
import type { StateReader, StateWriter } from '../../../state/typed-map.ts';
import { base64urlToBytes } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { reject } from './codes.ts';
import { addKeys, keepKeys } from './key-rules.ts';
import { accountOf, activeMembers, isActiveMember } from './queries.ts';
import { AccountId, KeyRecordSchema, RolesSchema, requireDistinct, SealingKeySchema, strict } from './schemas.ts';
import { LIMITS, type MemberRecord, type MemberRole, members, type SealingKey } from './state.ts';
import { dropProposalsOf } from './votes.ts';

/** One matter that members vote on: the message that proposes it, and what enough approvals bring about. */
export interface Ballot<Schema extends TSchema = TSchema> {
  readonly schema: Schema;
  /** Rejects what could not be executed now; run when proposed and again before `execute`. */
  check(state: StateReader, block: BlockHeader, body: Static<Schema>): void;
  /** Writes the effect; returns what the outcome's data say of it. */
  execute(state: StateWriter, body: Static<Schema>): JsonObject;
}

/** Keeps a ballot's body typed while it is written down. */
export function ballot<Schema extends TSchema>(definition: Ballot<Schema>): Ballot {
  return definition as unknown as Ballot;
}

/** A member as genesis or an admission names it. */
export const MemberSchema = Type.Object(
  {
    account: AccountId,
    roles: RolesSchema,
    keys: Type.Array(KeyRecordSchema, { minItems: 1, maxItems: LIMITS.keysPerAccount }),
    sealing: SealingKeySchema,
  },
  strict,
);

/** Rejects ACCOUNT_EXISTS, KEY_INVALID, KEY_EXISTS, SEALING_INVALID, MEMBER_LIMIT. */
export function checkNewMember(state: StateReader, member: Static<typeof MemberSchema>): void {
  if (accountOf(state, member.account) !== undefined) throw reject('ACCOUNT_EXISTS', { account: member.account });
  requireDistinct(member.roles);
  addKeys([], member.keys as readonly KeyRecord[]);
  checkSealing(member.sealing);
  if (activeMembers(state).length >= LIMITS.members) throw reject('MEMBER_LIMIT', { limit: LIMITS.members });
}

/** Writes a member that `checkNewMember` let through, and its account. */
export function writeNewMember(state: StateWriter, member: Static<typeof MemberSchema>): void {
  const { account, roles, sealing } = member;
  const keys = member.keys as readonly KeyRecord[];
  keepKeys(state, keys);
  state.set(accounts, [account], { kind: 'member', status: 'active', sponsor: account, keys });
  state.set(members, [account], { status: 'active', roles: roles as readonly MemberRole[], sealing });
}

/** Rejects SEALING_INVALID unless the public key is strict base64url; its length is a matter of the suite. */
export function checkSealing(sealing: SealingKey): void {
  if (base64urlToBytes(sealing.publicKey) === undefined) throw reject('SEALING_INVALID');
}

/** The record of an active member. Rejects MEMBER_UNKNOWN. */
export function requireActive(state: StateReader, account: string): MemberRecord {
  const member = state.get(members, account);
  if (member?.status !== 'active') throw reject('MEMBER_UNKNOWN', { account });
  return member;
}

const admit = ballot({
  schema: MemberSchema,
  check: (state, _block, body) => checkNewMember(state, body),
  execute(state, body) {
    writeNewMember(state, body);
    return { account: body.account };
  },
});

const remove = ballot({
  schema: Type.Object({ account: AccountId, successor: AccountId }, strict),
  check(state, _block, { account, successor }) {
    requireActive(state, account);
    if (successor === account || !isActiveMember(state, successor)) throw reject('SUCCESSOR_INVALID', { successor });
  },
  execute(state, { account, successor }) {
    state.set(members, [account], { ...requireActive(state, account), status: 'removed', successor });
    // Accounts that it opened keep naming it. Whoever looks for their sponsor takes one step further from its own
    // record; those of earlier removed members that led here are repointed, so that one step stays enough.
    for (const [[other]] of state.entries(members, [])) {
      const record = accountOf(state, other);
      if (record?.sponsor !== account) continue;
      state.set(accounts, [other], { ...record, status: 'closed', sponsor: successor });
    }
    dropProposalsOf(state, account);
    return { account, successor };
  },
});

const setRoles = ballot({
  schema: Type.Object({ account: AccountId, roles: RolesSchema }, strict),
  check(state, _block, { account, roles }) {
    requireActive(state, account);
    requireDistinct(roles);
  },
  execute(state, { account, roles }) {
    state.set(members, [account], { ...requireActive(state, account), roles: roles as readonly MemberRole[] });
    return { account };
  },
});

const activate = ballot({
  schema: Type.Object(
    {
      capability: Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' }),
      version: Type.Integer({ minimum: 1, maximum: LIMITS.maxRulesVersion }),
      fromHeight: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    },
    strict,
  ),
  check(state, block, { capability, version, fromHeight }) {
    const activations = state.get(rules, capability) ?? [];
    const last = activations.at(-1);
    if (last?.version === version) throw reject('RULES_UNCHANGED', { capability, version });
    const highest = activations.reduce((most, activation) => Math.max(most, activation.version), 0);
    if (version > highest + 1) throw reject('RULES_VERSION', { capability, version, highest });
    const soonest = block.height + LIMITS.rulesMarginBlocks;
    const earliest = last !== undefined && last.fromHeight >= soonest ? last.fromHeight + 1 : soonest;
    if (fromHeight < earliest) throw reject('RULES_TOO_SOON', { fromHeight, earliest });
  },
  execute(state, { capability, version, fromHeight }) {
    const activations = state.get(rules, capability) ?? [];
    state.set(rules, [capability], [...activations, { version, fromHeight }]);
    return { capability, version, fromHeight };
  },
});

/** What members vote on in version 1, by the message type that proposes it. */
export const ballots = {
  'membership.admit': admit,
  'membership.remove': remove,
  'membership.setRoles': setRoles,
  'rules.activate': activate,
} as const satisfies Readonly<Record<string, Ballot>>;
