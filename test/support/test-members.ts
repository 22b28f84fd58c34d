import { membershipContract } from '../../src/capabilities/membership/contract/contract.ts';
import type { Contract } from '../../src/chain/contract.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { createTestChain, type TestChain } from './test-chain.ts';
import { type TestSigner, testSigner } from './test-signer.ts';

/** A sealing key in form; nobody can open what is sealed to it. */
export const TEST_SEALING = { suite: 'test', publicKey: 'A'.repeat(43) } as const;

/** A member as genesis or an admission names it, with the first key of its label. */
export function memberOf(label: string, roles: readonly string[] = ['provider']): JsonObject {
  const { account, record } = testSigner(label);
  return { account, roles, keys: [record], sealing: TEST_SEALING };
}

/** A test chain of members by label and roles, with membership and further contracts. */
export function createMemberChain(
  founders: Readonly<Record<string, readonly string[]>>,
  contracts: readonly Contract[] = [],
  sections: Readonly<Record<string, JsonObject>> = {},
): TestChain {
  const members = Object.entries(founders).map(([label, roles]) => memberOf(label, roles));
  return createTestChain({
    contracts: [membershipContract, ...contracts],
    genesis: { sections: { membership: { members }, ...sections } },
  });
}

/** Opens an account for each patient label and claims it with the label's first key; returns the signers. */
export function openClaimed(chain: TestChain, custodian: TestSigner, ...labels: readonly string[]): TestSigner[] {
  const patients = labels.map((label) => testSigner(label));
  expectOk(chain.submit({ type: 'account.open', accounts: patients.map(({ account }) => account) }, { by: custodian }));
  for (const patient of patients) {
    const claim = { type: 'account.claim', account: patient.account, keys: [patient.record] };
    expectOk(chain.submit(claim, { by: patient, approvers: [custodian] }));
  }
  return patients;
}

/** The data of an outcome that went well; throws otherwise. */
export function expectOk({ code, data }: { readonly code: string; readonly data: JsonObject }): JsonObject {
  if (code !== 'OK') throw new Error(`${code} ${JSON.stringify(data)}`);
  return data;
}
