import type { OperationOutcome, Parameters, ParametersParameter } from '@medplum/fhirtypes';
import { LOG_PREFIX } from '../../../chain/head-store.ts';
import { CODES as RECEIPT_CODES } from '../../../chain/receipt/codes.ts';
import { MAX_RECEIPT_BYTES, receiptToBytes } from '../../../chain/receipt/receipt.ts';
import { parseTrust } from '../../../chain/receipt/trust.ts';
import { verdictLines } from '../../../chain/receipt/verdict-text.ts';
import { type Verdict, verifyReceipt } from '../../../chain/receipt/verify.ts';
import { rejectFhir } from '../../../fhir/codes.ts';
import type { FhirContext, FhirResult } from '../../../fhir/context.ts';
import { rejectOperation } from '../../../fhir/operations/codes.ts';
import type { FhirOperation, OperationCall } from '../../../fhir/operations/operation.ts';
import { isObject, postedParts, requireKnown, simpleValue } from '../../../fhir/operations/operation-input.ts';
import { informationOutcome, rejectToOutcome } from '../../../fhir/outcome.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import { logRoot } from '../../../state/log.ts';
import { base64ToBytes, bytesToBase64, bytesToHex, utf8 } from '../../../std/bytes.ts';
import { canonicalBytes } from '../../../std/canonical-json.ts';
import { isReject, rejecter } from '../../../std/reject.ts';
import type { VersionRow } from '../../../vault/vault.ts';
import { CODES } from './codes.ts';
import { issueJournalReceipt } from './issue-receipt.ts';
import { versionEntry } from './version-entry.ts';

const reject = rejecter(CODES);
const rejectReceipt = rejecter(RECEIPT_CODES);

const WARNING =
  'The receipt holds the salt and the hash of the record, and whoever has it can test what the record says: guard it like the record.';

/** `$receipt` on versions and `$verify` on the system, over one ledger. */
export function createReceiptOperations(ledger: Ledger): readonly FhirOperation[] {
  return [
    {
      ...{ name: '$receipt', definition: 'urn:aceso:operation:receipt', get: true },
      on: ['instance', 'version'],
      run: (context, call) => receipt(ledger, context, call),
    },
    {
      ...{ name: '$verify', definition: 'urn:aceso:operation:verify', get: false },
      on: ['system'],
      run: (_context, call) => verify(ledger, call),
    },
  ];
}

/**
 * Receipt of a version, of the current one where none is named; `extends` as in `/api/receipts`. Answered as a Binary
 * within Parameters: base64 carries the exact bytes, which are what verifies, through any client, and a Parameters has
 * room for the warning that goes with it. Who may not read the version is told that there is none. The act is
 * journalled before it is known whether the version is anchored yet. Throws NOT_FOUND, RECEIPT_NOT_ANCHORED (ask again
 * in a second), RECEIPT_ERASED.
 */
async function receipt(ledger: Ledger, context: FhirContext, call: OperationCall): Promise<FhirResult> {
  requireKnown(call, ['extends']);
  const extendsSize = sizeOf(call);
  const row = await versionOf(context, call);
  const entry = await versionEntry(context, context.caller, row);
  if (entry === undefined) throw rejectFhir('NOT_FOUND');
  const options = extendsSize === undefined ? {} : { extendsSize };
  const bytes = receiptToBytes(await issueJournalReceipt(ledger, context.vault, entry, options));
  const reference = `${row.type}/${row.id}`;
  return parametersResult([
    {
      name: 'receipt',
      resource: {
        ...{ resourceType: 'Binary', contentType: 'application/json' },
        ...{ securityContext: { reference }, data: bytesToBase64(bytes) },
      },
    },
    { name: 'version', valueUri: `${reference}/_history/${row.version}` },
    { name: 'personalData', valueBoolean: true },
    { name: 'warning', valueString: WARNING },
  ]);
}

async function versionOf({ vault }: FhirContext, { type = '', id = '', version }: OperationCall): Promise<VersionRow> {
  const number = version === undefined || /^[1-9][0-9]{0,9}$/.test(version) ? Number(version ?? 0) : undefined;
  const row =
    number === undefined || number > 0xffff_ffff
      ? undefined
      : await (number === 0 ? vault.current(type, id) : vault.version(type, id, number));
  if (row === undefined) throw rejectFhir('NOT_FOUND');
  return row;
}

function sizeOf(call: OperationCall): number | undefined {
  const value = simpleValue(call, 'extends');
  if (value === undefined) return undefined;
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(value) || Number(value) > Number.MAX_SAFE_INTEGER)
    throw reject('RECEIPT_SUBJECT_UNKNOWN');
  return Number(value);
}

/**
 * Verifies a posted receipt: bare, as a Binary, or as the part `receipt` (a Binary, or its base64) of Parameters, there
 * with `content`, the base64 of the bytes that it is about, if it shall be held against them. Trusted is nothing but
 * this node's genesis; then the receipt's log must be a part of this node's log, as far as that goes. What does not
 * verify is an answer too: `result` false, and the reason. Reveals nothing of records and so journals nothing.
 */
async function verify(ledger: Ledger, call: OperationCall): Promise<FhirResult> {
  requireKnown(call, ['receipt', 'content']);
  const { bytes, content } = postedReceipt(call);
  try {
    const verdict = await verifyReceipt(bytes, parseTrust(canonicalBytes(ledger.genesis)), content);
    return parametersResult(verdictParts(verdict, heldAgainst(ledger, verdict)));
  } catch (thrown) {
    if (!isReject(thrown)) throw thrown;
    return parametersResult([
      { name: 'result', valueBoolean: false },
      { name: 'outcome', resource: rejectToOutcome(thrown) },
    ]);
  }
}

/**
 * How a receipt's log stands to this node's: the beginning of it, or longer than this node knows. Throws
 * RECEIPT_CHECKPOINT_CONTRADICTED when it is another: then one of two nodes was shown a forked ledger.
 */
function heldAgainst(ledger: Ledger, { head }: Verdict): 'beginning' | 'longer' {
  const snapshot = ledger.read();
  try {
    if (head.logSize > snapshot.head.logSize) return 'longer';
    const root = bytesToHex(logRoot(snapshot.store, LOG_PREFIX, head.logSize));
    if (root !== head.logRoot) throw rejectReceipt('RECEIPT_CHECKPOINT_CONTRADICTED');
    return 'beginning';
  } finally {
    snapshot.release();
  }
}

const STANDING_TO_NODE = {
  beginning: 'the log of the receipt is the beginning of the log that this node holds',
  longer: 'the receipt is of a later head than this node has come to',
} as const;

function verdictParts(verdict: Verdict, toNode: 'beginning' | 'longer'): ParametersParameter[] {
  const { standing, witnesses, head } = verdict;
  const lines = [...verdictLines(verdict), STANDING_TO_NODE[toNode]];
  const outcome: OperationOutcome = {
    resourceType: 'OperationOutcome',
    issue: lines.flatMap((line) => informationOutcome(line).issue),
  };
  return [
    { name: 'result', valueBoolean: true },
    { name: 'outcome', resource: outcome },
    { name: 'standing', valueString: standing },
    ...witnesses.map(({ name }) => ({ name: 'witness', valueString: name })),
    { name: 'genesis', valueString: head.genesis },
    { name: 'height', valueString: String(head.height) },
    { name: 'logSize', valueString: String(head.logSize) },
    { name: 'log', valueCode: toNode },
  ];
}

/** Exact bytes of the receipt and, if given, of what it is about. Throws BODY_EMPTY, OPERATION_INPUT_INVALID. */
function postedReceipt(call: OperationCall): { bytes: Uint8Array; content?: Uint8Array } {
  const { text } = call;
  if (text === undefined) throw rejectFhir('BODY_EMPTY');
  const parts = postedParts(call);
  if (parts === undefined) {
    const body: unknown = JSON.parse(text);
    return { bytes: isBinary(body) ? base64At(body.data, 'receipt') : utf8(text) };
  }
  const only = (name: string) => {
    const found = parts.filter((part) => part.name === name);
    if (found.length > 1) throw rejectOperation('OPERATION_INPUT_INVALID', { parameter: name });
    return found[0];
  };
  const [given, content] = [only('receipt'), only('content')];
  const data = isBinary(given?.resource) ? given.resource.data : given?.value;
  return {
    bytes: base64At(data, 'receipt'),
    ...(content === undefined ? {} : { content: base64At(content.value, 'content') }),
  };
}

function isBinary(value: unknown): value is { readonly data?: unknown } {
  return isObject(value) && value.resourceType === 'Binary';
}

/** No version is larger than a request, nor a receipt than `MAX_RECEIPT_BYTES`: the verifier refuses what is. */
function base64At(value: unknown, parameter: string): Uint8Array {
  const mostChars = parameter === 'receipt' ? Math.ceil(MAX_RECEIPT_BYTES / 3) * 4 : Number.POSITIVE_INFINITY;
  const bytes = typeof value === 'string' && value.length <= mostChars ? base64ToBytes(value) : undefined;
  if (bytes === undefined) throw rejectOperation('OPERATION_INPUT_INVALID', { parameter });
  return bytes;
}

function parametersResult(parameter: ParametersParameter[]): FhirResult {
  const answer: Parameters = { resourceType: 'Parameters', parameter };
  return { status: 200, body: JSON.stringify(answer) };
}
