import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Consent } from '@medplum/fhirtypes';
import { createHospitalNode, type HospitalNode, PATIENT, refusalOf } from '../../../../test/support/hospital-node.ts';
import { consentFor, RECIPIENT } from '../../../../test/support/patient-consent.ts';
import type { Caller } from '../../../auth/caller.ts';
import { signTransaction } from '../../../chain/sign-transaction.ts';
import { base64urlToBytes, bytesToBase64url } from '../../../std/bytes.ts';
import { claimAccount } from '../../../wallet/claim.ts';
import { grantConsent, revokeConsent } from '../../../wallet/consent.ts';
import { nodeKeys } from '../../../wallet/node/node-keys.ts';
import { newWalletAccount, type WalletAccount } from '../../../wallet/wallet.ts';
import type { ClaimSlip } from '../../membership/api.ts';

/** Decision of the hospital's access port for a practitioner of an organisation who asks to treat. */
async function decisionFor(
  { hospital, floors }: HospitalNode,
  organisation: string,
  port = floors.access,
): Promise<string> {
  const row = await hospital.vault.current('Observation', 'obs-1');
  assert.ok(row);
  const caller: Caller = {
    ...{ custodian: hospital.account, account: 'd'.repeat(32), kind: 'practitioner', organisation },
    ...{ roles: [], purpose: 'TREAT' },
  };
  return (await port.read(caller, row.account, [row], 'r')).decision;
}

async function claimed(node: HospitalNode): Promise<WalletAccount> {
  const slip = (await node.call(
    'POST',
    `/api/accounts/${PATIENT}/claim-code`,
    node.tokens.administrator,
  )) as unknown as ClaimSlip;
  const post = (path: string, body: unknown) => node.call('POST', path, undefined, body);
  return claimAccount({ post, keys: nodeKeys, nowMs: node.hospital.clock() }, slip, newWalletAccount(slip));
}

const by = (node: HospitalNode) => ({
  keys: nodeKeys,
  nowMs: Math.max(node.hospital.clock(), node.ledger.head().timeMs),
});

async function grant(node: HospitalNode, wallet: WalletAccount, consent: Consent): Promise<string> {
  const text = JSON.stringify(consent);
  const kept = await node.call('POST', '/api/consents/documents', wallet.token, { patientId: PATIENT, consent: text });
  const { wire } = await grantConsent(by(node), wallet, consent, String(kept.leaf));
  const body = { patientId: PATIENT, document: kept.id, wire: bytesToBase64url(wire) };
  return String((await node.call('POST', '/api/consents', wallet.token, body)).policy);
}

async function revocation(node: HospitalNode, wallet: WalletAccount, policy: string) {
  return { patientId: PATIENT, policy, wire: bytesToBase64url(await revokeConsent(by(node), wallet, policy)) };
}

test('a claimed patient grants and revokes, and the next decision follows', async (t) => {
  const node = await createHospitalNode(t);
  const wallet = await claimed(node);
  assert.equal(await decisionFor(node, node.clinic.account), 'deny');
  const policy = await grant(node, wallet, consentFor(node.clinic.account, 'permit'));
  assert.equal(await decisionFor(node, node.clinic.account), 'permit');
  const listed = (await node.call('GET', `/api/patients/${PATIENT}/policies`, wallet.token)) as {
    policies: { id: string; resource?: string; document?: string }[];
  };
  const own = listed.policies.find(({ id }) => id === policy);
  const row = await node.hospital.vault.version('Consent', own?.resource?.split('/')[1] ?? '', 1);
  assert.equal(row?.leaf, own?.document);
  assert.equal(row?.account, wallet.account);
  const answer = await node.call('POST', '/api/consents/revoke', wallet.token, await revocation(node, wallet, policy));
  assert.equal(answer.origin, 'LEDGER');
  assert.equal(await decisionFor(node, node.clinic.account), 'deny');
});

test('staff attest a paper consent of an unclaimed account, and of no claimed one', async (t) => {
  const node = await createHospitalNode(t);
  const { physician } = node.tokens;
  const paper = { patientId: PATIENT, consent: JSON.stringify(consentFor(node.clinic.account, 'permit')) };
  const { policy, data } = await node.call('POST', '/api/consents', physician, paper);
  assert.equal((data as { basis: string }).basis, 'attested');
  assert.equal(await decisionFor(node, node.clinic.account), 'permit');
  await node.call('POST', '/api/consents/revoke', physician, { patientId: PATIENT, policy });
  assert.equal(await decisionFor(node, node.clinic.account), 'deny');
  const again = (await node.call('POST', '/api/consents', physician, paper)).policy;
  const wallet = await claimed(node);
  assert.equal(await refusalOf(node.call('POST', '/api/consents', physician, paper)), 'CONSENT_SIGNATURE_NEEDED');
  const revoke = node.call('POST', '/api/consents/revoke', physician, { patientId: PATIENT, policy: again });
  assert.equal(await refusalOf(revoke), 'CONSENT_SIGNATURE_NEEDED');
  // The node's own check left aside, the contract says the same of the custodian's signature.
  const message = { type: 'consent.revoke', account: wallet.account, policy: String(again) };
  const forged = await signTransaction(
    { chain: node.ledger.genesisHash, message, nowMs: by(node).nowMs },
    node.hospital.signer,
  );
  const relayed = { patientId: PATIENT, policy: again, wire: bytesToBase64url(forged) };
  assert.equal(
    await refusalOf(node.call('POST', '/api/consents/revoke', physician, relayed)),
    'CONSENT_SIGNER_NOT_ENTITLED',
  );
  assert.equal(await decisionFor(node, node.clinic.account), 'permit');
});

/** Stops the ledger for real: its clock runs away from the monotonic one, and waits for the operator. */
async function stopLedger(node: HospitalNode): Promise<void> {
  node.clock.offsetMs += 2 * 3_600_000;
  const message = { type: 'account.open', accounts: ['e'.repeat(32)] };
  const wire = await signTransaction(
    { chain: node.ledger.genesisHash, message, nowMs: node.hospital.clock() },
    node.hospital.signer,
  );
  assert.equal(await refusalOf(node.ledger.submit(wire)), 'LEDGER_CLOCK_UNCONFIRMED');
}

const bring = (node: HospitalNode) => node.floors.jobs.find(({ name }) => name === 'revocations')?.run();

test('while the ledger stands still a signed revocation is obeyed at once, over a restart, and brought later', async (t) => {
  const node = await createHospitalNode(t);
  const wallet = await claimed(node);
  const policy = await grant(node, wallet, consentFor(node.clinic.account, 'permit'));
  await stopLedger(node);
  const revoked = await revocation(node, wallet, policy);
  const strange = await revocation(node, { ...newWalletAccount({ ...wallet }), tagKey: wallet.tagKey }, policy);
  const signature = base64urlToBytes(revoked.wire) as Uint8Array;
  signature[signature.length - 1] = (signature.at(-1) as number) ^ 1;
  for (const forged of [strange, { ...revoked, wire: bytesToBase64url(signature) }]) {
    const refused = node.call('POST', '/api/consents/revoke', wallet.token, forged);
    assert.equal(await refusalOf(refused), 'CONSENT_TRANSACTION_WRONG');
  }
  const unsigned = node.call('POST', '/api/consents/revoke', node.tokens.physician, { patientId: PATIENT, policy });
  assert.equal(await refusalOf(unsigned), 'CONSENT_SIGNATURE_NEEDED');
  assert.equal(await decisionFor(node, node.clinic.account), 'permit');
  const size = node.hospital.vault.journalHead().size;
  const answer = await node.call('POST', '/api/consents/revoke', wallet.token, revoked);
  assert.deepEqual(answer, { policy, origin: 'LEDGER_UNAVAILABLE' });
  assert.equal(await decisionFor(node, node.clinic.account), 'deny');
  const entry = (await node.hospital.vault.entry(0, size))?.entry;
  assert.ok(entry?.kind === 'interaction' && entry.header.kind === 'revocation');
  assert.deepEqual([entry.header.actor, entry.header.rules], [wallet.account, [policy]]);
  await bring(node);
  const floors = node.restarted();
  assert.equal(await decisionFor(node, node.clinic.account, floors.access), 'deny');
  floors.close();
  node.ledger.confirmClock();
  await bring(node);
  const { policies } = (await node.call('GET', `/api/patients/${PATIENT}/policies`, wallet.token)) as {
    policies: { id: string; status: string; revokedHere?: boolean }[];
  };
  const held = policies.find(({ id }) => id === policy);
  assert.deepEqual([held?.status, held?.revokedHere], ['revoked', undefined]);
  assert.equal(await decisionFor(node, node.clinic.account), 'deny');
});

test('a Consent that names somebody whom the ledger does not know denies everything, and says why', async (t) => {
  const node = await createHospitalNode(t);
  const consent = consentFor(node.clinic.account, 'deny');
  const odd = { ...consent.provision, actor: [{ role: RECIPIENT, reference: { reference: `Patient/${PATIENT}` } }] };
  const paper = { patientId: PATIENT, consent: JSON.stringify({ ...consent, provision: odd }) };
  assert.equal(await decisionFor(node, node.hospital.account), 'permit');
  await node.call('POST', '/api/consents', node.tokens.physician, paper);
  assert.equal(await decisionFor(node, node.hospital.account), 'deny');
  const { policies } = (await node.call('GET', `/api/patients/${PATIENT}/policies`, node.tokens.physician)) as {
    policies: { inexpressible?: string }[];
  };
  assert.equal(policies[0]?.inexpressible, 'CONSENT_ACTOR_UNSUPPORTED');
});

interface Case {
  readonly name: string;
  readonly code: string;
  readonly run: (context: { node: HospitalNode; wallet: WalletAccount; consent: Consent }) => Promise<unknown>;
}

const wireOf = async (node: HospitalNode, wallet: WalletAccount, consent: Consent, leaf?: string): Promise<string> =>
  bytesToBase64url((await grantConsent(by(node), wallet, consent, leaf)).wire);

const REFUSED: readonly Case[] = [
  {
    name: 'no token',
    code: 'TOKEN_MISSING',
    run: ({ node }) => node.call('POST', '/api/consents', undefined, { patientId: PATIENT }),
  },
  {
    name: 'unknown members',
    code: 'CONSENT_REQUEST_INVALID',
    run: ({ node, wallet }) => node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, extra: 1 }),
  },
  {
    name: 'another patient than the caller',
    code: 'CONSENT_CALLER_NOT_ENTITLED',
    run: ({ node, wallet }) => node.call('GET', '/api/patients/nobody/policies', wallet.token),
  },
  {
    name: 'a patient who asks the custodian to sign',
    code: 'CONSENT_SIGNATURE_NEEDED',
    run: ({ node, wallet, consent }) =>
      node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, consent: JSON.stringify(consent) }),
  },
  {
    name: 'the Consent of another patient',
    code: 'CONSENT_DOCUMENT_OTHER_PATIENT',
    run: ({ node, wallet, consent }) => {
      const text = JSON.stringify({ ...consent, patient: { reference: 'urn:other:patient' } });
      return node.call('POST', '/api/consents/documents', wallet.token, { patientId: PATIENT, consent: text });
    },
  },
  {
    name: 'a Consent that is a draft',
    code: 'CONSENT_NOT_ACTIVE',
    run: ({ node, wallet, consent }) => {
      const text = JSON.stringify({ ...consent, status: 'draft' });
      return node.call('POST', '/api/consents/documents', wallet.token, { patientId: PATIENT, consent: text });
    },
  },
  {
    name: 'a leaf that is not the kept document’s',
    code: 'CONSENT_DOCUMENT_DIFFERS',
    run: async ({ node, wallet, consent }) => {
      const request = { patientId: PATIENT, consent: JSON.stringify(consent) };
      const { id } = await node.call('POST', '/api/consents/documents', wallet.token, request);
      const wire = await wireOf(node, wallet, consent, 'f'.repeat(64));
      return node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, document: id, wire });
    },
  },
  {
    name: 'a leaf of no document that is kept',
    code: 'CONSENT_DOCUMENT_DIFFERS',
    run: async ({ node, wallet, consent }) => {
      const wire = await wireOf(node, wallet, consent, 'f'.repeat(64));
      return node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, wire });
    },
  },
  {
    name: 'another message',
    code: 'CONSENT_TRANSACTION_WRONG',
    run: async ({ node, wallet }) => {
      const wire = bytesToBase64url(await revokeConsent(by(node), wallet, 'a'.repeat(64)));
      return node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, wire });
    },
  },
  {
    name: 'another ledger',
    code: 'CONSENT_TRANSACTION_WRONG',
    run: async ({ node, wallet, consent }) => {
      const wire = await wireOf(node, { ...wallet, genesis: 'b'.repeat(64) }, consent);
      return node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, wire });
    },
  },
  {
    name: 'a key that is not the account’s',
    code: 'SIGNER_KEY_UNKNOWN',
    run: async ({ node, wallet, consent }) => {
      const wire = await wireOf(node, { ...wallet, signingSeed: 'c'.repeat(64) }, consent);
      return node.call('POST', '/api/consents', wallet.token, { patientId: PATIENT, wire });
    },
  },
  {
    name: 'a policy that is not there',
    code: 'CONSENT_POLICY_UNKNOWN',
    run: async ({ node, wallet }) =>
      node.call('POST', '/api/consents/revoke', wallet.token, await revocation(node, wallet, 'a'.repeat(64))),
  },
];

test('what is refused leaves no policy', async (t: TestContext) => {
  const node = await createHospitalNode(t);
  const wallet = await claimed(node);
  const consent = consentFor(node.clinic.account, 'permit');
  for (const { name, code, run } of REFUSED) {
    assert.equal(await refusalOf(run({ node, wallet, consent })), code, name);
  }
  assert.equal(await decisionFor(node, node.clinic.account), 'deny');
});
