import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createHospitalNode, type HospitalNode, PATIENT, refusalOf } from '../../../../test/support/hospital-node.ts';
import { operationContext } from '../../../../test/support/operation-context.ts';
import type { Caller } from '../../../auth/caller.ts';
import { parseTrust } from '../../../chain/receipt/trust.ts';
import { verifyReceipt } from '../../../chain/receipt/verify.ts';
import type { OperationCall } from '../../../fhir/operations/operation.ts';
import { base64ToBytes, bytesToBase64, utf8, utf8ToText } from '../../../std/bytes.ts';
import { canonicalBytes } from '../../../std/canonical-json.ts';
import { anchorJournal } from './anchor-journal.ts';
import { createReceiptOperations } from './receipt-operations.ts';

type Part = { name: string; valueBoolean?: boolean; valueString?: string; valueUri?: string; valueCode?: string };
interface Answer {
  readonly parts: Readonly<Record<string, Part & { resource?: Record<string, unknown> }>>;
}

function callOf(part: Partial<OperationCall> & { query?: string }): OperationCall {
  const parameters = new URLSearchParams(part.query);
  return { parameters, request: { method: 'GET', path: '', query: parameters, prefer: { lenient: false } }, ...part };
}

async function ask(node: HospitalNode, name: string, call: Parameters<typeof callOf>[0], by?: Partial<Caller>) {
  const operation = createReceiptOperations(node.ledger).find((one) => one.name === name);
  assert.ok(operation);
  const result = await operation.run(await operationContext(node, by), callOf(call));
  const { parameter } = JSON.parse(result.body ?? '') as { parameter: (Part & { resource?: never })[] };
  return { parts: Object.fromEntries(parameter.map((part) => [part.name, part])) } as Answer;
}

const OBSERVATION = { type: 'Observation', id: 'obs-1' };

async function anchored(t: TestContext): Promise<HospitalNode> {
  const node = await createHospitalNode(t);
  assert.equal(await anchorJournal(node.hospital), true);
  return node;
}

function bytesOf({ parts }: Answer): Uint8Array {
  const bytes = base64ToBytes(String(parts.receipt?.resource?.data));
  assert.ok(bytes);
  return bytes;
}

async function lastEntry({ hospital }: HospitalNode, account: string) {
  const [newest] = (await hospital.vault.entriesOf(account, 1)).rows;
  assert.ok(newest?.entry.kind === 'interaction');
  return newest.entry.header;
}

test('the receipt of a version, named or current, verifies offline and against the bytes it is about', async (t) => {
  const node = await anchored(t);
  const row = await node.hospital.vault.current('Observation', 'obs-1');
  assert.ok(row);
  const trust = parseTrust(canonicalBytes(node.ledger.genesis));
  for (const call of [OBSERVATION, { ...OBSERVATION, version: '1' }]) {
    const answer = await ask(node, '$receipt', call);
    const { statement } = await verifyReceipt(bytesOf(answer), trust, await node.hospital.vault.open(row));
    assert.equal(statement.kind === 'journal' && statement.content, 'matches');
    assert.equal(answer.parts.version?.valueUri, 'Observation/obs-1/_history/1');
    assert.equal(answer.parts.personalData?.valueBoolean, true);
    assert.match(answer.parts.warning?.valueString ?? '', /guard it like the record/);
    assert.deepEqual(answer.parts.receipt?.resource?.securityContext, { reference: 'Observation/obs-1' });
    const { kind, decision, versions } = await lastEntry(node, row.account);
    assert.deepEqual({ kind, decision, versions }, { kind: 'receipt', decision: 'permit', versions: [row.leaf] });
  }
});

test('before the anchor it says to ask again', async (t) => {
  const node = await createHospitalNode(t);
  assert.equal(await refusalOf(ask(node, '$receipt', OBSERVATION)), 'RECEIPT_NOT_ANCHORED');
});

test('who may not read the version is told that there is none, and the journal knows', async (t) => {
  const node = await anchored(t);
  const stranger = { organisation: node.clinic.account };
  assert.equal(await refusalOf(ask(node, '$receipt', OBSERVATION, stranger)), 'NOT_FOUND');
  const row = await node.hospital.vault.current('Observation', 'obs-1');
  const { kind, decision, versions } = await lastEntry(node, row?.account ?? '');
  assert.deepEqual({ kind, decision, versions }, { kind: 'refusal', decision: 'deny', versions: [row?.leaf] });
  for (const call of [
    { ...OBSERVATION, version: '2' },
    { ...OBSERVATION, version: '01' },
    { ...OBSERVATION, version: '9999999999' },
    { type: 'Observation', id: 'none' },
  ])
    assert.equal(await refusalOf(ask(node, '$receipt', call)), 'NOT_FOUND');
  assert.equal(await refusalOf(ask(node, '$receipt', { ...OBSERVATION, query: 'colour=red' })), 'PARAMETER_UNKNOWN');
  const beyond = { ...OBSERVATION, query: 'extends=999999' };
  assert.equal(await refusalOf(ask(node, '$receipt', beyond)), 'RECEIPT_SUBJECT_UNKNOWN');
  assert.equal(
    await refusalOf(ask(node, '$receipt', { ...OBSERVATION, query: 'extends=x' })),
    'RECEIPT_SUBJECT_UNKNOWN',
  );
});

test('$verify takes a receipt in each form and says what stands behind it', async (t) => {
  const node = await anchored(t);
  const bytes = bytesOf(await ask(node, '$receipt', { type: 'Patient', id: PATIENT }));
  const data = bytesToBase64(bytes);
  const binary = { resourceType: 'Binary', contentType: 'application/json', data };
  const row = await node.hospital.vault.current('Patient', PATIENT);
  assert.ok(row);
  const content = bytesToBase64(await node.hospital.vault.open(row));
  const parameters = (...parameter: unknown[]) => JSON.stringify({ resourceType: 'Parameters', parameter });
  const forms = [
    utf8ToText(bytes),
    JSON.stringify(binary),
    parameters({ name: 'receipt', resource: binary }),
    parameters({ name: 'receipt', valueBase64Binary: data }, { name: 'content', valueBase64Binary: content }),
  ];
  for (const text of forms) {
    const { parts } = await ask(node, '$verify', { text });
    assert.equal(parts.result?.valueBoolean, true);
    assert.equal(parts.standing?.valueString, '1 operator key');
    assert.equal(parts.log?.valueCode, 'beginning');
    assert.match(JSON.stringify(parts.outcome), /create of Patient\/pat-1 version 1/);
  }
  const other = { name: 'content', valueBase64Binary: bytesToBase64(utf8('{}')) };
  const wrong = await ask(node, '$verify', { text: parameters({ name: 'receipt', resource: binary }, other) });
  assert.equal(wrong.parts.result?.valueBoolean, false);
  assert.match(JSON.stringify(wrong.parts.outcome), /RECEIPT_CONTENT_DIFFERS/);
});

test('$verify answers no to what was altered, made up or of another ledger', async (t) => {
  const node = await anchored(t);
  const text = utf8ToText(bytesOf(await ask(node, '$receipt', OBSERVATION)));
  const foreign = await anchored(t);
  const cases: readonly (readonly [string, RegExp])[] = [
    [text.replace('"obs-1"', '"obs-2"'), /RECEIPT_SUBJECT_UNPROVEN/],
    [text.replace('"action":"create"', '"action":"update"'), /RECEIPT_SUBJECT_UNPROVEN/],
    [text.replace(/"logRoot":"."/, '"logRoot":"x"'), /RECEIPT_MALFORMED|RECEIPT_HEAD_UNPROVEN/],
    ['{}', /RECEIPT_MALFORMED/],
    ['[]', /RECEIPT_MALFORMED/],
    [utf8ToText(bytesOf(await ask(foreign, '$receipt', OBSERVATION))), /RECEIPT_OTHER_LEDGER/],
  ];
  for (const [body, code] of cases) {
    const { parts } = await ask(node, '$verify', { text: body });
    assert.equal(parts.result?.valueBoolean, body === text);
    assert.match(JSON.stringify(parts.outcome), body === text ? /./ : code);
  }
});

test('$verify refuses a body of another form', async (t) => {
  const node = await createHospitalNode(t);
  const parameters = (...parameter: unknown[]) => JSON.stringify({ resourceType: 'Parameters', parameter });
  const long = { name: 'receipt', valueBase64Binary: 'A'.repeat(2_000_000) };
  const bodies = [
    parameters(),
    parameters({ name: 'receipt', valueBase64Binary: '%' }),
    parameters({ name: 'receipt', valueString: 7 }),
    parameters({ name: 'receipt', valueBase64Binary: 'AAAA' }, { name: 'receipt', valueBase64Binary: 'AAAA' }),
    parameters(long),
    JSON.stringify({ resourceType: 'Binary' }),
  ];
  for (const text of bodies) assert.equal(await refusalOf(ask(node, '$verify', { text })), 'OPERATION_INPUT_INVALID');
  assert.equal(await refusalOf(ask(node, '$verify', {})), 'BODY_EMPTY');
});

test('$verify holds the receipt against the log of this very node', async (t) => {
  const node = await anchored(t);
  const text = utf8ToText(bytesOf(await ask(node, '$receipt', OBSERVATION)));
  const { ledger } = node;
  // A node that was shown another ledger under the same genesis.
  const forked = Object.assign(Object.create(ledger) as typeof ledger, {
    read: () => {
      const snapshot = ledger.read();
      return { ...snapshot, store: { ...snapshot.store, get: () => new Uint8Array(32 * 256) } };
    },
    genesis: ledger.genesis,
  });
  const behind = Object.assign(Object.create(ledger) as typeof ledger, {
    read: () => {
      const snapshot = ledger.read();
      return { ...snapshot, head: { ...snapshot.head, logSize: 1 }, release: () => snapshot.release() };
    },
    genesis: ledger.genesis,
  });
  const verify = async (of: typeof ledger) => (await ask({ ...node, ledger: of }, '$verify', { text })).parts;
  assert.match(JSON.stringify((await verify(forked)).outcome), /RECEIPT_CHECKPOINT_CONTRADICTED/);
  assert.equal((await verify(behind)).log?.valueCode, 'longer');
});
