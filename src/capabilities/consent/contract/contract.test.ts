import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCareChain, grantMessage, testTags } from '../../../../test/support/care-chain.ts';
import { testAccount, testSigner } from '../../../../test/support/test-signer.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { LATEST_MS, type Policy } from './policy.ts';
import { decideFor } from './queries.ts';
import { delegationOf, LIMITS, policies, policiesOf } from './state.ts';

type Chain = ReturnType<typeof createCareChain>;
const ADA = testAccount('ada');
const MIA = testAccount('mia');
const YEAR_MS = 365 * 24 * 3_600_000;

function decision(chain: Chain, name: string, purpose: string, organisation: string, requester = organisation) {
  return decideFor(chain.state, testAccount(name), {
    atMs: chain.timeMs,
    purpose,
    purposeTags: [],
    organisation: testAccount(organisation),
    actorTags: [],
    requester: testAccount(requester),
    versions: [{ categoryTags: [], labelTags: [], dataTags: [] }],
  });
}

function hundred(n: number): string {
  return n.toString(16).padStart(32, '0');
}

test('a patient permits, denies in the same scope, and revokes', () => {
  const chain = createCareChain();
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'clinic').rules, ['default:no-permit']);
  const permit = chain.expect(
    'OK',
    grantMessage('ada', 'permit', { purposes: ['TREAT'], members: [testAccount('clinic')] }),
    'ada',
  );
  assert.deepEqual(permit.data, { policy: permit.id, sequence: 1, basis: 'signed' });
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'clinic').rules, [`${permit.id}#0`]);
  const deny = chain.expect('OK', grantMessage('ada', 'deny', { purposes: ['TREAT'] }), 'ada');
  assert.deepEqual(deny.data, { policy: deny.id, sequence: 2, basis: 'signed', superseded: permit.id });
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'clinic').rules, [`${deny.id}#0`]);
  chain.expect('CONSENT_POLICY_UNKNOWN', { type: 'consent.revoke', account: ADA, policy: permit.id }, 'ada');
  chain.expect('OK', { type: 'consent.revoke', account: ADA, policy: deny.id }, 'ada');
  // What was superseded does not come back.
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'clinic').rules, ['default:no-permit']);
  chain.expect('CONSENT_POLICY_UNKNOWN', { type: 'consent.revoke', account: ADA, policy: deny.id }, 'ada');
});

test('nobody else decides for a claimed account', () => {
  const chain = createCareChain();
  const granted = chain.expect('OK', grantMessage('ada', 'deny', {}), 'ada');
  for (const by of ['hospital', 'clinic', 'ben', 'doctor']) {
    chain.expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('ada', 'permit', {}), by);
    chain.expect('CONSENT_SIGNER_NOT_ENTITLED', { type: 'consent.revoke', account: ADA, policy: granted.id }, by);
    chain.expect('CONSENT_SIGNER_NOT_ENTITLED', { ...proxy('ada', 'ben'), endsAtMs: chain.timeMs + YEAR_MS }, by);
  }
  // Approval by the patient is no signature as sender: the sender decides.
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('ada', 'permit', {}), 'hospital', ['ada']);
});

function proxy(account: string, delegate: string, powers: readonly string[] = ['access', 'consent']) {
  return {
    type: 'delegation.grant',
    account: testAccount(account),
    delegate: testAccount(delegate),
    role: 'proxy',
    powers,
  };
}

test('refusals of a grant', () => {
  const chain = createCareChain();
  const root = { purposes: ['TREAT'] };
  const table: readonly (readonly [code: string, fault: string | undefined, message: JsonObject])[] = [
    ['CONSENT_ACCOUNT_UNKNOWN', undefined, { account: testAccount('nobody') }],
    ['CONSENT_ACCOUNT_UNKNOWN', undefined, { account: testAccount('hospital') }],
    ['CONSENT_MEMBER_UNKNOWN', undefined, { root: { members: [testAccount('nobody')] } }],
    ['CONSENT_MEMBER_UNKNOWN', undefined, { root: { members: [testAccount('ben')] } }],
    ['CONSENT_POLICY_EXPIRED', undefined, { root: { periodToMs: chain.timeMs - 1 } }],
    ['CONSENT_SCOPE_UNKNOWN', undefined, { scope: 'default:nothing' }],
    ['CONSENT_POLICY_MALFORMED', 'scope', { scope: 'my diabetes' }],
    ['CONSENT_POLICY_MALFORMED', 'root.purposes', { root: { purposes: ['CURIOSITY'] } }],
    ['CONSENT_POLICY_MALFORMED', 'root.purposes', { root: { purposes: ['TREAT', 'HPAYMT'] } }],
    ['CONSENT_POLICY_MALFORMED', 'root.purposes', { root: { purposes: ['TREAT', 'TREAT'] } }],
    [
      'CONSENT_POLICY_MALFORMED',
      'root.labelTags',
      { root: { labelTags: [...testTags('ada', 'label', 'x')].reverse() } },
    ],
    ['SCHEMA_INVALID', undefined, { root: { labelTags: testTags('ada', 'label', 'x').slice(1) } }],
    ['SCHEMA_INVALID', undefined, { root: { labelTags: [] } }],
    ['SCHEMA_INVALID', undefined, { root: { labels: ['HIV'] } }],
    ['SCHEMA_INVALID', undefined, { sense: 'maybe' }],
    ['CONSENT_POLICY_MALFORMED', 'root.periodToMs', { root: { periodFromMs: 2, periodToMs: 1 } }],
    ['CONSENT_POLICY_MALFORMED', 'root.dataToMs', { root: { dataFromMs: 2, dataToMs: 1 } }],
    ['CONSENT_POLICY_MALFORMED', 'root.dataToMs', { root: { dataToMs: LATEST_MS + 1 } }],
    [
      'CONSENT_POLICY_MALFORMED',
      'exceptions.0.wider-than-root.purpose',
      { sense: 'deny', root, exceptions: [{ members: [testAccount('clinic')] }] },
    ],
    ['CONSENT_POLICY_MALFORMED', 'inexpressible', { inexpressible: 'CONSENT_NESTED_TOO_DEEP' }],
  ];
  for (const [code, fault, change] of table) {
    const outcome = chain.expect(code, { ...grantMessage('ada', 'permit', root), ...change }, 'ada');
    if (fault !== undefined) assert.deepEqual(outcome.data, { fault });
  }
  assert.deepEqual([...chain.state.entries(policies, [])], []);
});

test('a document that cannot be expressed denies and gives its reason as the rule', () => {
  const chain = createCareChain();
  const { id } = chain.expect(
    'OK',
    grantMessage('ada', 'deny', {}, { inexpressible: 'CONSENT_NESTED_TOO_DEEP' }),
    'ada',
  );
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'hospital').rules, [`${id}#CONSENT_NESTED_TOO_DEEP`]);
  assert.equal(decision(chain, 'ada', 'BTG', 'hospital').decision, 'permit');
});

test('the custodian attests for an unclaimed account; after the claim it is the patient’s to supersede', () => {
  const chain = createCareChain();
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('mia', 'permit', {}), 'clinic');
  const attested = chain.expect('OK', grantMessage('mia', 'permit', { members: [testAccount('clinic')] }), 'hospital');
  assert.equal(attested.data.basis, 'attested');
  assert.equal(chain.state.get(policies, MIA, MIA, 'patient-privacy')?.attestedBy, testAccount('hospital'));
  assert.deepEqual(decision(chain, 'mia', 'TREAT', 'clinic').rules, [`${attested.id}#0`]);
  chain.expect('OK', { type: 'account.claim', account: MIA, keys: [chain.who.mia?.record ?? {}] }, 'mia', ['hospital']);
  assert.equal(decision(chain, 'mia', 'TREAT', 'clinic').decision, 'permit');
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('mia', 'permit', {}), 'hospital');
  chain.expect(
    'CONSENT_SIGNER_NOT_ENTITLED',
    { type: 'consent.revoke', account: MIA, policy: attested.id },
    'hospital',
  );
  const own = chain.expect('OK', grantMessage('mia', 'deny', { members: [testAccount('clinic')] }), 'mia');
  assert.equal(own.data.superseded, attested.id);
  assert.equal(decision(chain, 'mia', 'TREAT', 'clinic').decision, 'deny');
});

test('the defaults of the jurisdiction: own staff, break-glass, and superseding them by name', () => {
  const chain = createCareChain();
  assert.deepEqual(decision(chain, 'mia', 'TREAT', 'hospital').rules, ['default:own-staff']);
  assert.deepEqual(decision(chain, 'ada', 'ETREAT', 'hospital').rules, ['default:own-staff']);
  assert.deepEqual(decision(chain, 'ada', 'HRESCH', 'hospital').rules, ['default:no-permit']);
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'clinic').rules, ['default:no-permit']);
  assert.deepEqual(decision(chain, 'ada', 'BTG', 'clinic').rules, ['default:break-glass']);
  const narrowed = chain.expect(
    'OK',
    grantMessage('ada', 'permit', { purposes: ['HPAYMT'] }, { scope: 'default:own-staff' }),
    'ada',
  );
  assert.equal(decision(chain, 'ada', 'TREAT', 'hospital').decision, 'deny');
  assert.deepEqual(
    policiesOf(chain.state, ADA).map(({ id }) => id),
    [narrowed.id, 'default:break-glass'],
  );
  chain.expect('OK', { type: 'consent.revoke', account: ADA, policy: narrowed.id }, 'ada');
  assert.equal(
    decision(chain, 'ada', 'TREAT', 'hospital').decision,
    'deny',
    'a revoked policy still stands in the place of the default',
  );
  const without = createCareChain({ defaults: [] });
  assert.equal(decision(without, 'mia', 'TREAT', 'hospital').decision, 'deny');
  assert.equal(decision(without, 'mia', 'BTG', 'hospital').decision, 'deny');
});

test('a malformed consent section stops genesis', () => {
  const rule = { name: 'x', sense: 'permit', purposes: ['TREAT'], actor: 'custodian' };
  for (const section of [
    { defaults: [rule, rule] },
    { defaults: [{ ...rule, purposes: ['CURIOSITY'] }] },
    { defaults: [{ ...rule, actor: 'me' }] },
    { defaults: [{ ...rule, name: 'No Name' }] },
    { more: 1 },
  ]) {
    assert.throws(() => createCareChain(section), /CONSENT_GENESIS_INVALID|GENESIS/);
  }
});

test('break-glass passes any deny that does not name BTG', () => {
  const chain = createCareChain();
  const all = chain.expect('OK', grantMessage('ada', 'deny', {}), 'ada');
  assert.equal(decision(chain, 'ada', 'BTG', 'clinic').decision, 'permit');
  assert.deepEqual(decision(chain, 'ada', 'TREAT', 'hospital').rules, [`${all.id}#0`]);
  const named = chain.expect('OK', grantMessage('ada', 'deny', { purposes: ['BTG'] }, { scope: 'treatment' }), 'ada');
  assert.deepEqual(decision(chain, 'ada', 'BTG', 'clinic').rules, [`${named.id}#0`]);
});

test('a guardian decides and sees until the delegation ends', () => {
  const chain = createCareChain();
  const endsAtMs = chain.timeMs + YEAR_MS;
  const guardian = { ...proxy('mia', 'gil'), role: 'guardian', endsAtMs };
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', guardian, 'gil');
  chain.expect('OK', guardian, 'hospital');
  assert.deepEqual(decision(chain, 'mia', 'PATRQT', 'hospital', 'gil').rules, ['default:delegate']);
  assert.deepEqual(decision(chain, 'mia', 'PATRQT', 'hospital', 'ben').rules, ['default:no-permit']);
  const granted = chain.expect('OK', grantMessage('mia', 'permit', { members: [testAccount('clinic')] }), 'gil');
  assert.equal(decision(chain, 'mia', 'TREAT', 'clinic').decision, 'permit');
  assert.equal(chain.state.get(policies, MIA, testAccount('gil'), 'patient-privacy')?.id, granted.id);
  // What the custodian attested is not the guardian's to end, nor the other way round.
  const attested = chain.expect('OK', grantMessage('mia', 'deny', { purposes: ['HRESCH'] }), 'hospital');
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', { type: 'consent.revoke', account: MIA, policy: attested.id }, 'gil');
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', { type: 'consent.revoke', account: MIA, policy: granted.id }, 'hospital');
  chain.advance(YEAR_MS);
  assert.equal(delegationOf(chain.state, MIA, testAccount('gil'), 'consent', chain.timeMs)?.role, 'guardian');
  chain.advance(1);
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('mia', 'permit', {}), 'gil');
  assert.equal(decision(chain, 'mia', 'PATRQT', 'hospital', 'gil').decision, 'deny');
});

test('a delegate has the powers given and no others, and does not delegate', () => {
  const chain = createCareChain();
  const endsAtMs = chain.timeMs + YEAR_MS;
  chain.expect('OK', { ...proxy('ada', 'ben', ['access']), endsAtMs }, 'ada');
  assert.equal(decision(chain, 'ada', 'PATRQT', 'hospital', 'ben').decision, 'permit');
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('ada', 'permit', {}), 'ben');
  chain.expect('CONSENT_SIGNER_NOT_ENTITLED', { ...proxy('ada', 'gil'), endsAtMs }, 'ben');
  // A patient's denial binds the delegate, never the patient.
  chain.expect('OK', grantMessage('ada', 'deny', {}), 'ada');
  assert.equal(decision(chain, 'ada', 'PATRQT', 'hospital', 'ben').decision, 'deny');
  assert.deepEqual(decision(chain, 'ada', 'PATRQT', 'hospital', 'ada').rules, ['default:own-access']);
  chain.expect(
    'CONSENT_SIGNER_NOT_ENTITLED',
    { type: 'delegation.revoke', account: ADA, delegate: testAccount('ben') },
    'gil',
  );
  chain.expect('OK', { type: 'delegation.revoke', account: ADA, delegate: testAccount('ben') }, 'ben');
  chain.expect('DELEGATION_UNKNOWN', { type: 'delegation.revoke', account: ADA, delegate: testAccount('ben') }, 'ada');
});

test('refusals of a delegation', () => {
  const chain = createCareChain();
  const endsAtMs = chain.timeMs + YEAR_MS;
  for (const delegate of ['ada', 'mia', 'doctor', 'hospital', 'nobody']) {
    chain.expect('DELEGATE_INVALID', { ...proxy('ada', delegate), endsAtMs }, 'ada');
  }
  for (const period of [
    { endsAtMs: chain.timeMs },
    { endsAtMs: chain.timeMs + LIMITS.delegationMs + 1 },
    { fromMs: endsAtMs + 1, endsAtMs },
  ]) {
    chain.expect('DELEGATION_PERIOD', { ...proxy('ada', 'ben'), ...period }, 'ada');
  }
});

test('an account holds so many policies and delegates, revoked policies making room', () => {
  const chain = createCareChain();
  const granted: string[] = [];
  for (let n = 0; n < LIMITS.policiesPerAccount; n++) {
    const scope = `patient-privacy:${hundred(n)}`;
    granted.push(chain.expect('OK', grantMessage('ada', 'permit', { purposes: ['TREAT'] }, { scope }), 'ada').id);
  }
  chain.expect('CONSENT_POLICY_LIMIT', grantMessage('ada', 'permit', {}, { scope: 'research' }), 'ada');
  chain.expect('OK', grantMessage('ada', 'permit', {}, { scope: `patient-privacy:${hundred(3)}` }), 'ada');
  for (const n of [9, 5])
    chain.expect('OK', { type: 'consent.revoke', account: ADA, policy: granted[n] as string }, 'ada');
  chain.expect('OK', grantMessage('ada', 'permit', {}, { scope: 'research' }), 'ada');
  const scopes = new Set(policiesOf(chain.state, ADA).map(({ scope }) => scope));
  assert.equal(scopes.has(`patient-privacy:${hundred(5)}`), false, 'the older revoked policy went');
  assert.equal(scopes.has(`patient-privacy:${hundred(9)}`), true);
  const people = Array.from({ length: LIMITS.delegationsPerAccount + 1 }, (_, n) => `person ${n}`);
  chain.expect('OK', { type: 'account.open', accounts: people.map(testAccount) }, 'hospital');
  for (const [n, name] of people.entries()) {
    const key = testSigner(name);
    const claim = chain.wire(
      { type: 'account.claim', account: key.account, keys: [key.record] },
      { by: key, approvers: [chain.who.hospital as never] },
    );
    assert.equal(chain.block([claim]).outcomes[0]?.code, 'OK');
    const code = n < LIMITS.delegationsPerAccount ? 'OK' : 'DELEGATION_LIMIT';
    chain.expect(code, { ...proxy('ada', name, ['access']), endsAtMs: chain.timeMs + YEAR_MS }, 'ada');
  }
});

test('a closed account takes no more policy', () => {
  const chain = createCareChain();
  chain.expect('OK', { type: 'account.close', account: MIA }, 'hospital');
  chain.expect('CONSENT_ACCOUNT_CLOSED', grantMessage('mia', 'permit', {}), 'hospital');
});

test('policies are asked for by name', () => {
  const chain = createCareChain();
  const { id } = chain.expect('OK', grantMessage('ada', 'permit', { purposes: ['TREAT'] }), 'ada');
  const answer = chain.kernel.query(chain.store, 'consent.policiesOf', { account: ADA }) as unknown as {
    policies: readonly Policy[];
  };
  assert.deepEqual(
    answer.policies.map((policy) => policy.id),
    [id, 'default:own-staff', 'default:break-glass'],
  );
  assert.throws(() => chain.kernel.query(chain.store, 'consent.policiesOf', { account: 'x' }), /CONSENT_QUERY_INVALID/);
});
