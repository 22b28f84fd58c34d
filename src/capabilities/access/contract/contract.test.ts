import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCareChain, grantMessage, testTag, testTags } from '../../../../test/support/care-chain.ts';
import { testAccount } from '../../../../test/support/test-signer.ts';
import { bytesToHex } from '../../../std/bytes.ts';
import type { JsonObject } from '../../../std/canonical-json.ts';
import { breakGlassActs, breakGlassOf, LIMITS, permitExpiries, permitOf, permits } from './state.ts';
import { type BreakGlassClaim, claimId, claimSignBytes, verifyClaim } from './statement.ts';

type Chain = ReturnType<typeof createCareChain>;
const ADA = testAccount('ada');
const MINUTE_MS = 60_000;

function ask(purpose: string, scope: JsonObject = {}, more: JsonObject = {}) {
  return { type: 'access.request', account: ADA, purpose, scope, ...more };
}

function glass(more: JsonObject = {}) {
  return { type: 'access.breakGlass', account: ADA, practitioner: testAccount('doctor'), reason: 2, ...more };
}

test('a permitted request leaves a permit for five minutes, a denied one its rules only', () => {
  const chain = createCareChain();
  const denied = chain.expect('OK', ask('TREAT'), 'clinic');
  assert.deepEqual(denied.data, { decision: 'deny', rules: ['default:no-permit'], obligations: [] });
  assert.deepEqual([...chain.state.entries(permits, [])], []);
  const { id: policy } = chain.expect('OK', grantMessage('ada', 'permit', { members: [testAccount('clinic')] }), 'ada');
  const permitted = chain.expect('OK', ask('TREAT', {}, { practitioner: testAccount('doctor') }), 'clinic');
  const expiresAtMs = chain.timeMs + 5 * MINUTE_MS;
  assert.deepEqual(permitted.data, {
    decision: 'permit',
    rules: [`${policy}#0`],
    obligations: ['evaluate-versions'],
    expiresAtMs,
  });
  const permit = permitOf(chain.state, ADA, permitted.id, chain.timeMs);
  assert.deepEqual(permit, {
    account: ADA,
    custodian: testAccount('hospital'),
    organisation: testAccount('clinic'),
    requester: testAccount('clinic'),
    practitioner: testAccount('doctor'),
    purpose: 'TREAT',
    purposeTags: [],
    actorTags: [],
    scope: {},
    rules: [`${policy}#0`],
    grantedAtMs: chain.timeMs,
    expiresAtMs,
  });
  assert.ok(permitOf(chain.state, ADA, permitted.id, expiresAtMs));
  assert.equal(permitOf(chain.state, ADA, permitted.id, expiresAtMs + 1), undefined);
});

test('what is asked for meets blinded policy by its tags alone', () => {
  const chain = createCareChain();
  const deny = grantMessage('ada', 'deny', { labelTags: testTags('ada', 'label', 'sys|HIV') }, { scope: 'treatment' });
  const { id: denyId } = chain.expect('OK', deny, 'ada');
  const { id: permitId } = chain.expect(
    'OK',
    grantMessage('ada', 'permit', { categoryTags: testTags('ada', 'category', 'sys|lab', 'sys|vitals') }),
    'ada',
  );
  const lab = { categoryTags: [testTag('ada', 'category', 'sys|lab')] };
  const table: readonly (readonly [scope: JsonObject, expected: readonly string[]])[] = [
    [lab, ['permit', `${permitId}#0`]],
    [{}, ['permit', `${permitId}#0`]],
    [{ categoryTags: [testTag('ada', 'category', 'sys|notes')] }, ['deny', 'default:no-permit']],
    // A tag of another account or kind is no tag of this one.
    [{ categoryTags: [testTag('ben', 'category', 'sys|lab')] }, ['deny', 'default:no-permit']],
    [{ categoryTags: [testTag('ada', 'label', 'sys|lab')] }, ['deny', 'default:no-permit']],
    [{ ...lab, labelTags: [testTag('ada', 'label', 'sys|HIV')] }, ['deny', `${denyId}#0`]],
    [{ ...lab, labelTags: [testTag('ada', 'label', 'sys|N')] }, ['permit', `${permitId}#0`]],
  ];
  for (const [scope, expected] of table) {
    const { data } = chain.expect('OK', ask('TREAT', scope), 'clinic');
    assert.deepEqual([data.decision, ...(data.rules as readonly string[])], expected);
  }
});

test('a receipt says which rules rest on attested paper', () => {
  const chain = createCareChain();
  const { id } = chain.expect('OK', grantMessage('mia', 'permit', { members: [testAccount('clinic')] }), 'hospital');
  const { data } = chain.expect('OK', ask('TREAT', {}, { account: testAccount('mia') }), 'clinic');
  assert.deepEqual([data.decision, data.attested], ['permit', [`${id}#0`]]);
});

test('who may ask', () => {
  const chain = createCareChain();
  chain.expect('OK', grantMessage('ada', 'permit', {}), 'ada');
  const doctor = { practitioner: testAccount('doctor') };
  const delegation = { type: 'delegation.grant', account: ADA, delegate: testAccount('gil'), role: 'proxy' };
  chain.expect('OK', { ...delegation, powers: ['access'], endsAtMs: chain.timeMs + MINUTE_MS }, 'ada');
  const table: readonly (readonly [
    code: string,
    message: ReturnType<typeof ask>,
    by: string,
    approvers?: readonly string[],
  ])[] = [
    ['OK', ask('TREAT'), 'clinic'],
    ['OK', ask('TREAT', {}, doctor), 'clinic'],
    ['OK', ask('TREAT'), 'doctor', ['clinic']],
    ['OK', ask('TREAT', {}, doctor), 'doctor', ['clinic']],
    ['OK', ask('PATRQT'), 'ada'],
    ['OK', ask('FAMRQT'), 'gil'],
    ['ACCESS_REQUESTER_NOT_ENTITLED', ask('TREAT'), 'doctor'],
    ['ACCESS_REQUESTER_NOT_ENTITLED', ask('TREAT'), 'doctor', ['hospital']],
    ['ACCESS_REQUESTER_NOT_ENTITLED', ask('PATRQT'), 'ben'],
    ['ACCESS_REQUESTER_NOT_ENTITLED', ask('PATRQT', {}, doctor), 'ada'],
    ['ACCESS_PRACTITIONER_INVALID', ask('TREAT', {}, doctor), 'hospital'],
    ['ACCESS_PRACTITIONER_INVALID', ask('TREAT', {}, { practitioner: testAccount('ben') }), 'clinic'],
    ['ACCESS_PRACTITIONER_INVALID', ask('TREAT', {}, { practitioner: testAccount('nurse') }), 'doctor', ['clinic']],
    ['ACCESS_ROLE', ask('TREAT'), 'ada'],
    ['ACCESS_ROLE', ask('TREAT'), 'payer'],
    ['ACCESS_ROLE', ask('TREAT'), 'institute'],
    ['ACCESS_ROLE', ask('HRESCH'), 'payer'],
    ['ACCESS_ROLE', ask('HPAYMT'), 'carrier'],
    ['OK', ask('HRESCH'), 'institute'],
    ['OK', ask('ELIGVER'), 'payer'],
    ['OK', ask('TREAT'), 'pharmacy'],
    ['ACCESS_PURPOSE_UNKNOWN', ask('CURIOSITY'), 'clinic'],
    ['ACCESS_PURPOSE_BREAK_GLASS', ask('BTG'), 'clinic'],
    ['ACCESS_SCOPE_INVALID', ask('TREAT', { authoredFromMs: 2, authoredToMs: 1 }), 'clinic'],
    ['ACCESS_ACCOUNT_UNKNOWN', ask('TREAT', {}, { account: testAccount('nobody') }), 'clinic'],
    ['ACCESS_ACCOUNT_UNKNOWN', ask('TREAT', {}, { account: testAccount('clinic') }), 'clinic'],
    ['SCHEMA_INVALID', ask('TREAT', { categoryTags: ['HIV'] }), 'clinic'],
    ['SCHEMA_INVALID', ask('TREAT', {}, { note: 'please' }), 'clinic'],
  ];
  for (const [code, message, by, approvers] of table) chain.expect(code, message, by, approvers);
  chain.expect('OK', { type: 'practitioner.deactivate', account: testAccount('doctor') }, 'clinic');
  chain.expect('ACCESS_PRACTITIONER_INVALID', ask('TREAT', {}, doctor), 'clinic');
});

test('permits that expired long ago are pruned in order, a few with each request', () => {
  const chain = createCareChain();
  chain.expect('OK', grantMessage('ada', 'permit', {}), 'ada');
  for (let n = 0; n < 10; n++) {
    chain.expect('OK', ask('TREAT'), 'clinic');
    chain.advance(1);
  }
  const count = () => [...chain.state.entries(permits, [ADA])].length;
  chain.advance(LIMITS.permitKeptMs);
  chain.expect('OK', ask('TREAT'), 'clinic');
  assert.equal(count(), 11, 'kept for a day after they expired');
  chain.advance(LIMITS.permitMs);
  for (const left of [8, 5]) {
    chain.expect('OK', ask('TREAT'), 'clinic');
    assert.equal(count(), left);
  }
  assert.equal([...chain.state.entries(permitExpiries, [])].length, count());
});

test('break-glass: recorded with reason and end, refused to those who may not', () => {
  const chain = createCareChain();
  const act = chain.expect('OK', glass({ minutes: 30 }), 'clinic');
  assert.deepEqual(act.data, {
    decision: 'permit',
    rules: ['default:break-glass'],
    obligations: ['evaluate-versions', 'break-glass'],
    expiresAtMs: chain.timeMs + 30 * MINUTE_MS,
  });
  const stored = breakGlassOf(chain.state, ADA, act.id, chain.timeMs);
  assert.deepEqual(
    [stored?.origin, stored?.practitioner, stored?.reason, stored?.reviews],
    ['LEDGER', testAccount('doctor'), 2, []],
  );
  assert.equal(breakGlassOf(chain.state, ADA, act.id, chain.timeMs + 30 * MINUTE_MS + 1), undefined);
  chain.expect('OK', glass(), 'doctor', ['clinic']);
  chain.expect('ACCESS_REQUESTER_NOT_ENTITLED', glass(), 'doctor');
  chain.expect('ACCESS_PRACTITIONER_INVALID', glass({ practitioner: testAccount('nurse') }), 'clinic');
  chain.expect('ACCESS_PRACTITIONER_INVALID', glass({ practitioner: testAccount('stranger') }), 'clinic');
  chain.expect('ACCESS_PRACTITIONER_INVALID', glass(), 'payer');
  chain.expect('ACCESS_REQUESTER_NOT_ENTITLED', glass(), 'ben');
  chain.expect('ACCESS_REQUESTER_NOT_ENTITLED', glass(), 'ada');
  chain.expect('ACCESS_ACCOUNT_UNKNOWN', glass({ account: testAccount('nobody') }), 'clinic');
  for (const bad of [{ minutes: 61 }, { minutes: 0 }, { reason: 256 }, { reason: -1 }])
    chain.expect('SCHEMA_INVALID', glass(bad), 'clinic');
});

test('a patient who names BTG is not overridden', () => {
  const chain = createCareChain();
  const { id } = chain.expect('OK', grantMessage('ada', 'deny', { purposes: ['BTG'] }), 'ada');
  const { data } = chain.expect('OK', glass(), 'clinic');
  assert.deepEqual([data.decision, data.rules], ['deny', [`${id}#0`]]);
  assert.deepEqual([...chain.state.entries(breakGlassActs, [])], []);
});

test('above the rate a second clinician of the same member signs', () => {
  const chain = createCareChain();
  for (let n = 0; n < LIMITS.breakGlassAlone; n++) chain.expect('OK', glass(), 'clinic');
  const refused = chain.expect('BREAK_GLASS_SECOND_CLINICIAN', glass(), 'clinic');
  assert.equal(refused.data.alone, LIMITS.breakGlassAlone);
  for (const other of ['nurse', 'stranger', 'ben', 'doctor'])
    chain.expect('BREAK_GLASS_SECOND_CLINICIAN', glass(), 'clinic', [other]);
  chain.expect('BREAK_GLASS_SECOND_CLINICIAN', glass(), 'doctor', ['clinic']);
  const seconded = chain.expect('OK', glass(), 'clinic', ['colleague']);
  assert.equal(chain.state.get(breakGlassActs, ADA, seconded.id)?.second, testAccount('colleague'));
  chain.expect('OK', glass({ practitioner: testAccount('colleague') }), 'clinic');
  chain.advance(LIMITS.breakGlassWindowMs);
  chain.expect('OK', glass(), 'clinic');
});

function claimOf(chain: Chain, more: Partial<BreakGlassClaim> = {}): BreakGlassClaim {
  return {
    chain: chain.genesisHash,
    nonce: '5'.repeat(32),
    account: ADA,
    organisation: testAccount('clinic'),
    practitioner: testAccount('doctor'),
    reason: 1,
    atMs: chain.timeMs - 3 * 3_600_000,
    minutes: 60,
    ...more,
  };
}

function bring(chain: Chain, claim: BreakGlassClaim) {
  const doctor = chain.who.doctor;
  assert.ok(doctor);
  const signature = bytesToHex(doctor.sign(claimSignBytes(claim)));
  return { type: 'access.breakGlassClaim', claim, key: doctor.keyId, signature };
}

test('a claim signed while the ledger stood still is brought later, once', async () => {
  const chain = createCareChain();
  const claim = claimOf(chain);
  const message = bring(chain, claim);
  const { data } = chain.expect('OK', message, 'hospital');
  assert.deepEqual(data, { act: claimId(claim), origin: 'LEDGER_UNAVAILABLE', unseconded: false, contested: false });
  const act = chain.state.get(breakGlassActs, ADA, claimId(claim));
  assert.ok(act);
  assert.equal(act.expiresAtMs, claim.atMs + 60 * MINUTE_MS);
  const key = chain.who.doctor?.record;
  assert.ok(key);
  assert.equal(await verifyClaim(claim, act.claimSignature, key), true);
  assert.equal(await verifyClaim({ ...claim, reason: 0 }, act.claimSignature, key), false);
  assert.equal(await verifyClaim(claim, act.claimSignature, chain.who.colleague?.record ?? key), false);
  assert.equal(await verifyClaim(claim, act.claimSignature.slice(2), key), false);
  chain.expect('BREAK_GLASS_CLAIM_REPEATED', message, 'clinic');
  chain.expect('BREAK_GLASS_CLAIM_INVALID', bring(chain, claimOf(chain, { nonce: '6'.repeat(32) })), 'payer');
  chain.expect('BREAK_GLASS_CLAIM_INVALID', bring(chain, claimOf(chain, { atMs: chain.timeMs + 1 })), 'clinic');
  chain.expect(
    'ACCESS_PRACTITIONER_INVALID',
    bring(chain, claimOf(chain, { practitioner: testAccount('stranger') })),
    'clinic',
  );
  chain.expect('SCHEMA_INVALID', { ...message, signature: 'f' }, 'clinic');
});

test('a claim beyond the rate, or against a policy that names BTG, is recorded and marked', () => {
  const chain = createCareChain();
  for (let n = 0; n < LIMITS.breakGlassAlone; n++) chain.expect('OK', glass(), 'clinic');
  const { data } = chain.expect('OK', bring(chain, claimOf(chain)), 'clinic');
  assert.deepEqual([data.unseconded, data.contested], [true, false]);
  chain.expect('OK', grantMessage('ada', 'deny', { purposes: ['BTG'] }), 'ada');
  const later = chain.expect('OK', bring(chain, claimOf(chain, { nonce: '7'.repeat(32) })), 'clinic', ['colleague']);
  assert.deepEqual([later.data.unseconded, later.data.contested], [false, true]);
});

test('another member reviews a broken glass, once', () => {
  const chain = createCareChain();
  const { id } = chain.expect('OK', glass(), 'clinic');
  const review = { type: 'access.review', account: ADA, act: id, finding: 'unjustified' };
  chain.expect('BREAK_GLASS_REVIEW_OWN', review, 'clinic');
  chain.expect('ACCESS_REQUESTER_NOT_ENTITLED', review, 'ada');
  chain.expect('BREAK_GLASS_UNKNOWN', { ...review, act: 'f'.repeat(64) }, 'payer');
  chain.expect('OK', review, 'hospital');
  chain.expect('BREAK_GLASS_REVIEW_REPEATED', { ...review, finding: 'justified' }, 'hospital');
  chain.expect('OK', { ...review, finding: 'justified' }, 'payer');
  const findings = chain.state.get(breakGlassActs, ADA, id)?.reviews.map(({ member, finding }) => [member, finding]);
  assert.deepEqual(findings, [
    [testAccount('hospital'), 'unjustified'],
    [testAccount('payer'), 'justified'],
  ]);
});

test('permits and acts of an account are asked for by page', () => {
  const chain = createCareChain();
  chain.expect('OK', grantMessage('ada', 'permit', {}), 'ada');
  const ids = [1, 2, 3].map(() => chain.expect('OK', ask('TREAT'), 'clinic').id).sort();
  const page = (after: string) =>
    chain.kernel.query(chain.store, 'access.permitsOf', { account: ADA, after }) as readonly { id: string }[];
  assert.deepEqual(
    page('').map(({ id }) => id),
    ids,
  );
  assert.deepEqual(
    page(ids[0] as string).map(({ id }) => id),
    ids.slice(1),
  );
  assert.deepEqual(chain.kernel.query(chain.store, 'access.breakGlassOf', { account: ADA }), []);
  for (const bad of [{}, { account: ADA, after: 'x' }, { account: 3 }]) {
    assert.throws(() => chain.kernel.query(chain.store, 'access.permitsOf', bad), /ACCESS_QUERY_INVALID/);
  }
});
