import { type AccountRecord, accounts } from '../../../chain/account.ts';
import type { StateReader } from '../../../state/typed-map.ts';
import { type MemberRecord, type MemberRole, members, practitioners, type SealingKey } from './state.ts';

/** The ledger's record of an account; undefined when there is none. */
export function accountOf(state: StateReader, account: string): AccountRecord | undefined {
  return state.get(accounts, account);
}

/** True for an account of a member that has not been removed. */
export function isActiveMember(state: StateReader, account: string): boolean {
  return state.get(members, account)?.status === 'active';
}

/** Roles of an active member; none for anybody else. */
export function memberRoles(state: StateReader, account: string): readonly MemberRole[] {
  const member = state.get(members, account);
  return member?.status === 'active' ? member.roles : [];
}

export function hasRole(state: StateReader, account: string, role: MemberRole): boolean {
  return memberRoles(state, account).includes(role);
}

/** The key to seal to for an active member; undefined for anybody else. */
export function sealingKeyOf(state: StateReader, account: string): SealingKey | undefined {
  const member = state.get(members, account);
  return member?.status === 'active' ? member.sealing : undefined;
}

/** Active members in byte order of their accounts. */
export function activeMembers(state: StateReader): readonly (readonly [account: string, member: MemberRecord])[] {
  const active: (readonly [string, MemberRecord])[] = [];
  for (const [[account], member] of state.entries(members, [])) {
    if (member.status === 'active') active.push([account, member]);
  }
  return active;
}

/** `system|code` roles that its member attests of an active practitioner; none for anybody else. */
export function practitionerRoles(state: StateReader, account: string): readonly string[] {
  const record = state.get(accounts, account);
  if (record?.kind !== 'practitioner' || record.status !== 'active') return [];
  return state.get(practitioners, account)?.roleCodes ?? [];
}

/**
 * The member who answers for an account now: its sponsor or, where that one was removed, the successor named in the
 * removal. A member's own account answers for itself. Undefined for an unknown account.
 */
export function sponsorOf(state: StateReader, account: string): string | undefined {
  const sponsor = state.get(accounts, account)?.sponsor;
  // A removal points the removed member's account at its successor and repoints earlier ones: one step is enough.
  return sponsor === undefined ? undefined : state.get(accounts, sponsor)?.sponsor;
}
