import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestChain, type TestChain } from '../../../../test/support/test-chain.ts';
import { createMemberChain, expectOk, memberOf, TEST_SEALING } from '../../../../test/support/test-members.ts';
import { testAccount, testSigner } from '../../../../test/support/test-signer.ts';
import { accounts } from '../../../chain/account.ts';
import { activeVersion, rules } from '../../../chain/rules.ts';
import { keyRecordHash } from '../../../chain/signature.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { membershipContract } from './contract.ts';
import { activeMembers, hasRole, isActiveMember, memberRoles, sealingKeyOf, sponsorOf } from './queries.ts';
import { keyHistory, LIMITS, proposals } from './state.ts';

const ada = testSigner('ada');
const bob = testSigner('bob');
const cyd = testSigner('cyd');

/** Sends a proposal by ada and lets the other founders approve it; the last outcome. */
function decide(chain: TestChain, message: JsonObject & { type: string }) {
  let outcome = chain.submit(message, { by: ada });
  for (const by of [bob, cyd]) {
    if (outcome.code !== 'OK' || outcome.data.executed === true || !isActiveMember(chain.state, by.account)) continue;
    outcome = chain.submit({ type: 'membership.approve', proposal: outcome.data.proposal as string }, { by });
  }
  return outcome;
}

function three() {
  return createMemberChain({ ada: ['provider', 'operator'], bob: ['provider'], cyd: ['research'] });
}

test('genesis writes members, their accounts and their keys', () => {
  const { state, kernel, store } = three();
  assert.deepEqual(state.get(accounts, ada.account), {
    kind: 'member',
    status: 'active',
    sponsor: ada.account,
    keys: [ada.record],
  });
  assert.deepEqual(memberRoles(state, ada.account), ['provider', 'operator']);
  assert.equal(hasRole(state, cyd.account, 'research'), true);
  assert.equal(hasRole(state, cyd.account, 'provider'), false);
  assert.deepEqual(sealingKeyOf(state, cyd.account), TEST_SEALING);
  assert.deepEqual(state.get(keyHistory, keyRecordHash(ada.record)), ada.record);
  assert.equal(activeMembers(state).length, 3);
  assert.equal(activeVersion(state, 'membership', 1), 2);
  assert.deepEqual(
    kernel.query(store, 'membership.members', {}),
    [ada, bob, cyd]
      .map(({ account }) => ({ account, roles: memberRoles(state, account), sealing: TEST_SEALING }))
      .sort((a, b) => (a.account < b.account ? -1 : 1)),
  );
});

test('a malformed section of genesis is refused', () => {
  const member = memberOf('ada');
  const cases: Record<string, [JsonObject, string]> = {
    'no members': [{ members: [] }, 'GENESIS_INVALID'],
    'no section': [{}, 'GENESIS_INVALID'],
    'a member without keys': [{ members: [{ ...member, keys: [] }] }, 'GENESIS_INVALID'],
    'an unknown role': [{ members: [{ ...member, roles: ['king'] }] }, 'GENESIS_INVALID'],
    'an unknown member': [{ members: [member], more: 1 }, 'GENESIS_INVALID'],
    'one account twice': [{ members: [member, member] }, 'ACCOUNT_EXISTS'],
    'one role twice': [{ members: [{ ...member, roles: ['payer', 'payer'] }] }, 'ITEM_REPEATED'],
    'a key under a wrong id': [
      { members: [{ ...member, keys: [{ ...ada.record, id: '0'.repeat(32) }] }] },
      'KEY_INVALID',
    ],
    'a sealing key that is no base64url': [
      { members: [{ ...member, sealing: { suite: 'x', publicKey: 'A'.repeat(45) } }] },
      'SEALING_INVALID',
    ],
  };
  for (const [name, [membership, code]] of Object.entries(cases)) {
    assert.throws(
      () => createTestChain({ contracts: [membershipContract], genesis: { sections: { membership } } }),
      { code },
      name,
    );
  }
});

test('admission: the new member acts as one', () => {
  const chain = three();
  expectOk(decide(chain, { type: 'membership.admit', ...memberOf('eve', ['payer']) }));
  const eve = testSigner('eve');
  assert.deepEqual(memberRoles(chain.state, eve.account), ['payer']);
  expectOk(
    chain.submit({ type: 'membership.setSealing', sealing: { suite: 'new', publicKey: 'B'.repeat(44) } }, { by: eve }),
  );
  assert.equal(sealingKeyOf(chain.state, eve.account)?.suite, 'new');
  assert.equal(
    chain.submit({ type: 'membership.setSealing', sealing: { suite: 'new', publicKey: 'B'.repeat(45) } }, { by: eve })
      .code,
    'SEALING_INVALID',
  );
});

test('refusals of an admission, before anybody else has to vote', () => {
  const chain = three();
  const eve = memberOf('eve');
  const admit = (change: JsonObject) => chain.submit({ type: 'membership.admit', ...eve, ...change }, { by: ada }).code;
  assert.equal(admit({ account: bob.account }), 'ACCOUNT_EXISTS');
  assert.equal(admit({ roles: [] }), 'SCHEMA_INVALID');
  assert.equal(admit({ roles: ['payer', 'payer'] }), 'ITEM_REPEATED');
  assert.equal(admit({ keys: [] }), 'SCHEMA_INVALID');
  assert.equal(admit({ keys: [bob.record, bob.record] }), 'KEY_EXISTS');
  assert.equal(admit({ sealing: { suite: 'x', publicKey: 'A'.repeat(45) } }), 'SEALING_INVALID');
  assert.equal(admit({ name: 'Eve' }), 'SCHEMA_INVALID');
});

test('the ledger holds so many members', () => {
  const founders = Object.fromEntries(Array.from({ length: LIMITS.members }, (_, at) => [`m${at}`, ['payer']]));
  const chain = createMemberChain(founders);
  assert.equal(
    chain.submit({ type: 'membership.admit', ...memberOf('eve') }, { by: testSigner('m0') }).code,
    'MEMBER_LIMIT',
  );
});

test('removal: the account closes, and the successor answers for what it opened', () => {
  const chain = createMemberChain({ ada: ['provider'], bob: ['provider'], cyd: ['provider'] });
  const patient = testAccount('patient');
  expectOk(chain.submit({ type: 'account.open', accounts: [patient] }, { by: cyd }));
  const pending = chain.submit({ type: 'membership.setRoles', account: ada.account, roles: ['payer'] }, { by: cyd }).id;
  expectOk(decide(chain, { type: 'membership.remove', account: cyd.account, successor: bob.account }));
  assert.equal(isActiveMember(chain.state, cyd.account), false);
  assert.deepEqual(memberRoles(chain.state, cyd.account), []);
  assert.equal(sealingKeyOf(chain.state, cyd.account), undefined);
  assert.equal(chain.state.get(proposals, pending), undefined);
  assert.equal(chain.submit({ type: 'account.open', accounts: [testAccount('x')] }, { by: cyd }).code, 'SIGNER_CLOSED');
  assert.equal(sponsorOf(chain.state, patient), bob.account);
  assert.equal(chain.submit({ type: 'account.close', account: patient }, { by: ada }).code, 'SIGNER_NOT_ENTITLED');
  // The successor is removed in turn: still one step to the one who answers now.
  expectOk(decide(chain, { type: 'membership.remove', account: bob.account, successor: ada.account }));
  assert.equal(sponsorOf(chain.state, patient), ada.account);
  expectOk(chain.submit({ type: 'account.close', account: patient }, { by: ada }));
  assert.equal(chain.submit({ type: 'membership.admit', ...memberOf('bob') }, { by: ada }).code, 'ACCOUNT_EXISTS');
});

test('refusals of a removal and of a change of roles', () => {
  const chain = three();
  const remove = (account: string, successor: string) =>
    chain.submit({ type: 'membership.remove', account, successor }, { by: ada }).code;
  assert.equal(remove(testAccount('nobody'), bob.account), 'MEMBER_UNKNOWN');
  assert.equal(remove(cyd.account, cyd.account), 'SUCCESSOR_INVALID');
  assert.equal(remove(cyd.account, testAccount('nobody')), 'SUCCESSOR_INVALID');
  const setRoles = (account: string, roles: string[]) =>
    chain.submit({ type: 'membership.setRoles', account, roles }, { by: ada }).code;
  assert.equal(setRoles(testAccount('nobody'), ['payer']), 'MEMBER_UNKNOWN');
  assert.equal(setRoles(bob.account, ['payer', 'payer']), 'ITEM_REPEATED');
  expectOk(decide(chain, { type: 'membership.setRoles', account: bob.account, roles: ['payer', 'pharmacy'] }));
  assert.deepEqual(memberRoles(chain.state, bob.account), ['payer', 'pharmacy']);
});

test('the last member cannot be removed', () => {
  const chain = createMemberChain({ ada: ['provider'] });
  assert.equal(
    chain.submit({ type: 'membership.remove', account: ada.account, successor: ada.account }, { by: ada }).code,
    'SUCCESSOR_INVALID',
  );
});

test('rules: a later version from a height ahead, in order, and back again', () => {
  const chain = createMemberChain({ ada: ['provider'] });
  const activate = (capability: string, version: number, fromHeight: number) =>
    chain.submit({ type: 'rules.activate', capability, version, fromHeight }, { by: ada });
  const ahead = () => chain.head.height + 1 + LIMITS.rulesMarginBlocks;
  assert.equal(activate('membership', 2, ahead()).code, 'RULES_UNCHANGED');
  assert.equal(activate('membership', 4, ahead()).code, 'RULES_VERSION');
  assert.equal(activate('news', 2, ahead()).code, 'RULES_VERSION');
  assert.equal(activate('news', 0, ahead()).code, 'SCHEMA_INVALID');
  assert.equal(activate('news', 1, ahead() - 1).code, 'RULES_TOO_SOON');
  const first = ahead();
  expectOk(activate('news', 1, first));
  assert.equal(activeVersion(chain.state, 'news', first - 1), undefined);
  assert.equal(activeVersion(chain.state, 'news', first), 1);
  assert.equal(activate('news', 1, first + 100).code, 'RULES_UNCHANGED');
  expectOk(activate('news', 2, first + 50));
  // Not before what was decided last, though that is ahead enough.
  assert.deepEqual(activate('news', 1, first + 50).data, { fromHeight: first + 50, earliest: first + 51 });
  expectOk(activate('news', 1, first + 51));
  assert.equal(activate('news', 3, first + 99).code, 'OK');
  assert.deepEqual(
    chain.state.get(rules, 'news')?.map(({ version }) => version),
    [1, 2, 1, 3],
  );
});

test('rules that are too soon by the time of the last approval are refused', () => {
  const chain = createMemberChain({ ada: ['provider'], bob: ['provider'] });
  const fromHeight = chain.head.height + 1 + LIMITS.rulesMarginBlocks;
  const { id } = chain.submit({ type: 'rules.activate', capability: 'news', version: 1, fromHeight }, { by: ada });
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: bob }).code, 'RULES_TOO_SOON');
  assert.equal(chain.state.get(rules, 'news'), undefined);
});
