import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemberChain, expectOk, memberOf } from '../../../../test/support/test-members.ts';
import { testAccount, testSigner } from '../../../../test/support/test-signer.ts';
import {
  type ConsortiumChain,
  createConsortiumChain,
  validatorOf,
} from '../../../../test/vectors/chain/scenarios/consortium-chain.ts';
import { validatorAddress, validators } from '../../../chain/validators.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { LIMITS, proposals } from './state.ts';

const ada = testSigner('ada');
const bob = testSigner('bob');
const FOUR = { ada: 10, bob: 10, cyd: 10, dan: 10 };
const set = (label: string, change: JsonObject = {}) => ({
  type: 'membership.setValidator',
  ...validatorOf(label),
  ...change,
});
const drop = (label: string) => ({ type: 'membership.dropValidator', account: testAccount(label) });
const remove = (label: string, successor = 'ada') => {
  return { type: 'membership.remove', account: testAccount(label), successor: testAccount(successor) };
};
const update = (label: string, power: number, key?: string) => ({
  publicKey: validatorOf(label, power, key).publicKey,
  power,
});
const byKey = (a: { publicKey: string }, b: { publicKey: string }) => (a.publicKey < b.publicKey ? -1 : 1);

/** Code of the last outcome of a block. */
function lastCode({ outcomes }: ReturnType<ConsortiumChain['block']>): string | undefined {
  return outcomes.at(-1)?.code;
}

test('genesis hands the founding validators to the engine, and lists them', () => {
  const { initial, kernel, store } = createConsortiumChain(FOUR);
  assert.deepEqual(
    initial.validatorUpdates,
    Object.keys(FOUR)
      .map((label) => update(label, 10))
      .sort(byKey),
  );
  assert.deepEqual(
    kernel.query(store, 'membership.validators', {}),
    Object.keys(FOUR)
      .map((label) => ({ ...validatorOf(label), address: validatorAddress(validatorOf(label).publicKey) }))
      .sort((a, b) => (a.account < b.account ? -1 : 1)),
  );
  assert.deepEqual(kernel.query(store, 'membership.misbehaviour', {}), []);
});

test('a member joins the validators: let in first, then with power', () => {
  const chain = createConsortiumChain(FOUR);
  chain.decide({ type: 'membership.admit', ...memberOf('eve') });
  // Five members now: four approve, of whom the helper takes the four founders.
  assert.deepEqual(chain.decide(set('eve', { power: 0 })).validatorUpdates, []);
  assert.equal(chain.state.get(validators, testAccount('eve'))?.power, 0);
  assert.deepEqual(chain.decide(set('eve', { power: 7 })).validatorUpdates, [update('eve', 7)]);
  const { account, ...record } = validatorOf('eve', 7);
  assert.deepEqual(chain.state.get(validators, account), record);
});

test('a vote is executed by the approval that is enough, and says so', () => {
  const chain = createConsortiumChain(FOUR);
  const { id, data } = chain.submit(set('bob', { power: 20 }), { by: ada });
  assert.deepEqual(data, { proposal: id, votes: 1, needed: 3, executed: false });
  const approve = (by: ReturnType<typeof testSigner>) =>
    chain.block([chain.wire({ type: 'membership.approve', proposal: id }, { by })]);
  assert.deepEqual(approve(bob).validatorUpdates, []);
  const last = approve(testSigner('dan'));
  assert.deepEqual(last.outcomes[0]?.data, { proposal: id, votes: 3, needed: 3, executed: true, account: bob.account });
  assert.deepEqual(last.validatorUpdates, [update('bob', 20)]);
});

test('what the engine is told: power, rotation, power taken, record dropped, member removed', () => {
  const chain = createConsortiumChain(FOUR);
  assert.deepEqual(chain.decide(set('bob', { power: 1 })).validatorUpdates, [update('bob', 1)]);
  const { publicKey } = validatorOf('bob', 1, 'second');
  assert.deepEqual(
    chain.decide(set('bob', { power: 1, publicKey })).validatorUpdates,
    [update('bob', 0), update('bob', 1, 'second')].sort(byKey),
  );
  // Another node for the same key is no matter of the engine's set.
  assert.deepEqual(chain.decide(set('bob', { power: 1, publicKey, node: 'ab'.repeat(20) })).validatorUpdates, []);
  assert.deepEqual(chain.decide(set('cyd', { power: 0 })).validatorUpdates, [update('cyd', 0)]);
  assert.deepEqual(chain.decide(drop('cyd')).validatorUpdates, []);
  assert.equal(chain.state.get(validators, testAccount('cyd')), undefined);
  assert.deepEqual(chain.decide(drop('bob')).validatorUpdates, [update('bob', 0, 'second')]);
  assert.deepEqual(chain.decide(remove('dan')).validatorUpdates, [update('dan', 0)]);
  assert.equal(chain.state.get(validators, testAccount('dan')), undefined);
});

test('two votes in one block make one update of the set', () => {
  const chain = createConsortiumChain({ ada: 10, bob: 10 });
  const ids = [set('ada', { power: 3 }), set('bob', { power: 4 })].map(
    (message) => chain.submit(message, { by: ada }).id,
  );
  const wires = ids.map((proposal) => chain.wire({ type: 'membership.approve', proposal }, { by: bob }));
  assert.deepEqual(chain.block(wires).validatorUpdates, [update('ada', 3), update('bob', 4)].sort(byKey));
});

test('refusals of a validator, before anybody else has to vote', () => {
  const chain = createConsortiumChain({ ...FOUR, dan: 0 });
  chain.decide({ type: 'membership.admit', ...memberOf('eve') });
  const second = testSigner('ada', 'second');
  expectOk(
    chain.submit({ type: 'key.add', account: ada.account, key: second.record }, { by: ada, approvers: [second] }),
  );
  const eve = testAccount('eve');
  const cases: Record<string, [JsonObject & { type: string }, string]> = {
    'an account of nobody': [set('nobody'), 'MEMBER_UNKNOWN'],
    'the same record': [set('bob'), 'VALIDATOR_UNCHANGED'],
    'the same record without power': [set('dan', { power: 0 }), 'VALIDATOR_UNCHANGED'],
    'a key of small order': [set('eve', { publicKey: `01${'00'.repeat(31)}` }), 'KEY_INVALID'],
    'a key that is a second name of another': [set('eve', { publicKey: `ed${'ff'.repeat(30)}7f` }), 'KEY_INVALID'],
    'a rotation to such a key': [set('bob', { publicKey: '00'.repeat(32) }), 'KEY_INVALID'],
    'a key of another validator': [set('eve', { publicKey: validatorOf('bob').publicKey }), 'VALIDATOR_KEY_TAKEN'],
    'a key of one without power': [set('eve', { publicKey: validatorOf('dan').publicKey }), 'VALIDATOR_KEY_TAKEN'],
    'a rotation to a key of another': [set('ada', { publicKey: validatorOf('bob').publicKey }), 'VALIDATOR_KEY_TAKEN'],
    'its own signing key': [set('eve', { publicKey: testSigner('eve').record.publicKey }), 'VALIDATOR_KEY_TAKEN'],
    'a signing key of another member': [set('eve', { publicKey: second.record.publicKey }), 'VALIDATOR_KEY_TAKEN'],
    'a node of another': [set('eve', { node: validatorOf('bob').node }), 'VALIDATOR_NODE_TAKEN'],
    'to drop one that is not there': [drop('eve'), 'VALIDATOR_UNKNOWN'],
    'to drop one of nobody': [drop('nobody'), 'VALIDATOR_UNKNOWN'],
    'too much power': [set('eve', { power: 1_000_001 }), 'SCHEMA_INVALID'],
    'negative power': [set('eve', { power: -1 }), 'SCHEMA_INVALID'],
    'power that is no integer, as text': [set('eve', { power: '10' }), 'SCHEMA_INVALID'],
    'a short key': [set('eve', { publicKey: 'ab' }), 'SCHEMA_INVALID'],
    'a node in upper case': [set('eve', { node: 'AB'.repeat(20) }), 'SCHEMA_INVALID'],
    'an unknown member': [set('eve', { name: 'Eve' }), 'SCHEMA_INVALID'],
    'no account': [{ type: 'membership.dropValidator' }, 'SCHEMA_INVALID'],
  };
  for (const [name, [message, code]] of Object.entries(cases)) {
    assert.equal(chain.submit(message, { by: ada }).code, code, name);
  }
  assert.equal(chain.state.get(validators, eve), undefined);
  const nurse = testSigner('nurse');
  const keys = [nurse.record];
  expectOk(chain.submit({ type: 'practitioner.register', account: nurse.account, keys, roleCodes: [] }, { by: ada }));
  for (const message of [set('eve'), drop('bob')]) {
    assert.equal(chain.submit(message, { by: nurse }).code, 'MEMBER_REQUIRED', message.type);
  }
  // Nobody proved to hold a practitioner's first key, so it stands in nobody's way.
  expectOk(chain.submit(set('eve', { publicKey: nurse.record.publicKey }), { by: ada }));
});

test('a key that stays is not asked about again, so that its power can always be changed', () => {
  const chain = createConsortiumChain(FOUR);
  const key = testSigner('bob', 'validator');
  expectOk(chain.submit({ type: 'key.add', account: bob.account, key: key.record }, { by: bob, approvers: [key] }));
  assert.deepEqual(chain.decide(set('bob', { power: 0 })).validatorUpdates, [update('bob', 0)]);
});

test('somebody always votes', () => {
  const chain = createConsortiumChain({ ada: 10, bob: 0, cyd: 0 });
  const refused = () => [set('ada', { power: 0 }), drop('ada'), remove('ada', 'bob')];
  for (const message of refused()) assert.equal(chain.submit(message, { by: bob }).code, 'VALIDATORS_EMPTY');
  assert.equal(lastCode(chain.decide(remove('cyd'))), 'OK');
  assert.equal(lastCode(chain.decide(set('bob', { power: 1 }))), 'OK');
  assert.deepEqual(chain.decide(set('ada', { power: 0 })).validatorUpdates, [update('ada', 0)]);
  for (const message of [set('bob', { power: 0 }), drop('bob')])
    assert.equal(chain.submit(message, { by: bob }).code, 'VALIDATORS_EMPTY');
});

test('what was sound when proposed is held against the state when it is decided', () => {
  const chain = createConsortiumChain({ ada: 10, bob: 10 });
  const ids = [set('ada', { power: 0 }), set('bob', { power: 0 })].map(
    (message) => chain.submit(message, { by: ada }).id,
  );
  const wires = ids.map((proposal) => chain.wire({ type: 'membership.approve', proposal }, { by: bob }));
  const { outcomes, validatorUpdates } = chain.block(wires);
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ['OK', 'VALIDATORS_EMPTY'],
  );
  assert.deepEqual(validatorUpdates, [update('ada', 0)]);
  assert.equal(chain.state.get(proposals, ids[1] as string)?.votes.length, 1);
});

test('a ledger of a single operator has no validators to vote on; members leave as ever', () => {
  const chain = createMemberChain({ ada: ['provider'], bob: ['provider'] });
  for (const message of [set('ada'), set('nobody'), drop('ada')])
    assert.equal(chain.submit(message, { by: ada }).code, 'VALIDATORS_NONE');
  const { id } = chain.submit(remove('bob'), { by: ada });
  expectOk(chain.submit({ type: 'membership.approve', proposal: id }, { by: bob }));
  assert.deepEqual(chain.kernel.query(chain.store, 'membership.validators', {}), []);
});

test('version 2 comes by a vote: until its height version 1 holds, message for message', () => {
  const chain = createConsortiumChain(FOUR, 1);
  const change = set('bob', { power: 20 });
  assert.equal(chain.submit(change, { by: ada }).code, 'MESSAGE_INACTIVE');
  assert.equal(chain.submit(drop('bob'), { by: ada }).code, 'MESSAGE_INACTIVE');
  // Equivocation is nobody's matter in version 1; neither does a removal touch the validators.
  const { publicKey } = validatorOf('bob');
  const report = { kind: 'duplicate-vote', validator: validatorAddress(publicKey), height: 1, timeMs: 5 } as const;
  assert.deepEqual(chain.block([], [report]).validatorUpdates, []);
  assert.deepEqual(chain.kernel.query(chain.store, 'membership.misbehaviour', {}), []);
  assert.deepEqual(chain.decide(remove('dan')).validatorUpdates, []);
  const fromHeight = chain.head.height + LIMITS.rulesMarginBlocks + 2;
  chain.decide({ type: 'rules.activate', capability: 'membership', version: 2, fromHeight });
  while (chain.head.height + 1 < fromHeight) {
    assert.equal(chain.submit(change, { by: ada }).code, 'MESSAGE_INACTIVE', `height ${chain.head.height}`);
  }
  assert.equal(chain.head.height, fromHeight - 1);
  assert.deepEqual(chain.decide(change).validatorUpdates, [update('bob', 20)]);
  // What version 1 left behind can be cleared away.
  assert.deepEqual(chain.decide(drop('dan')).validatorUpdates, [update('dan', 0)]);
});

test('back in version 1 its approvals execute no proposal of version 2', () => {
  const chain = createConsortiumChain({ ada: 10, bob: 10 });
  const { id } = chain.submit(set('bob', { power: 20 }), { by: ada });
  const fromHeight = chain.head.height + LIMITS.rulesMarginBlocks + 2;
  chain.decide({ type: 'rules.activate', capability: 'membership', version: 1, fromHeight });
  while (chain.head.height + 1 < fromHeight) chain.block([]);
  const approve = { type: 'membership.approve', proposal: id };
  assert.equal(chain.submit(approve, { by: bob }).code, 'PROPOSAL_UNKNOWN');
  expectOk(chain.submit({ type: 'membership.withdraw', proposal: id }, { by: ada }));
});
