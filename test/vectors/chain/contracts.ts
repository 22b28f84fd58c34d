import { accessContract } from '../../../src/capabilities/access/contract/contract.ts';
import { consentContract } from '../../../src/capabilities/consent/contract/contract.ts';
import { membershipContract } from '../../../src/capabilities/membership/contract/contract.ts';
import { recordsContract } from '../../../src/capabilities/records/contract/contract.ts';
import type { Contract } from '../../../src/chain/contract.ts';
import { notesContract } from '../../support/notes-contract.ts';

/** Contracts that vectors name. */
const CONTRACTS: Readonly<Record<string, Contract>> = {
  access: accessContract,
  consent: consentContract,
  membership: membershipContract,
  notes: notesContract,
  records: recordsContract,
};

/** The contracts of these names. Throws TypeError for one that is not in the table. */
export function contractsOf(names: readonly string[]): readonly Contract[] {
  return names.map((name) => {
    const contract = CONTRACTS[name];
    if (contract === undefined) throw new TypeError(`no contract ${name}: add it to contracts.ts`);
    return contract;
  });
}
