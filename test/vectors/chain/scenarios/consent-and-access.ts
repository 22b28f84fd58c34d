import { claimSignBytes } from '../../../../src/capabilities/access/contract/statement.ts';
import type { Message } from '../../../../src/chain/transaction.ts';
import { bytesToHex } from '../../../../src/std/bytes.ts';
import type { JsonObject } from '../../../../src/std/canonical-json.ts';
import { type CareChain, createCareChain, grantMessage, testTag, testTags } from '../../../support/care-chain.ts';
import { type TestSigner, testAccount, testPasskey } from '../../../support/test-signer.ts';
import type { Scenario } from './scenario.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;
const ada = testAccount('ada');
const mia = testAccount('mia');
const doctor = { practitioner: testAccount('doctor') };
const passkey = testPasskey('ben');

function ask(purpose: string, scope: JsonObject = {}, more: JsonObject = {}): Message {
  return { type: 'access.request', account: ada, purpose, scope, ...more };
}

function glass(more: JsonObject = {}): Message {
  return { type: 'access.breakGlass', account: ada, ...doctor, reason: 2, ...more };
}

function delegation(account: string, delegate: string, more: JsonObject): Message {
  return { type: 'delegation.grant', account, delegate: testAccount(delegate), powers: ['access', 'consent'], ...more };
}

function consents(chain: CareChain): void {
  const { expect } = chain;
  const treat = { purposes: ['TREAT'], members: [testAccount('clinic')] };
  const { id } = expect('OK', grantMessage('ada', 'permit', treat), 'ada');
  expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('ada', 'permit', treat), 'hospital');
  expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('ada', 'permit', treat), 'hospital', ['ada']);
  const labels = { labelTags: testTags('ada', 'label', 'sys|HIV', 'sys|PSY') };
  expect('OK', grantMessage('ada', 'deny', labels, { scope: 'treatment', exceptions: [{ ...labels, ...treat }] }), 'ada');
  const study = { purposes: ['HRESCH'], actorTags: testTags('ada', 'actor', 'sys|team') };
  const data = { dataFromMs: 0, dataToMs: chain.timeMs, categoryTags: testTags('ada', 'category', 'sys|lab') };
  const research = grantMessage('ada', 'permit', { ...study, ...data, periodToMs: chain.timeMs + DAY_MS }, { scope: 'research' });
  const granted = expect('OK', research, 'ada');
  expect('CONSENT_POLICY_EXPIRED', grantMessage('ada', 'permit', { periodToMs: chain.timeMs - 1 }), 'ada');
  expect('CONSENT_POLICY_MALFORMED', grantMessage('ada', 'permit', { purposes: ['TREAT', 'HPAYMT'] }), 'ada');
  expect('SCHEMA_INVALID', grantMessage('ada', 'permit', { labelTags: [] }), 'ada');
  expect('CONSENT_MEMBER_UNKNOWN', grantMessage('ada', 'permit', { members: [testAccount('nobody')] }), 'ada');
  expect('CONSENT_SCOPE_UNKNOWN', grantMessage('ada', 'permit', {}, { scope: 'default:nothing' }), 'ada');
  expect('CONSENT_ACCOUNT_UNKNOWN', grantMessage('hospital', 'permit', {}), 'ada');
  expect('OK', { type: 'consent.revoke', account: ada, policy: granted.id }, 'ada');
  expect('CONSENT_POLICY_UNKNOWN', { type: 'consent.revoke', account: ada, policy: granted.id }, 'ada');
  const superseding = expect('OK', grantMessage('ada', 'permit', { ...treat, dataFromMs: 1 }), 'ada');
  expect('CONSENT_POLICY_UNKNOWN', { type: 'consent.revoke', account: ada, policy: id }, 'ada');
  expect('OK', grantMessage('ben', 'deny', {}, { inexpressible: 'CONSENT_NESTED_TOO_DEEP', document: superseding.id }), 'ben');
  expect('OK', grantMessage('gil', 'permit', { purposes: ['HPAYMT'] }, { scope: 'default:own-staff' }), 'gil');
}

function delegations(chain: CareChain): void {
  const { expect } = chain;
  const endsAtMs = chain.timeMs + 30 * DAY_MS;
  expect('OK', grantMessage('mia', 'permit', { members: [testAccount('clinic')] }), 'hospital');
  expect('CONSENT_SIGNER_NOT_ENTITLED', grantMessage('mia', 'permit', {}), 'clinic');
  expect('OK', delegation(mia, 'gil', { role: 'guardian', endsAtMs }), 'hospital');
  expect('OK', delegation(ada, 'gil', { role: 'proxy', endsAtMs, fromMs: chain.timeMs }), 'ada');
  expect('OK', grantMessage('mia', 'deny', { members: [testAccount('payer')] }, { scope: 'treatment' }), 'gil');
  expect('OK', ask('FAMRQT'), 'gil');
  expect('OK', { type: 'delegation.revoke', account: ada, delegate: testAccount('gil') }, 'ada');
  expect('ACCESS_REQUESTER_NOT_ENTITLED', ask('FAMRQT'), 'gil');
}

function requests(chain: CareChain): void {
  const { expect } = chain;
  const lab = { categoryTags: [testTag('ada', 'category', 'sys|lab')] };
  const hiv = { ...lab, labelTags: [testTag('ada', 'label', 'sys|HIV')] };
  for (const scope of [{}, lab, hiv, { authoredFromMs: 0, authoredToMs: 1 }]) expect('OK', ask('TREAT', scope, doctor), 'clinic');
  expect('OK', ask('TREAT', lab), 'doctor', ['clinic']);
  expect('OK', ask('HRESCH', lab, { actorTags: [testTag('ada', 'actor', 'sys|team')] }), 'institute');
  expect('OK', ask('PATRQT'), 'ada');
  expect('OK', ask('TREAT', {}, { account: mia }), 'clinic');
  expect('ACCESS_ROLE', ask('TREAT'), 'payer');
  expect('ACCESS_PRACTITIONER_INVALID', ask('TREAT', {}, doctor), 'hospital');
  expect('ACCESS_PURPOSE_UNKNOWN', ask('CURIOSITY'), 'clinic');
  expect('ACCESS_PURPOSE_BREAK_GLASS', ask('BTG'), 'clinic');
  expect('ACCESS_SCOPE_INVALID', ask('TREAT', { authoredFromMs: 2, authoredToMs: 1 }), 'clinic');
  expect('ACCESS_ACCOUNT_UNKNOWN', ask('TREAT', {}, { account: testAccount('nobody') }), 'clinic');
}

function brokenGlass(chain: CareChain): void {
  const { expect } = chain;
  const { id } = expect('OK', glass({ minutes: 30 }), 'clinic');
  expect('OK', glass(), 'doctor', ['clinic']);
  while (chain.submit(glass(), { by: chain.who.clinic as TestSigner }).code === 'OK') chain.advance(1_000);
  expect('OK', glass(), 'clinic', ['colleague']);
  const claim = {
    ...{ chain: chain.genesisHash, nonce: '5'.repeat(32), account: ada, organisation: testAccount('clinic') },
    ...{ ...doctor, reason: 1, atMs: chain.timeMs - 3 * 60 * MINUTE_MS, minutes: 60 },
  };
  const by = chain.who.doctor as TestSigner;
  const signature = bytesToHex(by.sign(claimSignBytes(claim)));
  const brought: Message = { type: 'access.breakGlassClaim', claim, key: by.keyId, signature };
  expect('OK', brought, 'hospital');
  expect('BREAK_GLASS_CLAIM_REPEATED', brought, 'clinic');
  const review: Message = { type: 'access.review', account: ada, act: id, finding: 'unjustified' };
  expect('BREAK_GLASS_REVIEW_OWN', review, 'clinic');
  expect('OK', review, 'hospital');
  expect('BREAK_GLASS_REVIEW_REPEATED', review, 'hospital');
  expect('BREAK_GLASS_UNKNOWN', { ...review, act: 'f'.repeat(64) }, 'payer');
}

/** A passkey's consent, many in one block, and what is pruned a day later. */
function crowd(chain: CareChain): void {
  const { expect } = chain;
  const ben = chain.who.ben as TestSigner;
  chain.submit({ type: 'key.add', account: passkey.account, key: passkey.record }, { by: ben, approvers: [passkey] });
  const permit = (n: number) => grantMessage('ben', 'permit', { members: [testAccount('hospital')], dataFromMs: n }, { scope: 'adr' });
  const request = ask('TREAT', {}, { account: testAccount('ben') });
  const clinic = chain.who.clinic as TestSigner;
  chain.block([0, 1, 2].flatMap((n) => [chain.wire(permit(n), { by: passkey }), chain.wire(request, { by: clinic })]));
  chain.advance(2 * DAY_MS);
  for (let n = 0; n < 4; n++) expect('OK', ask('TREAT'), 'clinic');
  expect('OK', glass(), 'clinic');
}

/** Consents, delegations, requests of access and broken glass, with refusals of each. */
export const scenario: Scenario = {
  about: 'Rules of consent and access, version 1, over those of membership.',
  contracts: ['membership', 'consent', 'access'],
  run() {
    const chain = createCareChain();
    for (const step of [consents, delegations, requests, brokenGlass, crowd]) {
      step(chain);
      chain.advance(MINUTE_MS);
    }
    return chain;
  },
};
