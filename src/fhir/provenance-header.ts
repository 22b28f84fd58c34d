import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../std/canonical-json.ts';
import { isReject } from '../std/reject.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirRequest } from './context.ts';
import { exactJson } from './exact-json.ts';
import { membersOf } from './json-spans.ts';
import { type PreparedWrite, prepareWrites, type WriteOperation } from './prepare-write.ts';
import type { Route } from './routes.ts';

/*
 * `X-Provenance` (R4 provenance.html, "Using the Provenance Resource"): a Provenance without target, in the header of a
 * create, update or patch. The server sets the version that was made as its target, and keeps both or neither.
 */

/** Longest header that is looked at, in bytes. */
const MAX_BYTES = 8 * 1024;

/** Refuses the header where it would not be looked at, so that it does not seem to be. Reads carry it at no harm. */
export function refuseStrayProvenance({ method, provenance }: FhirRequest, route: Route['kind']): void {
  if (provenance === undefined || method === 'GET' || method === 'HEAD') return;
  const takesIt = (route === 'type' || route === 'instance') && method !== 'DELETE';
  if (!takesIt) throw rejectFhir('PROVENANCE_UNSUPPORTED');
}

/**
 * Prepares a write and the Provenance of the version that it makes, to be committed together. The number of that version
 * is settled by what is stored now: if another one comes between, the commit throws WRITE_CONTENDED, to be tried again.
 * Throws PROVENANCE_INVALID {issues?} for a header that is none, and what either write throws.
 */
export async function prepareWithProvenance(
  context: FhirContext,
  operation: WriteOperation,
  header: string,
): Promise<readonly PreparedWrite[]> {
  const { type, id } = operation;
  const seen = operation.seen ?? (operation.isNew ? 0 : ((await context.vault.current(type, id))?.version ?? 0));
  const text = withTarget(provenanceText(header), `${type}/${id}/_history/${seen + 1}`);
  const provenance: WriteOperation = { action: 'create', type: 'Provenance', id: randomUUID(), isNew: true, text };
  refuseInvalidProvenance(context, provenance);
  const [written, about] = await prepareWrites(context, [{ ...operation, seen }, provenance]).catch(
    (thrown: unknown) => {
      throw asHeaderFault(thrown);
    },
  );
  if (written === undefined || about === undefined) throw new Error('two writes were prepared as fewer');
  // It is about a version, and so belongs to whom that belongs to (record-account.ts).
  return [written, about];
}

function provenanceText(header: string): string {
  // Header fields are bytes, which Node hands out one a character.
  if (header.length > MAX_BYTES) throw rejectFhir('PROVENANCE_INVALID', { limitBytes: MAX_BYTES });
  let text: string;
  try {
    text = exactJson(Buffer.from(header, 'latin1'));
  } catch {
    throw rejectFhir('PROVENANCE_INVALID');
  }
  const members = text.startsWith('{') ? membersOf(text) : [];
  const type = members.find(({ name }) => name === 'resourceType');
  if (type === undefined || text.slice(type.start, type.end) !== '"Provenance"') throw rejectFhir('PROVENANCE_INVALID');
  if (members.some(({ name }) => name === 'target')) throw rejectFhir('PROVENANCE_INVALID');
  return text;
}

function withTarget(text: string, reference: string): string {
  return `${text.slice(0, -1)},"target":[${JSON.stringify({ reference })}]}`;
}

/** As of any resource, but as a fault of the header: 400, where a body's is 422. */
function refuseInvalidProvenance({ validator }: FhirContext, { id, text = '' }: WriteOperation): void {
  const issues: JsonObject[] = [];
  for (const { severity, code, path, text: fault } of validator.validate({ ...JSON.parse(text), id })) {
    if (severity === 'error') issues.push({ path, fault, code });
  }
  if (issues.length > 0) throw rejectFhir('PROVENANCE_INVALID', { issues });
}

/** A reference of the Provenance's that leads nowhere is the header's fault too. */
function asHeaderFault(thrown: unknown): unknown {
  return isReject(thrown) && thrown.code === 'REFERENCE_UNRESOLVED' && thrown.data.resource === 'Provenance'
    ? rejectFhir('PROVENANCE_INVALID', { fault: 'a reference leads nowhere' })
    : thrown;
}
