import type { AccountRecord } from '../../src/chain/account.ts';
import { notesContract } from './notes-contract.ts';
import { createTestChain, type TestChain, type TestChainOptions } from './test-chain.ts';
import { type TestSigner, testPasskey, testSigner } from './test-signer.ts';

/** The cast of the kernel's tests: a hospital that answers for all the others. */
export const hospital = testSigner('hospital');
export const clinician = testSigner('clinician');
export const patient = testSigner('patient');
/** Holds a passkey and a plain key. */
export const careful = testPasskey('careful');
export const carefulPlain = testSigner('careful');
export const frozen = testSigner('frozen');
export const closed = testSigner('closed');
export const unclaimed = testSigner('unclaimed');
export const sensor = testSigner('sensor');

function record(signers: readonly TestSigner[], rest: Partial<AccountRecord> = {}): AccountRecord {
  return {
    kind: 'patient',
    status: 'active',
    sponsor: hospital.account,
    keys: signers.map((one) => one.record),
    ...rest,
  };
}

/** Accounts of the cast, as the section of genesis lists them. */
export const cast: Readonly<Record<string, AccountRecord>> = {
  [hospital.account]: record([hospital], { kind: 'member' }),
  [clinician.account]: record([clinician], { kind: 'practitioner' }),
  [patient.account]: record([patient]),
  [careful.account]: record([careful, carefulPlain]),
  [frozen.account]: record([frozen], { status: 'frozen' }),
  [closed.account]: record([closed], { status: 'closed' }),
  [unclaimed.account]: record([], { status: 'unclaimed' }),
  [sensor.account]: record([sensor], { kind: 'device' }),
};

/** A ledger with the cast on it and version 1 of the notes active. */
export function createNotesChain(
  options: {
    readonly limits?: Readonly<Record<string, number>>;
    readonly accounts?: Readonly<Record<string, AccountRecord>>;
    readonly onInternalError?: TestChainOptions['onInternalError'];
  } = {},
): TestChain {
  const { limits = {}, accounts = cast, onInternalError } = options;
  return createTestChain({
    contracts: [notesContract],
    genesis: { limits, rules: [{ capability: 'notes', version: 1 }], sections: { notes: { accounts } } },
    ...(onInternalError === undefined ? {} : { onInternalError }),
  });
}
