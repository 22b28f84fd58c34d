import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAccount } from '../../../../test/support/test-signer.ts';
import {
  type ConsortiumChain,
  createConsortiumChain,
  validatorOf,
} from '../../../../test/vectors/chain/scenarios/consortium-chain.ts';
import type { Misbehaviour } from '../../../chain/block.ts';
import { validatorAddress, validators } from '../../../chain/validators.ts';
import { MISBEHAVIOUR_PER_BLOCK } from './misbehaviour-rules.ts';
import { misbehaviours, retiredValidatorKeys } from './state.ts';
import { MISBEHAVIOUR_LISTED } from './validator-queries.ts';

const FOUR = { ada: 10, bob: 10, cyd: 10, dan: 10 };
const addressOf = (label: string, key?: string) => validatorAddress(validatorOf(label, 0, key).publicKey);

function report(label: string, height: number, kind: Misbehaviour['kind'] = 'duplicate-vote'): Misbehaviour {
  return { kind, validator: addressOf(label), height, timeMs: 1_000 + height };
}

function powerOf(chain: ConsortiumChain, label: string): number | undefined {
  return chain.state.get(validators, testAccount(label))?.power;
}

function listed(chain: ConsortiumChain): unknown[] {
  return chain.kernel.query(chain.store, 'membership.misbehaviour', {}) as unknown[];
}

test('who equivocates loses the power and keeps the node; the deed stays on record', () => {
  const chain = createConsortiumChain(FOUR);
  const { publicKey, node } = validatorOf('bob');
  assert.deepEqual(chain.block([], [report('bob', 1)]).validatorUpdates, [{ publicKey, power: 0 }]);
  assert.deepEqual(chain.state.get(validators, testAccount('bob')), { publicKey, node, power: 0 });
  const entry = { account: testAccount('bob'), kind: 'duplicate-vote', height: 1, timeMs: 1_001 };
  assert.deepEqual(listed(chain), [{ address: addressOf('bob'), ...entry }]);
  assert.deepEqual(chain.state.get(misbehaviours, '0000000000000001', addressOf('bob')), entry);
  // Reported again, by another kind: nothing more to do, and the first entry stays.
  assert.deepEqual(chain.block([], [report('bob', 1, 'light-client-attack')]).validatorUpdates, []);
  assert.deepEqual(listed(chain), [{ address: addressOf('bob'), ...entry }]);
});

test('the key never votes again; with a new one its member does', () => {
  const chain = createConsortiumChain(FOUR);
  chain.block([], [report('bob', 1)]);
  const vote = (change: object) => {
    const { outcomes, validatorUpdates } = chain.decide({
      type: 'membership.setValidator',
      ...validatorOf('bob'),
      ...change,
    });
    return { code: outcomes.at(-1)?.code, validatorUpdates };
  };
  assert.equal(vote({}).code, 'VALIDATOR_KEY_RETIRED');
  assert.equal(vote({ power: 1 }).code, 'VALIDATOR_KEY_RETIRED');
  // Let in from another machine, without power.
  assert.deepEqual(vote({ power: 0, node: 'ab'.repeat(20) }), { code: 'OK', validatorUpdates: [] });
  const { publicKey } = validatorOf('bob', 10, 'second');
  assert.deepEqual(vote({ publicKey }), { code: 'OK', validatorUpdates: [{ publicKey, power: 10 }] });
  // Neither does it for another member, now that nobody holds it.
  const message = { type: 'membership.setValidator', ...validatorOf('cyd'), publicKey: validatorOf('bob').publicKey };
  assert.equal(chain.decide(message).outcomes.at(-1)?.code, 'VALIDATOR_KEY_RETIRED');
});

test('a key that is rotated away or dropped before it is reported is retired, and takes nobody’s power', () => {
  const chain = createConsortiumChain(FOUR);
  const { publicKey } = validatorOf('bob', 10, 'second');
  chain.decide({ type: 'membership.setValidator', ...validatorOf('bob'), publicKey });
  chain.decide({ type: 'membership.dropValidator', account: testAccount('cyd') });
  assert.deepEqual(chain.block([], [report('bob', 1), report('cyd', 2)]).validatorUpdates, []);
  assert.equal(powerOf(chain, 'bob'), 10);
  assert.deepEqual(
    listed(chain),
    [report('cyd', 2), report('bob', 1)].map(({ validator, kind, height, timeMs }) => {
      return { address: validator, account: '', kind, height, timeMs };
    }),
  );
  for (const label of ['bob', 'cyd']) {
    const back = chain.decide({ type: 'membership.setValidator', ...validatorOf(label) });
    assert.equal(back.outcomes.at(-1)?.code, 'VALIDATOR_KEY_RETIRED', label);
  }
});

test('the last one with power keeps it, whatever order the reports have', () => {
  const reports = [report('dan', 3), report('bob', 1), report('ada', 4), report('cyd', 2), report('bob', 2)];
  const heads = [reports, [...reports].reverse()].map((order) => {
    const chain = createConsortiumChain(FOUR);
    chain.block([], order);
    assert.deepEqual(
      Object.keys(FOUR).map((label) => powerOf(chain, label)),
      [10, 0, 0, 0],
    );
    assert.equal(listed(chain).length, 5);
    // Its key is retired all the same: the members vote it a new one.
    const vote = { type: 'membership.setValidator', ...validatorOf('ada', 11) };
    assert.equal(chain.decide(vote).outcomes.at(-1)?.code, 'VALIDATOR_KEY_RETIRED');
    const { publicKey } = validatorOf('ada', 0, 'second');
    assert.equal(chain.decide({ ...vote, publicKey }).outcomes.at(-1)?.code, 'OK');
    return chain.head.appHash;
  });
  // The blocks' transactions are the same, and so is the state.
  assert.equal(heads[0], heads[1]);
});

test('it loses the power at the next report, once others have some', () => {
  const chain = createConsortiumChain({ ada: 10, bob: 0 });
  assert.deepEqual(chain.block([], [report('ada', 1)]).validatorUpdates, []);
  chain.decide({ type: 'membership.setValidator', ...validatorOf('bob', 5) });
  assert.equal(chain.block([], [report('ada', 2)]).validatorUpdates.length, 1);
  assert.deepEqual([powerOf(chain, 'ada'), powerOf(chain, 'bob')], [0, 5]);
});

test('one without power is none of those whose power counts', () => {
  const chain = createConsortiumChain({ ada: 10, bob: 10, cyd: 0 });
  chain.block([], [report('cyd', 1), report('bob', 2)]);
  assert.deepEqual([powerOf(chain, 'ada'), powerOf(chain, 'bob'), powerOf(chain, 'cyd')], [10, 0, 0]);
});

test('so many reports of a block are written down; all are acted on', () => {
  const chain = createConsortiumChain(FOUR);
  const many = Array.from({ length: MISBEHAVIOUR_PER_BLOCK + 5 }, (_, at) => report('bob', at));
  chain.block([], [...many, report('cyd', 10_000)]);
  assert.equal([...chain.state.entries(misbehaviours, [])].length, MISBEHAVIOUR_PER_BLOCK);
  assert.deepEqual([powerOf(chain, 'bob'), powerOf(chain, 'cyd')], [0, 0]);
  assert.equal(chain.state.get(retiredValidatorKeys, addressOf('cyd'))?.height, 10_000);
  const heights = (listed(chain) as { height: number }[]).map(({ height }) => height);
  const newest = MISBEHAVIOUR_PER_BLOCK - 1;
  assert.deepEqual(
    heights,
    Array.from({ length: MISBEHAVIOUR_LISTED }, (_, at) => newest - at),
  );
});
