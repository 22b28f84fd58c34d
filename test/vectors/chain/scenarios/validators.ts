import type { Misbehaviour } from '../../../../src/chain/block.ts';
import type { Message } from '../../../../src/chain/transaction.ts';
import { validatorAddress } from '../../../../src/chain/validators.ts';
import { memberOf } from '../../../support/test-members.ts';
import { testAccount, testSigner } from '../../../support/test-signer.ts';
import { type ConsortiumChain, createConsortiumChain, validatorOf } from './consortium-chain.ts';
import type { Scenario } from './scenario.ts';

const ada = testSigner('ada');
const FOUNDERS = { ada: 10, bob: 10, cyd: 10, dan: 10 };
const VOTERS = [...Object.keys(FOUNDERS), 'eve', 'fay'];

const set = (label: string, power = 10, key?: string): Message => {
  return { type: 'membership.setValidator', ...validatorOf(label, power, key) };
};
const drop = (label: string): Message => ({ type: 'membership.dropValidator', account: testAccount(label) });
const remove = (label: string): Message => {
  return { type: 'membership.remove', account: testAccount(label), successor: ada.account };
};
const admit = (label: string): Message => ({ type: 'membership.admit', ...memberOf(label) });

/** A report of the validator's key, some blocks after the deed. */
function report(chain: ConsortiumChain, label: string, more: Partial<Misbehaviour> = {}): Misbehaviour {
  const { height } = chain.head;
  const validator = validatorAddress(validatorOf(label).publicKey);
  return { kind: 'duplicate-vote', validator, height: height - 1, timeMs: chain.timeMs - 1_500, ...more };
}

function empty(chain: ConsortiumChain): void {
  chain.advance(1_000);
  chain.block([]);
}

/** Two join: one at once with power, one let in first. */
function joining(chain: ConsortiumChain): void {
  for (const message of [admit('eve'), set('eve'), admit('fay'), set('fay', 0), set('fay', 5)]) {
    chain.advance(700);
    chain.decide(message, VOTERS);
  }
}

function refused(chain: ConsortiumChain): void {
  const wires = [
    set('nobody'),
    set('bob'),
    { ...set('bob'), publicKey: `01${'00'.repeat(31)}` },
    { ...set('bob'), publicKey: validatorOf('cyd').publicKey },
    { ...set('bob'), publicKey: ada.record.publicKey },
    { ...set('bob'), power: 11, node: validatorOf('cyd').node },
    { ...set('bob'), power: 1_000_001 },
    drop('nobody'),
  ].map((message) => chain.wire(message, { by: ada }));
  chain.block([...wires, chain.wire(set('bob', 1), { by: testSigner('stranger') })]);
}

/** Power, keys and nodes change; two votes come to their end in one block. */
function changing(chain: ConsortiumChain): void {
  chain.decide(set('bob', 20), VOTERS);
  chain.decide(set('bob', 20, 'second'), VOTERS);
  chain.decide({ ...set('cyd'), node: 'ab'.repeat(20) }, VOTERS);
  const ids = [set('ada', 30), drop('fay')].map((message) => chain.submit(message, { by: ada }).id);
  for (const label of ['bob', 'cyd', 'dan', 'eve']) {
    const by = testSigner(label);
    chain.block(ids.map((proposal) => chain.wire({ type: 'membership.approve', proposal }, { by })));
  }
  chain.decide(remove('fay'), VOTERS);
  chain.decide(set('eve', 12), VOTERS);
  chain.decide(remove('eve'), VOTERS);
}

/** Caught with the present key, with one rotated away, again, and together until one is left. */
function equivocating(chain: ConsortiumChain): void {
  chain.block([chain.wire({ type: 'account.open', accounts: [testAccount('pat')] }, { by: ada })], [report(chain, 'dan')]);
  chain.block([], [report(chain, 'dan', { kind: 'light-client-attack' }), report(chain, 'bob', { height: 9 })]);
  chain.decide(set('dan'), VOTERS);
  chain.decide(set('dan', 8, 'second'), VOTERS);
  chain.decide(set('bob'), VOTERS);
  empty(chain);
  const own = validatorAddress(validatorOf('dan', 8, 'second').publicKey);
  const rest = validatorAddress(validatorOf('bob', 0, 'second').publicKey);
  chain.block([], [
    ...[report(chain, 'cyd'), report(chain, 'ada'), report(chain, 'ada', { height: 2 })],
    ...[own, rest].map((validator) => report(chain, 'dan', { validator, height: 30 })),
  ]);
  // Only cyd's power is left, and stays.
  chain.block([set('cyd', 0), drop('cyd'), remove('cyd')].map((message) => chain.wire(message, { by: ada })));
  chain.decide(drop('bob'), VOTERS);
  chain.decide(set('ada', 1, 'second'), VOTERS);
  chain.decide(set('bob', 1, 'third'), VOTERS);
}

/** Validators of a consortium: they join, change, leave and are caught. */
export const scenario: Scenario = {
  about: 'Rules of membership, version 2: validators of a consortium, votes on them and equivocation.',
  contracts: ['membership'],
  run() {
    const chain = createConsortiumChain(FOUNDERS, 2);
    empty(chain);
    for (const step of [joining, refused, changing, equivocating]) {
      step(chain);
      empty(chain);
    }
    return chain;
  },
};
