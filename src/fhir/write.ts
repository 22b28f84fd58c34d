import { randomUUID } from 'node:crypto';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import { rejectFhir } from './codes.ts';
import { commitWrites, untilUncontended, type WrittenVersion } from './commit-write.ts';
import { matchCondition, oneAtATime } from './conditions.ts';
import type { FhirContext, FhirRequest, FhirResult, Preference } from './context.ts';
import { journalLooks } from './journal-looks.ts';
import { membersOf } from './json-spans.ts';
import { informationOutcome } from './outcome.ts';
import { writePrecondition } from './precondition.ts';
import { prepareWrites, type WriteOperation } from './prepare-write.ts';
import { prepareWithProvenance } from './provenance-header.ts';
import { textOf, versionHeaders } from './read.ts';
import { joinInteractions } from './read-decision.ts';
import { requireWriter } from './write-decision.ts';

/**
 * create (R4 §3.1.0.8), with `ifNoneExist` a conditional one. Throws PROVENANCE_UNUSED where that finds a resource, and so
 * there is no version that `X-Provenance` could be about.
 */
export async function create(context: FhirContext, type: string, request: FhirRequest): Promise<FhirResult> {
  const text = bodyOf(context, request, type);
  const operation: WriteOperation = { action: 'create', type, id: randomUUID(), isNew: true, text };
  if (request.ifNoneExist === undefined) return writeOne(context, operation, request);
  await requireWriter(context, [operation]);
  const condition = conditionOf(request.ifNoneExist);
  return oneAtATime(context.vault, async () => {
    const { row, interactions } = await matchCondition(context, type, condition);
    if (row === undefined) return writeOne(context, operation, request, interactions);
    const body = await textOf(context, row);
    if (request.provenance !== undefined) throw rejectFhir('PROVENANCE_UNUSED');
    await journalLooks(context, joinInteractions(interactions));
    return answer(context, { row, text: body, existed: true, changed: false }, request.prefer);
  });
}

/** update (R4 §3.1.0.4); creates what is not there under the id of the address. */
export async function update(
  context: FhirContext,
  type: string,
  id: string,
  request: FhirRequest,
): Promise<FhirResult> {
  const text = bodyOf(context, request, type);
  if (idIn(text) !== id) throw rejectFhir('ID_MISMATCH');
  return writeOne(context, { action: 'update', type, id, text, ...writePrecondition(request) }, request);
}

/** delete (R4 §3.1.0.7): 204 also for what is deleted already or never was. */
export async function remove(
  context: FhirContext,
  type: string,
  id: string,
  request: FhirRequest,
): Promise<FhirResult> {
  return writeOne(context, { action: 'delete', type, id, ...writePrecondition(request) }, request);
}

/** Prepares and commits one write, with its Provenance where the request brings one; `interactions` are journalled with it. */
export async function writeOne(
  context: FhirContext,
  operation: WriteOperation,
  { prefer, provenance }: Pick<FhirRequest, 'prefer' | 'provenance'>,
  interactions: readonly InteractionHeader[] = [],
): Promise<FhirResult> {
  const work = async () => {
    const prepared =
      provenance === undefined
        ? await prepareWrites(context, [operation])
        : await prepareWithProvenance(context, operation, provenance);
    return commitWrites(context, prepared, joinInteractions(interactions));
  };
  // Whoever settled on a version starts over when another one came between.
  const isSettled = provenance === undefined || operation.seen !== undefined;
  const [written] = await (isSettled ? work() : untilUncontended(work));
  return operation.action === 'delete'
    ? deletedAnswer(written, prefer)
    : answer(context, written as WrittenVersion, prefer);
}

/** 204, or 200 with an outcome where one was asked for. */
export function deletedAnswer(written: WrittenVersion | undefined, prefer: Preference): FhirResult {
  const etag = written === undefined ? {} : { etag: versionHeaders(written.row).etag };
  if (prefer.return !== 'OperationOutcome') return { status: 204, ...etag };
  const text = written?.changed === true ? `Deleted as version ${written.row.version}` : 'There was nothing to delete';
  return { status: 200, ...etag, body: JSON.stringify(informationOutcome(text)), isOutcome: true };
}

/** 201 for what came to be, 200 for what was there; the body as `Prefer: return` says, the resource by default. */
export function answer(context: FhirContext, { row, text, existed }: WrittenVersion, prefer: Preference): FhirResult {
  const location = `${context.baseUrl}/${row.type}/${row.id}/_history/${row.version}`;
  const result = { status: existed ? 200 : 201, location, ...versionHeaders(row) };
  if (prefer.return === 'minimal') return result;
  if (prefer.return !== 'OperationOutcome') return { ...result, body: text };
  return { ...result, body: JSON.stringify(informationOutcome(`Stored as version ${row.version}`)), isOutcome: true };
}

/** A condition as header or address give it, without what may stand before its question mark. */
export function conditionOf(text: string): string {
  return text.replace(/^[^?=&]*\?/, '');
}

/** The body's resource. Throws BODY_EMPTY, BODY_TOO_LARGE, TYPE_MISMATCH. */
export function bodyOf(context: FhirContext, { text }: FhirRequest, type: string): string {
  if (text === undefined) throw rejectFhir('BODY_EMPTY');
  if (text.length > context.limits.resourceBytes)
    throw rejectFhir('BODY_TOO_LARGE', { limitBytes: context.limits.resourceBytes });
  if (typeIn(text) !== type) throw rejectFhir('TYPE_MISMATCH', { address: type });
  return text;
}

/** `resourceType` of exact text; undefined when the text is no object that has one. */
export function typeIn(text: string): string | undefined {
  return textMember(text, 'resourceType');
}

/** `id` of exact text. */
export function idIn(text: string): string | undefined {
  return textMember(text, 'id');
}

function textMember(text: string, name: string): string | undefined {
  if (!text.startsWith('{')) return undefined;
  const member = membersOf(text).find((candidate) => candidate.name === name);
  if (member === undefined || text.charAt(member.start) !== '"') return undefined;
  return JSON.parse(text.slice(member.start, member.end)) as string;
}
