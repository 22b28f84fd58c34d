import { accessContract } from '../capabilities/access/contract/contract.ts';
import { consentContract } from '../capabilities/consent/contract/contract.ts';
import { membershipContract } from '../capabilities/membership/contract/contract.ts';
import { recordsContract } from '../capabilities/records/contract/contract.ts';
import type { Contract } from '../chain/contract.ts';

/** The contract floors of all capabilities. A new one is named here, and in server-floors.ts if it has one. */
export const CONTRACTS: readonly Contract[] = [membershipContract, recordsContract, consentContract, accessContract];
