import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { createHospitalNode, type HospitalNode, PATIENT, refusalOf } from '../../test/support/hospital-node.ts';
import { testPasskey } from '../../test/support/test-signer.ts';
import type { Attested } from '../auth/sign-in/attestation.ts';
import { createSignIn, type SignInDesk } from '../auth/sign-in/sign-in.ts';
import type { ClaimSlip } from '../capabilities/membership/api.ts';
import { createAttestation } from '../capabilities/membership/server/attestation.ts';
import type { KeyRecord } from '../chain/account.ts';
import {
  answerToText,
  parseAnswer,
  parseStatement,
  type SignInAnswer,
  signInBytes,
} from '../chain/sign-in-statement.ts';
import { keyId } from '../chain/signature.ts';
import { ed25519PublicKey } from '../crypto/node/ed25519.ts';
import { submitMessage } from '../ledger/submit-message.ts';
import { bytesToBase64url, bytesToHex } from '../std/bytes.ts';
import { claimAccount } from './claim.ts';
import { nodeKeys } from './node/node-keys.ts';
import { signSignIn } from './sign-in.ts';
import { bytesOf, newWalletAccount, type WalletAccount, walletSigner } from './wallet.ts';

const ORIGIN = 'https://hospital.example';
const FROM = '192.0.2.1';

interface Setting {
  readonly node: HospitalNode;
  readonly desk: SignInDesk;
  readonly account: WalletAccount;
  readonly clock: { offsetMs: number };
  /** The wallet's answer to a new statement of the session. */
  sign(session: string, as?: WalletAccount): Promise<string>;
}

async function setting(t: TestContext): Promise<Setting> {
  const node = await createHospitalNode(t);
  const slip = await node.call('POST', `/api/accounts/${PATIENT}/claim-code`, node.tokens.physician);
  const post = (path: string, body: unknown) => node.call('POST', path, undefined, body);
  const nowMs = node.hospital.clock();
  const fresh = newWalletAccount(slip as unknown as ClaimSlip);
  const account = await claimAccount({ post, keys: nodeKeys, nowMs }, slip as unknown as ClaimSlip, fresh);
  // Of its own: the ledger stops when its clock jumps.
  const clock = { offsetMs: 0 };
  const desk = createSignIn({
    stores: [node.hospital.vault, node.clinic.vault],
    attestation: createAttestation(node.ledger),
    baseUrl: `${ORIGIN}/aceso`,
    chain: node.ledger.genesisHash,
    clock: () => Date.now() + clock.offsetMs,
    log: pino({ level: 'silent' }),
  });
  const sign: Setting['sign'] = async (session, as = account) => {
    const { statement } = await desk.walletChallenge(session);
    return signSignIn({ keys: nodeKeys, nowMs: Date.now(), origin: ORIGIN }, as, statement);
  };
  return { node, desk, account, clock, sign };
}

function bent(text: string, change: Partial<SignInAnswer>): string {
  return answerToText({ ...(parseAnswer(text) as SignInAnswer), ...change });
}

test('a patient signs in by wallet, once for each statement', async (t) => {
  const { desk, account, sign, node } = await setting(t);
  const signed = await sign('session');
  assert.ok(!signed.includes('session') && !Buffer.from(signed, 'base64url').toString().includes('session'));
  const { by, ...person } = await desk.wallet('session', ` ${signed}\n`, FROM);
  assert.equal(by, `wallet:${(await walletSigner(account, nodeKeys)).keyId}`);
  assert.deepEqual(person, {
    custodian: node.hospital.account,
    account: account.account,
    kind: 'patient',
    organisation: account.account,
    roles: [],
    purposes: ['PATRQT'],
    label: 'patient',
  });
  assert.deepEqual(await desk.person(node.hospital.account, account.account), person);
  assert.equal(await desk.person(node.clinic.account, account.account), undefined);
  assert.equal(await refusalOf(desk.wallet('session', signed, FROM)), 'WALLET_SIGN_IN_REFUSED', 'replayed');
  // A later statement is another one.
  await desk.wallet('session', await sign('session'), FROM);
});

test('an answer holds for its session, account, custodian and key alone', async (t) => {
  const { desk, account, sign, node } = await setting(t);
  const stranger = newWalletAccount(account);
  const other = testPasskey('other');
  const refused = async (session: string, text: unknown, says: string) =>
    assert.equal(await refusalOf(desk.wallet(session, text, FROM)), 'WALLET_SIGN_IN_REFUSED', says);
  await refused('another', await sign('session'), 'other session');
  await refused('s1', await sign('s1', stranger), 'wrong key');
  const strangerKey = keyId('ed25519', ed25519PublicKey(bytesOf(stranger.signingSeed)));
  assert.equal(parseAnswer(await sign('s1', stranger))?.key, strangerKey);
  const ownKey = (await walletSigner(account, nodeKeys)).keyId;
  await refused('s1', bent(await sign('s1', stranger), { key: ownKey }), 'wrong key under the right name');
  await refused('s2', bent(await sign('s2'), { custodian: node.clinic.account }), 'the clinic’s');
  await refused('s2', bent(await sign('s2'), { account: other.account }), 'unknown account');
  await refused('s2', bent(await sign('s2'), { account: node.hospital.account }), 'a member’s account');
  const passkeyAnswer = bytesToBase64url(new Uint8Array(32));
  await refused('s2', bent(await sign('s2'), { challenge: passkeyAnswer }), 'a challenge that nobody issued');
  for (const text of ['', 'e30', '{}', undefined, null, {}, { signed: await sign('s3') }, 'A'.repeat(9000)])
    await refused('s3', text, String(text).slice(0, 10));
  await desk.wallet('s3', await sign('s3'), FROM);
});

test('a statement expires, and a wallet signs none that has, nor one of elsewhere', async (t) => {
  const { desk, account, sign, clock } = await setting(t);
  const signed = await sign('session');
  clock.offsetMs = 5 * 60_000 + 1;
  assert.equal(await refusalOf(desk.wallet('session', signed, FROM)), 'SIGN_IN_TIMED_OUT');
  clock.offsetMs = 0;
  const { statement, expiresAtMs } = await desk.walletChallenge('session');
  const trying = (change: { nowMs?: number; origin?: string; text?: string; as?: WalletAccount }) => {
    const { nowMs = Date.now(), origin = ORIGIN, text = statement, as = account } = change;
    return refusalOf(signSignIn({ keys: nodeKeys, nowMs, origin }, as, text));
  };
  assert.equal(await trying({}), '');
  assert.equal(await trying({ nowMs: expiresAtMs }), 'SIGN_IN_STATEMENT_EXPIRED');
  assert.equal(await trying({ origin: 'https://hospita1.example' }), 'SIGN_IN_ELSEWHERE');
  assert.equal(await trying({ as: { ...account, genesis: 'f'.repeat(64) } }), 'SIGN_IN_STATEMENT_WRONG');
  assert.equal(await trying({ text: `${statement}A` }), 'SIGN_IN_STATEMENT_WRONG');
  // What a false page could do: show a statement of the true one, with its own origin in it.
  const true_ = parseStatement(statement);
  assert.ok(true_ !== undefined);
  const signer = await walletSigner(account, nodeKeys);
  const elsewhere = signer.sign(
    signInBytes({ ...true_, origin: 'https://other.example' }, account.custodian, account.account),
  );
  const forged = bent(await sign('session'), {
    challenge: true_.challenge,
    signature: bytesToBase64url(await elsewhere),
  });
  assert.equal(await refusalOf(desk.wallet('session', forged, FROM)), 'WALLET_SIGN_IN_REFUSED');
});

test('a retired key signs nobody in, its successor does', async (t) => {
  const { desk, account, sign, node } = await setting(t);
  const next = newWalletAccount(account);
  const publicKey = ed25519PublicKey(bytesOf(next.signingSeed));
  const key: KeyRecord = { id: keyId('ed25519', publicKey), algorithm: 'ed25519', publicKey: bytesToHex(publicKey) };
  const [old, fresh] = [await walletSigner(account, nodeKeys), await walletSigner(next, nodeKeys)];
  const submit = async (message: object & { type: string }, ...signers: (typeof old)[]) => {
    const [sender, ...approvers] = signers as [typeof old];
    const nowMs = node.hospital.clock();
    const { outcome } = await submitMessage(node.ledger, nowMs, { ...message }, sender, approvers);
    assert.equal(outcome.code, 'OK');
  };
  await submit({ type: 'key.add', account: account.account, key } as never, old, fresh);
  await desk.wallet('session', await sign('session', next), FROM);
  await submit({ type: 'key.retire', account: account.account, key: old.keyId } as never, fresh);
  assert.equal(await refusalOf(desk.wallet('session', await sign('session'), FROM)), 'WALLET_SIGN_IN_REFUSED');
  await desk.wallet('session', await sign('session', next), FROM);
});

test('a WebAuthn key of the ledger signs in by the ledger’s algorithm; nobody who is frozen or unclaimed does', async () => {
  const [key, unverified] = [testPasskey('patient'), testPasskey('patient', 'passkey', { flags: 0x01 })];
  let attested: Attested | undefined = { kind: 'patient', keys: [key.record] };
  const custodian = 'c'.repeat(32);
  const nothing = { getDocument: async () => undefined, putDocument: async () => {}, listDocuments: async () => [] };
  const desk = createSignIn({
    stores: [
      { custodian, ...nothing },
      { custodian: 'd'.repeat(32), ...nothing },
    ],
    // One key for every account: what a wallet never does, and what must not make one answer good for two.
    attestation: { attested: () => attested },
    ...{ baseUrl: ORIGIN, chain: 'a'.repeat(64), clock: Date.now, log: pino({ level: 'silent' }) },
  });
  const sign = async (signer: typeof key): Promise<string> => {
    const statement = parseStatement((await desk.walletChallenge('s')).statement);
    assert.ok(statement !== undefined);
    const signature = bytesToBase64url(signer.sign(signInBytes(statement, custodian, key.account)));
    return answerToText({ custodian, account: key.account, key: key.keyId, challenge: statement.challenge, signature });
  };
  assert.equal((await desk.wallet('s', await sign(key), FROM)).account, key.account);
  assert.equal(await refusalOf(desk.wallet('s', await sign(unverified), FROM)), 'WALLET_SIGN_IN_REFUSED');
  for (const other of [{ account: 'd'.repeat(32) }, { custodian: 'd'.repeat(32) }])
    assert.equal(await refusalOf(desk.wallet('s', bent(await sign(key), other), FROM)), 'WALLET_SIGN_IN_REFUSED');
  attested = undefined;
  assert.equal(await refusalOf(desk.wallet('s', await sign(key), FROM)), 'WALLET_SIGN_IN_REFUSED');
  attested = { kind: 'practitioner', roles: [] };
  assert.equal(await refusalOf(desk.wallet('s', await sign(key), FROM)), 'WALLET_SIGN_IN_REFUSED');
});

test('a session that fails ten times waits, and another from there does not', async (t) => {
  const { desk, sign, clock } = await setting(t);
  for (let n = 0; n < 10; n++) await refusalOf(desk.wallet('mine', 'nonsense', FROM));
  assert.equal(await refusalOf(desk.wallet('mine', await sign('mine'), FROM)), 'SIGN_IN_TOO_OFTEN');
  await desk.wallet('yours', await sign('yours'), FROM);
  await desk.wallet('mine', await sign('mine'), '198.51.100.7');
  clock.offsetMs = 16 * 60_000;
  await desk.wallet('mine', await sign('mine'), FROM);
});
