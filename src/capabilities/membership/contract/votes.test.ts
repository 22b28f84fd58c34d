import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemberChain, expectOk, memberOf } from '../../../../test/support/test-members.ts';
import { testAccount, testSigner } from '../../../../test/support/test-signer.ts';
import { isActiveMember, memberRoles } from './queries.ts';
import { LIMITS, proposals, proposalsOf } from './state.ts';
import { votesNeeded } from './votes.ts';

const ada = testSigner('ada');
const bob = testSigner('bob');
const cyd = testSigner('cyd');
const dan = testSigner('dan');

function four() {
  return createMemberChain({ ada: ['provider'], bob: ['provider'], cyd: ['payer'], dan: ['research'] });
}

const admitEve = { type: 'membership.admit', ...memberOf('eve') };

test('more than two thirds, for every number of members', () => {
  for (let count = 1; count <= LIMITS.members; count++) {
    const needed = votesNeeded(count);
    assert.ok(3 * needed > 2 * count, `${needed} of ${count} are not more than two thirds`);
    assert.ok(3 * (needed - 1) <= 2 * count, `${needed} of ${count} are more than it takes`);
    assert.ok(needed <= count);
  }
  assert.deepEqual([1, 2, 3, 4, 7].map(votesNeeded), [1, 2, 3, 3, 5]);
});

test('a proposal is executed by the approval that is enough, and is gone then', () => {
  const chain = four();
  const { id, data } = chain.submit(admitEve, { by: ada });
  assert.deepEqual(data, { proposal: id, votes: 1, needed: 3, executed: false });
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: bob }).data.executed, false);
  assert.equal(isActiveMember(chain.state, testAccount('eve')), false);
  const last = chain.submit({ type: 'membership.approve', proposal: id }, { by: cyd });
  assert.deepEqual(last.data, { proposal: id, votes: 3, needed: 3, executed: true, account: testAccount('eve') });
  assert.equal(isActiveMember(chain.state, testAccount('eve')), true);
  assert.equal(chain.state.get(proposals, id), undefined);
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: dan }).code, 'PROPOSAL_UNKNOWN');
});

test('a single member decides alone', () => {
  const chain = createMemberChain({ ada: ['provider'] });
  assert.equal(chain.submit(admitEve, { by: ada }).data.executed, true);
});

test('refusals of a vote', () => {
  const chain = four();
  const { id } = chain.submit(admitEve, { by: ada });
  const approve = { type: 'membership.approve', proposal: id };
  assert.equal(chain.submit(approve, { by: ada }).code, 'VOTE_REPEATED');
  assert.equal(chain.submit({ ...approve, proposal: 'f'.repeat(64) }, { by: bob }).code, 'PROPOSAL_UNKNOWN');
  assert.equal(chain.submit({ type: 'membership.withdraw', proposal: id }, { by: bob }).code, 'PROPOSAL_UNKNOWN');
  const nurse = testSigner('nurse');
  expectOk(
    chain.submit(
      { type: 'practitioner.register', account: nurse.account, keys: [nurse.record], roleCodes: [] },
      { by: ada },
    ),
  );
  for (const message of [admitEve, approve, { type: 'membership.withdraw', proposal: id }]) {
    assert.equal(chain.submit(message, { by: nurse }).code, 'MEMBER_REQUIRED', message.type);
  }
  assert.deepEqual(chain.state.get(proposals, id)?.votes, [ada.account]);
  expectOk(chain.submit({ type: 'membership.withdraw', proposal: id }, { by: ada }));
  assert.equal(chain.submit(approve, { by: bob }).code, 'PROPOSAL_UNKNOWN');
});

test('a proposal expires in block time, to the millisecond', () => {
  const chain = four();
  const { id } = chain.submit(admitEve, { by: ada });
  chain.advance(LIMITS.proposalLifeMs - 1);
  expectOk(chain.submit({ type: 'membership.approve', proposal: id }, { by: bob }));
  chain.advance(1);
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: cyd }).code, 'PROPOSAL_EXPIRED');
});

test('open proposals of a member are limited; what expired makes room and leaves the state', () => {
  const chain = four();
  const roles = { type: 'membership.setRoles', account: bob.account, roles: ['payer'] };
  const ids = Array.from({ length: LIMITS.openProposalsPerMember }, () => chain.submit(roles, { by: ada }).id);
  assert.equal(chain.submit(roles, { by: ada }).code, 'PROPOSAL_LIMIT');
  expectOk(chain.submit(roles, { by: bob }));
  expectOk(chain.submit({ type: 'membership.withdraw', proposal: ids[0] as string }, { by: ada }));
  expectOk(chain.submit(roles, { by: ada }));
  assert.equal(chain.submit(roles, { by: ada }).code, 'PROPOSAL_LIMIT');
  chain.advance(LIMITS.proposalLifeMs);
  const { id } = chain.submit(roles, { by: ada });
  assert.deepEqual(chain.state.get(proposalsOf, ada.account), [id]);
  for (const old of ids) assert.equal(chain.state.get(proposals, old), undefined);
});

test('what cannot be executed any more is refused at the last approval, and that vote does not count', () => {
  const chain = four();
  const first = chain.submit(admitEve, { by: ada }).id;
  const second = chain.submit(admitEve, { by: bob }).id;
  for (const by of [bob, cyd]) expectOk(chain.submit({ type: 'membership.approve', proposal: first }, { by }));
  for (const by of [ada, cyd]) expectOk(chain.submit({ type: 'membership.approve', proposal: second }, { by }));
  // Five members now: four have to approve.
  const late = chain.submit({ type: 'membership.approve', proposal: second }, { by: dan });
  assert.equal(late.code, 'ACCOUNT_EXISTS');
  assert.deepEqual(chain.state.get(proposals, second)?.votes, [bob.account, ada.account, cyd.account]);
});

test('a vote of a removed member does not count; those who approved before may settle it', () => {
  const chain = createMemberChain({
    ada: ['provider'],
    bob: ['provider'],
    cyd: ['payer'],
    dan: ['research'],
    eve: ['payer'],
  });
  const eve = testSigner('eve');
  const roles = { type: 'membership.setRoles', account: bob.account, roles: ['regulator'] };
  const { id } = chain.submit(roles, { by: ada });
  expectOk(chain.submit({ type: 'membership.approve', proposal: id }, { by: eve }));
  expectOk(chain.submit({ type: 'membership.approve', proposal: id }, { by: cyd }));
  const { id: removal } = chain.submit(
    { type: 'membership.remove', account: eve.account, successor: ada.account },
    { by: ada },
  );
  for (const by of [bob, cyd, dan]) expectOk(chain.submit({ type: 'membership.approve', proposal: removal }, { by }));
  // Three had approved, one of them is gone: two of four are not enough, and ada may not vote twice.
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: ada }).code, 'VOTE_REPEATED');
  assert.deepEqual(memberRoles(chain.state, bob.account), ['provider']);
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: dan }).data.executed, true);
  assert.deepEqual(memberRoles(chain.state, bob.account), ['regulator']);
});

test('a removal that lowers the threshold lets an earlier voter settle the vote', () => {
  const chain = createMemberChain({
    ada: ['provider'],
    bob: ['provider'],
    cyd: ['payer'],
    dan: ['research'],
    eve: ['payer'],
  });
  const roles = { type: 'membership.setRoles', account: bob.account, roles: ['regulator'] };
  const { id } = chain.submit(roles, { by: ada });
  for (const by of [bob, cyd]) expectOk(chain.submit({ type: 'membership.approve', proposal: id }, { by }));
  const { id: removal } = chain.submit(
    { type: 'membership.remove', account: testAccount('eve'), successor: ada.account },
    { by: ada },
  );
  for (const by of [bob, cyd, dan]) expectOk(chain.submit({ type: 'membership.approve', proposal: removal }, { by }));
  assert.equal(chain.submit({ type: 'membership.approve', proposal: id }, { by: ada }).data.executed, true);
});

test('property: nothing is ever executed with two thirds or fewer of the active members', () => {
  const labels = ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay', 'gus'];
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 }),
      (memberCount, voters) => {
        const names = labels.slice(0, memberCount);
        const chain = createMemberChain(Object.fromEntries(names.map((name) => [name, ['provider']])));
        const approvals = new Set<number>([0]);
        const { id, data } = chain.submit({ type: 'membership.admit', ...memberOf('new') }, { by: ada });
        let isExecuted = data.executed === true;
        for (const voter of voters.map((at) => at % memberCount)) {
          const { code, data: tally } = chain.submit(
            { type: 'membership.approve', proposal: id },
            { by: testSigner(names[voter] as string) },
          );
          if (!isExecuted) approvals.add(voter);
          isExecuted ||= code === 'OK' && tally.executed === true;
        }
        assert.equal(isExecuted, 3 * approvals.size > 2 * memberCount);
        assert.equal(isActiveMember(chain.state, testAccount('new')), isExecuted);
      },
    ),
    { numRuns: 60 },
  );
});
