import type { Organization, Reference } from '@medplum/fhirtypes';
import { MEMBER_SYSTEM } from '../../membership/contract/account-systems.ts';

/** A reference to a member, for `provision.actor.reference`. */
export function memberReference(account: string): Reference<Organization> {
  return { identifier: { system: MEMBER_SYSTEM, value: account } };
}
