import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createHospitalNode, type HospitalNode, PATIENT, refusalOf } from '../../../../test/support/hospital-node.ts';
import { parseTrust } from '../../../chain/receipt/trust.ts';
import { verifyReceipt } from '../../../chain/receipt/verify.ts';
import { submitMessage } from '../../../ledger/submit-message.ts';
import type { OrganisationContext } from '../../../server/organisation.ts';
import { canonicalBytes } from '../../../std/canonical-json.ts';
import { createVault } from '../../../vault/create-vault.ts';
import type { CustodianVault, VersionRow } from '../../../vault/vault.ts';
import { isErased } from '../contract/state.ts';
import { anchorJournal } from './anchor-journal.ts';
import { KEY_BACKUP_MS } from './erase-versions.ts';
import { settleJournal } from './settle-journal.ts';

const OBSERVATION = { versions: [{ type: 'Observation', id: 'obs-1', version: 1 }] };

function erase(node: HospitalNode, body: object, token = node.tokens.administrator) {
  return node.call('POST', '/api/erasures', token, body);
}

async function row({ hospital }: HospitalNode, type = 'Observation', id = 'obs-1'): Promise<VersionRow> {
  return (await hospital.vault.version(type, id, 1)) as VersionRow;
}

function isMarked({ ledger, hospital }: HospitalNode, { generation, journalIndex }: VersionRow): boolean {
  const snapshot = ledger.read();
  try {
    return isErased(snapshot.state, hospital.account, generation, journalIndex);
  } finally {
    snapshot.release();
  }
}

/** Exact bytes of a receipt from the route, verified against genesis. */
async function verified(node: HospitalNode, path: string) {
  const headers = { authorization: `Bearer ${node.tokens.administrator}` };
  const response = await node.app.inject({ method: 'GET', url: path, headers });
  assert.equal(response.statusCode, 200, response.body);
  return verifyReceipt(new Uint8Array(response.rawPayload), parseTrust(canonicalBytes(node.ledger.genesis)));
}

test('an erasure is confirmed by number, and is for the administration alone', async (t) => {
  const node = await createHospitalNode(t);
  assert.equal(await refusalOf(erase(node, OBSERVATION)), 'ERASURE_UNCONFIRMED');
  assert.equal(await refusalOf(erase(node, { ...OBSERVATION, confirm: 2 })), 'ERASURE_UNCONFIRMED');
  assert.equal(
    await refusalOf(erase(node, { ...OBSERVATION, confirm: 1 }, node.tokens.physician)),
    'ERASURE_NOT_ENTITLED',
  );
  assert.equal(await refusalOf(erase(node, { patientId: 'nobody', confirm: 1 })), 'ERASURE_NOTHING');
  for (const body of [{}, { patientId: PATIENT, all: true }, { versions: [] }, { patientId: '../x' }]) {
    assert.equal(await refusalOf(erase(node, body)), 'ERASURE_MALFORMED');
  }
  assert.equal((await row(node)).erased, false);
});

test('erased: key, salt and blob are gone, the ledger marks it, and receipts prove both', async (t) => {
  const node = await createHospitalNode(t);
  const { hospital } = node;
  const before = await row(node);
  const answer = await erase(node, { ...OBSERVATION, confirm: 1 });
  assert.equal(answer.step, 'marked');
  assert.equal(answer.keyBackupsUntilMs, Number(answer.timeMs) + KEY_BACKUP_MS);
  assert.equal((await row(node)).erased, true);
  await assert.rejects(() => hospital.vault.open(before), { code: 'VERSION_ERASED' });
  assert.equal(await hospital.vault.blob(before.blob), undefined);
  assert.ok(isMarked(node, before));
  const version = '/api/receipts/versions/Observation/obs-1/1';
  assert.match(
    await refusalOf(node.call('GET', version, node.tokens.administrator)),
    /^RECEIPT_(?:ERASED|SUBJECT_UNKNOWN)$/,
  );
  const place = `/api/receipts/journal/${before.generation}/${before.journalIndex}`;
  assert.equal(await refusalOf(node.call('GET', place, node.tokens.administrator)), 'RECEIPT_ERASED');
  const mark = await verified(node, `/api/receipts/state/records.erased/${hospital.account}/0/${before.journalIndex}`);
  assert.ok(mark.statement.kind === 'state' && mark.statement.value !== undefined);
  await anchorJournal(hospital);
  const [index] = answer.entries as number[];
  const { statement } = await verified(node, `/api/receipts/journal/0/${index}`);
  assert.ok(statement.kind === 'journal' && statement.entry.kind === 'interaction');
  assert.deepEqual([statement.entry.header.kind, statement.entry.header.versions], ['erasure', [before.leaf]]);
  assert.deepEqual(await node.call('GET', `/api/erasures/${answer.id}`, node.tokens.administrator), answer);
  assert.equal(await refusalOf(erase(node, { ...OBSERVATION, confirm: 1 })), 'ERASURE_NOTHING');
});

test('a patient is erased whole, and nobody else', async (t) => {
  const node = await createHospitalNode(t);
  const answer = await erase(node, { patientId: PATIENT, confirm: 2 });
  assert.equal(answer.versions, 2);
  assert.ok((await row(node)).erased && (await row(node, 'Patient', PATIENT)).erased);
  assert.ok(isMarked(node, await row(node)) && isMarked(node, await row(node, 'Patient', PATIENT)));
});

test('while the ledger stands still versions go at once, and the marks follow', async (t) => {
  const node = await createHospitalNode(t);
  node.clock.offsetMs = 2 * 3_600_000;
  const answer = await erase(node, { ...OBSERVATION, confirm: 1 });
  assert.equal(answer.step, 'erased');
  assert.ok((await row(node)).erased && !isMarked(node, await row(node)));
  node.ledger.confirmClock();
  const job = node.floors.jobs.find(({ name }) => name === 'erasures hospital');
  await job?.run();
  assert.ok(isMarked(node, await row(node)));
  const { step } = await node.call('GET', `/api/erasures/${answer.id}`, node.tokens.administrator);
  assert.equal(step, 'marked');
});

test('what a backup brings back and the ledger marks as erased is erased before it serves', async (t) => {
  const node = await createHospitalNode(t);
  const { hospital, ledger } = node;
  await anchorJournal(hospital);
  const { generation, journalIndex } = await row(node);
  const message = { type: 'records.erase', generation, indices: [journalIndex] };
  assert.equal((await submitMessage(ledger, hospital.clock(), message, hospital.signer)).outcome.code, 'OK');
  assert.equal((await row(node)).erased, false);
  assert.equal(await settleJournal(hospital), 'serving');
  assert.equal((await row(node)).erased, true);
});

async function emptyVault(t: TestContext, { account, log }: OrganisationContext): Promise<CustodianVault> {
  const folder = mkdtempSync(join(tmpdir(), 'aceso-behind-'));
  const vault = await createVault({ folder, custodian: account, rootKey: new Uint8Array(32), log });
  t.after(async () => {
    await vault.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return vault;
}

test('a journal behind its last anchor serves nothing until the members restart it', async (t) => {
  const { hospital, clinic, ledger } = await createHospitalNode(t);
  await anchorJournal(hospital);
  const behind: OrganisationContext = { ...hospital, vault: await emptyVault(t, hospital) };
  assert.equal(await settleJournal(behind), 'behind');
  await assert.rejects(() => behind.vault.current('Patient', PATIENT), { code: 'VAULT_BEHIND_ANCHOR' });
  assert.equal(await anchorJournal(behind), false);
  const submit = async (message: { type: string } & Record<string, string | number>, by: OrganisationContext) => {
    const { outcome } = await submitMessage(ledger, hospital.clock(), message, by.signer);
    assert.equal(outcome.code, 'OK', JSON.stringify(outcome.data));
    return outcome.id;
  };
  const restart = { type: 'journal.restart', custodian: hospital.account, generation: 0, keptSize: 0 };
  const proposal = await submit(restart, clinic);
  assert.equal(await settleJournal(behind), 'behind');
  await submit({ type: 'journal.approveRestart', proposal }, hospital);
  assert.equal(await settleJournal(behind), 'serving');
  assert.deepEqual([behind.vault.journalHead().generation, behind.vault.journalHead().size], [1, 0]);
  assert.equal(await behind.vault.current('Patient', PATIENT), undefined);
});
