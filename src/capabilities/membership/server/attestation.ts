import type { AttestationPort, Attested } from '../../../auth/sign-in/attestation.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import type { StateReader } from '../../../state/typed-map.ts';
import { accountOf, isActiveMember, practitionerRoles, sponsorOf } from '../contract/queries.ts';

/** Accounts remembered between two blocks. */
const MAX_KNOWN = 4096;

/**
 * What the ledger says of people, for signing them in and at each use of their tokens. A member that was removed attests
 * nobody. Remembered until the next block is committed, so that it is never of anything but the latest state.
 */
export function createAttestation(ledger: Pick<Ledger, 'read' | 'head'>): AttestationPort {
  const known = new Map<string, Attested | undefined>();
  let knownAt = -1;

  function read(custodian: string, account: string, name: string): Attested | undefined {
    const { state, head, release } = ledger.read();
    try {
      const attested = attestedIn(state, custodian, account);
      if (head.height !== knownAt || known.size >= MAX_KNOWN) known.clear();
      knownAt = head.height;
      known.set(name, attested);
      return attested;
    } finally {
      release();
    }
  }

  return {
    attested(custodian, account) {
      const name = `${custodian} ${account}`;
      const isLatest = knownAt === ledger.head().height && known.has(name);
      return isLatest ? known.get(name) : read(custodian, account, name);
    },
  };
}

function attestedIn(state: StateReader, custodian: string, account: string): Attested | undefined {
  const record = accountOf(state, account);
  if (record?.status !== 'active' || sponsorOf(state, account) !== custodian) return undefined;
  if (!isActiveMember(state, custodian)) return undefined;
  if (record.kind === 'practitioner') return { kind: 'practitioner', roles: practitionerRoles(state, account) };
  return record.kind === 'patient' ? { kind: 'patient', keys: record.keys } : undefined;
}
