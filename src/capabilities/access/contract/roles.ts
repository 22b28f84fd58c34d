import type { StateReader } from '../../../state/typed-map.ts';
import { purposeIsNamed } from '../../consent/contract/purposes.ts';
import { memberRoles } from '../../membership/contract/queries.ts';
import type { MemberRole } from '../../membership/contract/state.ts';

/** What a member may ask for at all, by role; whether it gets it is the patient's to say. */
export const PURPOSES_OF_ROLE: Readonly<Record<MemberRole, readonly string[]>> = {
  provider: ['TREAT', 'HPAYMT', 'HOPERAT', 'HRESCH', 'PATRQT', 'PUBHLTH'],
  pharmacy: ['TREAT', 'HPAYMT', 'HOPERAT', 'PATRQT'],
  payer: ['HPAYMT', 'HOPERAT', 'PATRQT'],
  research: ['HRESCH'],
  regulator: ['PUBHLTH', 'HOPERAT'],
  manufacturer: ['HRESCH'],
  distributor: [],
  operator: [],
};

/** Whether one of a member's roles allows it to ask for `purpose`. */
export function mayAskFor(state: StateReader, member: string, purpose: string): boolean {
  return memberRoles(state, member).some((role) => purposeIsNamed(PURPOSES_OF_ROLE[role], purpose));
}
