import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { accessContract } from '../../src/capabilities/access/contract/contract.ts';
import { consentContract } from '../../src/capabilities/consent/contract/contract.ts';
import type { Provision } from '../../src/capabilities/consent/contract/policy.ts';
import { padTags, type TagKind, tag } from '../../src/capabilities/consent/contract/tags.ts';
import { membershipContract } from '../../src/capabilities/membership/contract/contract.ts';
import type { Outcome } from '../../src/chain/block.ts';
import type { Message } from '../../src/chain/transaction.ts';
import type { JsonObject } from '../../src/std/canonical-json.ts';
import { createTestChain, type TestChain } from './test-chain.ts';
import { type TestSigner, testAccount, testSigner } from './test-signer.ts';

/** Members of the test ledger and their roles. */
const MEMBERS = {
  hospital: 'provider',
  clinic: 'provider',
  payer: 'payer',
  institute: 'research',
  pharmacy: 'pharmacy',
  carrier: 'distributor',
};

/** A practitioner's role code: physician. */
const PHYSICIAN = 'http://snomed.info/sct|309343006';

/** Two providers and others, practitioners of both, claimed patients ada, ben and gil, and the unclaimed minor mia. */
export interface CareChain extends TestChain {
  readonly who: Readonly<Record<string, TestSigner>>;
  /** Submits, and fails the test unless the outcome's code is `code`. */
  expect(code: string, message: Message, by: string, approvers?: readonly string[]): Outcome;
}

export function createCareChain(consentSection: JsonObject = {}): CareChain {
  const names = Object.keys(MEMBERS);
  const members = names.map((name) => ({
    account: testAccount(name),
    roles: [MEMBERS[name as keyof typeof MEMBERS]],
    keys: [testSigner(name).record],
    sealing: { suite: 'X-Wing', publicKey: 'A'.repeat(43) },
  }));
  const chain = createTestChain({
    contracts: [membershipContract, consentContract, accessContract],
    genesis: { sections: { membership: { members }, consent: consentSection } },
  });
  const people = ['doctor', 'colleague', 'nurse', 'stranger', 'ada', 'ben', 'gil', 'mia'];
  const who = Object.fromEntries([...names, ...people].map((name) => [name, testSigner(name)]));
  const signer = (name: string): TestSigner => {
    const found = who[name];
    assert.ok(found, `nobody is called ${name}`);
    return found;
  };
  const expect: CareChain['expect'] = (code, message, by, approvers = []) => {
    const outcome = chain.submit(message, { by: signer(by), approvers: approvers.map(signer) });
    assert.equal(outcome.code, code, JSON.stringify(outcome.data));
    return outcome;
  };
  const register = (name: string, member: string, roleCodes: readonly string[]) =>
    expect(
      'OK',
      { type: 'practitioner.register', account: testAccount(name), keys: [testSigner(name).record], roleCodes },
      member,
    );
  register('doctor', 'clinic', [PHYSICIAN]);
  register('colleague', 'clinic', [PHYSICIAN]);
  register('nurse', 'clinic', []);
  register('stranger', 'hospital', [PHYSICIAN]);
  expect('OK', { type: 'account.open', accounts: ['ada', 'ben', 'gil', 'mia'].map(testAccount) }, 'hospital');
  for (const name of ['ada', 'ben', 'gil']) {
    expect('OK', { type: 'account.claim', account: testAccount(name), keys: [testSigner(name).record] }, name, [
      'hospital',
    ]);
  }
  return Object.create(chain, Object.getOwnPropertyDescriptors({ who, expect })) as CareChain;
}

/** Tag key of a person, known to wallet and custodian. */
export function testTagKey(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(`tag key ${name}`).digest());
}

export function testTag(name: string, kind: TagKind, code: string): string {
  return tag(testTagKey(name), kind, code);
}

/** A padded list of tags; the dummies differ with each call. */
export function testTags(name: string, kind: TagKind, ...codes: readonly string[]): readonly string[] {
  const random = (length: number) => {
    drawn += 1;
    return new Uint8Array(createHash('sha256').update(`dummy ${drawn}`).digest().subarray(0, length));
  };
  return padTags(
    codes.map((code) => testTag(name, kind, code)),
    random,
  );
}
let drawn = 0;

/** A grant for the account of `name`. */
export function grantMessage(name: string, sense: 'permit' | 'deny', root: Provision, more: JsonObject = {}): Message {
  return {
    type: 'consent.grant',
    account: testAccount(name),
    scope: 'patient-privacy',
    sense,
    root,
    exceptions: [],
    ...more,
  };
}
