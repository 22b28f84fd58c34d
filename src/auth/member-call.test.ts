import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testAccount, testPasskey, testSigner } from '../../test/support/test-signer.ts';
import type { KeyRecord } from '../chain/account.ts';
import type { Signer } from '../chain/sign-transaction.ts';
import { base64urlToBytes, bytesToBase64url, bytesToHex, utf8 } from '../std/bytes.ts';
import { canonicalBytes, type JsonObject, parseCanonical } from '../std/canonical-json.ts';
import { frame } from '../std/frame.ts';
import { MAX_HEADER_CHARS, type MemberCall, signMemberCall } from './member-call.ts';
import { type CalledRequest, createMemberCheck, type MemberCheck } from './member-call-check.ts';
import { STATEMENT_WINDOW_MS } from './member-signature.ts';

const clinic = testSigner('clinic');
const passkey = testPasskey('clinic');
const removed = testSigner('removed');
const CHAIN = 'c4'.repeat(32);
const AUDIENCE = testAccount('hospital');
const NOW_MS = 1_700_000_000_000;
const TARGET = '/ledger/blocks?from=1&limit=64';

/** Keys that the ledger has: the clinic's, one of them no Ed25519 key; none any more of the removed member. */
const KEYS: Readonly<Record<string, readonly KeyRecord[]>> = { [clinic.account]: [clinic.record, passkey.record] };

function newCheck(clock: { nowMs: number } = { nowMs: NOW_MS }): MemberCheck {
  const audiences = [testAccount('annex'), AUDIENCE];
  return createMemberCheck({
    chain: CHAIN,
    audiences,
    keysOf: (member) => KEYS[member] ?? [],
    clock: () => clock.nowMs,
  });
}

interface Bend {
  readonly signer?: Signer;
  readonly statement?: Partial<MemberCall>;
  readonly body?: string;
}

/** A request with a header that holds, but for what is bent before it is signed. */
async function sent({ signer = clinic, statement = {}, body = '' }: Bend = {}): Promise<CalledRequest> {
  const { chain, audience, atMs, method, target } = {
    ...{ chain: CHAIN, audience: AUDIENCE, atMs: NOW_MS, method: 'GET', target: TARGET },
    ...statement,
  };
  const call = { chain, audience, atMs, method, target, body: utf8(body) };
  const authorization = await signMemberCall(signer, call);
  return { method: 'GET', url: TARGET, headers: { authorization }, bodyBytes: utf8(body) };
}

/** The header's statement with members replaced, its signature as it was. */
function edited(request: CalledRequest, edit: JsonObject): CalledRequest {
  const [statement = '', ...rest] = String(request.headers.authorization).replace('Aceso-Member ', '').split('.');
  const call = parseCanonical(base64urlToBytes(statement) as Uint8Array) as JsonObject;
  const bent = bytesToBase64url(canonicalBytes({ ...call, ...edit }));
  return withHeader(`Aceso-Member ${[bent, ...rest].join('.')}`, request);
}

function withHeader(authorization: string | string[] | undefined, request: CalledRequest): CalledRequest {
  return { ...request, headers: authorization === undefined ? {} : { authorization } };
}

const header = (request: CalledRequest): string => String(request.headers.authorization);

test('what a member signed for this node passes, once, with and without a body', async () => {
  const check = newCheck();
  assert.equal(check(await sent()), clinic.account);
  assert.equal(check(await sent({ statement: { audience: testAccount('annex') } })), clinic.account);
  const post = { ...(await sent({ statement: { method: 'POST' }, body: '{}' })), method: 'POST' };
  assert.equal(check(post), clinic.account);
  for (const atMs of [NOW_MS - STATEMENT_WINDOW_MS, NOW_MS + STATEMENT_WINDOW_MS])
    assert.equal(check(await sent({ statement: { atMs } })), clinic.account);
});

const ATTACKS: Readonly<Record<string, readonly [string, () => Promise<CalledRequest>]>> = {
  'no header': ['MEMBER_CALL_MISSING', async () => withHeader(undefined, await sent())],
  'a bearer token': ['MEMBER_CALL_MALFORMED', async () => withHeader(`Bearer aceso_${'A'.repeat(43)}`, await sent())],
  'an empty header': ['MEMBER_CALL_MALFORMED', async () => withHeader('', await sent())],
  'two headers': ['MEMBER_CALL_MALFORMED', async () => withHeader([header(await sent())], await sent())],
  'the scheme alone': ['MEMBER_CALL_MALFORMED', async () => withHeader('Aceso-Member ', await sent())],
  'no signature': [
    'MEMBER_CALL_MALFORMED',
    async () => withHeader(header(await sent()).replace(/\.[^.]*$/, ''), await sent()),
  ],
  'something after the signature': [
    'MEMBER_CALL_MALFORMED',
    async () => withHeader(`${header(await sent())} x`, await sent()),
  ],
  'a header of more than 8 KiB, signed': [
    'MEMBER_CALL_MALFORMED',
    async () => sent({ statement: { target: `/${'x'.repeat(MAX_HEADER_CHARS)}` } }),
  ],
  'a statement that is not canonical': [
    'MEMBER_CALL_MALFORMED',
    async () => {
      const bytes = utf8('{"format": "aceso.member-call/1"}');
      const signature = bytesToHex(clinic.sign(frame('aceso/member-call/1', bytes)));
      return withHeader(`Aceso-Member ${bytesToBase64url(bytes)}.${clinic.keyId}.${signature}`, await sent());
    },
  ],
  'an unknown member of the statement': [
    'MEMBER_CALL_MALFORMED',
    async () => edited(await sent(), { administrator: true }),
  ],
  'another format': ['MEMBER_CALL_MALFORMED', async () => edited(await sent(), { format: 'aceso.exchange/1' })],
  'another key beside the statement': [
    'MEMBER_CALL_MALFORMED',
    async () => edited(await sent(), { key: 'ab'.repeat(16) }),
  ],
  'another ledger': ['MEMBER_CALL_MISADDRESSED', () => sent({ statement: { chain: 'c5'.repeat(32) } })],
  'another audience': ['MEMBER_CALL_MISADDRESSED', () => sent({ statement: { audience: testAccount('pharmacy') } })],
  'another path': ['MEMBER_CALL_MISADDRESSED', async () => ({ ...(await sent()), url: '/ledger/leaves/1' })],
  'another query': ['MEMBER_CALL_MISADDRESSED', async () => ({ ...(await sent()), url: `${TARGET}&waitMs=1` })],
  'another method': ['MEMBER_CALL_MISADDRESSED', async () => ({ ...(await sent()), method: 'POST' })],
  'a tampered body': [
    'MEMBER_CALL_MISADDRESSED',
    async () => ({ ...(await sent({ body: '{"a":1}' })), bodyBytes: utf8('{"a":2}') }),
  ],
  'a body where none was signed': [
    'MEMBER_CALL_MISADDRESSED',
    async () => ({ ...(await sent()), bodyBytes: utf8('{}') }),
  ],
  'an edited time': ['MEMBER_CALL_SIGNATURE_WRONG', async () => edited(await sent(), { atMs: NOW_MS + 1 })],
  'an edited nonce': ['MEMBER_CALL_SIGNATURE_WRONG', async () => edited(await sent(), { nonce: 'ab'.repeat(16) })],
  'another’s name': [
    'MEMBER_CALL_SIGNATURE_WRONG',
    () => sent({ signer: { ...testSigner('intruder'), account: clinic.account } }),
  ],
  'another’s name and key id': [
    'MEMBER_CALL_SIGNATURE_WRONG',
    () => sent({ signer: { ...testSigner('intruder'), account: clinic.account, keyId: clinic.keyId } }),
  ],
  'a key that the ledger does not have': [
    'MEMBER_CALL_SIGNATURE_WRONG',
    () => sent({ signer: testSigner('clinic', 'second') }),
  ],
  'a key of another algorithm': [
    'MEMBER_CALL_SIGNATURE_WRONG',
    () => sent({ signer: { ...clinic, keyId: passkey.keyId } }),
  ],
  'a member that was removed': ['MEMBER_CALL_SIGNATURE_WRONG', () => sent({ signer: removed })],
  'what was signed for a transaction or the exchange': [
    'MEMBER_CALL_SIGNATURE_WRONG',
    () => sent({ signer: { ...clinic, sign: (bytes) => clinic.sign(frame('aceso/exchange/1', bytes)) } }),
  ],
  'a stale call': ['MEMBER_CALL_TIME_WRONG', () => sent({ statement: { atMs: NOW_MS - STATEMENT_WINDOW_MS - 1 } })],
  'a call of the future': [
    'MEMBER_CALL_TIME_WRONG',
    () => sent({ statement: { atMs: NOW_MS + STATEMENT_WINDOW_MS + 1 } }),
  ],
};

test('attacks on a call', async (t) => {
  for (const [name, [code, request]] of Object.entries(ATTACKS)) {
    await t.test(name, async () => {
      const attack = await request();
      assert.throws(() => newCheck()(attack), { code });
    });
  }
});

test('a call is taken once while it is fresh, and then it is stale', async () => {
  const clock = { nowMs: NOW_MS };
  const check = newCheck(clock);
  const early = await sent({ statement: { atMs: NOW_MS + STATEMENT_WINDOW_MS } });
  check(early);
  for (const laterMs of [0, STATEMENT_WINDOW_MS, 2 * STATEMENT_WINDOW_MS]) {
    clock.nowMs = NOW_MS + laterMs;
    assert.throws(() => check(early), { code: 'MEMBER_CALL_REPLAYED' });
  }
  clock.nowMs++;
  assert.throws(() => check(early), { code: 'MEMBER_CALL_TIME_WRONG' });
});

test('what no member signed is not remembered, so that nobody uses up another’s calls', async () => {
  const check = newCheck();
  const request = await sent();
  const forged = edited(request, { atMs: NOW_MS + 1 });
  for (let times = 0; times < 3; times++) assert.throws(() => check(forged), { code: 'MEMBER_CALL_SIGNATURE_WRONG' });
  assert.equal(check(request), clinic.account);
});
