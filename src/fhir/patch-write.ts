import type { InteractionHeader } from '../chain/journal-leaf.ts';
import { rejectFhir } from './codes.ts';
import { untilUncontended } from './commit-write.ts';
import { inTurn, settleTarget } from './conditional-write.ts';
import type { FhirContext, FhirRequest, FhirResult } from './context.ts';
import { exactJson } from './exact-json.ts';
import { membersOf } from './json-spans.ts';
import { applyFhirPathPatch } from './patch/fhirpath-patch.ts';
import { applyJsonPatch } from './patch/json-patch.ts';
import { PATCH_LIMITS } from './patch/patch-work.ts';
import { checkPrecondition, type PreconditionHeaders, writePrecondition } from './precondition.ts';
import type { WriteOperation } from './prepare-write.ts';
import { textOf } from './read.ts';
import { typeIn, writeOne } from './write.ts';
import { requireWriter } from './write-decision.ts';

/** A patch as it was sent, exact text. */
export interface PatchBody {
  readonly text: string;
  readonly isJsonPatch: boolean;
}

/** What is to be patched: by id, or by a condition that one resource meets (R4 §3.1.0.6, conditional patch). */
export type PatchTarget = { readonly id: string } | { readonly condition: string };

/** patch (R4 §3.1.0.6), by JSON Patch or FHIRPath Patch. Throws WRITE_DENIED, what the patch throws, NOT_FOUND, DELETED. */
export async function patch(
  context: FhirContext,
  type: string,
  target: PatchTarget,
  request: FhirRequest,
): Promise<FhirResult> {
  const { text } = request;
  if (text === undefined) throw rejectFhir('BODY_EMPTY');
  const body = { text, isJsonPatch: request.isJsonPatch === true };
  const work = async () => {
    const { operation, interactions } = await settlePatch(context, type, target, body, request);
    return writeOne(context, operation, request, interactions);
  };
  return 'condition' in target ? inTurn(context, work) : untilUncontended(work);
}

/** The update that a patch of the current version comes to; it is good for that version only (`seen`). */
export async function settlePatch(
  context: FhirContext,
  type: string,
  target: PatchTarget,
  body: PatchBody,
  headers: PreconditionHeaders,
): Promise<{ readonly operation: WriteOperation; readonly interactions: readonly InteractionHeader[] }> {
  // What a patch fits tells of what it is applied to, so nothing is looked up for who may write nothing of the type.
  await requireWriter(context, [{ type, action: 'update' }]);
  const { row, interactions } = await settleTarget(context, type, target);
  const precondition = writePrecondition(headers);
  // Before the patch is applied: that a stale patch does not fit is told as what it is.
  checkPrecondition(precondition, row);
  const before = await textOf(context, row);
  const limits = { ...PATCH_LIMITS, resultChars: context.limits.resourceBytes };
  const text = body.isJsonPatch
    ? applyJsonPatch(before, body.text, limits)
    : await applyFhirPathPatch(before, body.text, context.definitions, limits);
  const operation = { action: 'update', type, id: row.id, text, seen: row.version, ...precondition } as const;
  return { operation, interactions };
}

/**
 * The patch in an entry of a Bundle: Parameters, or a Binary whose data are a JSON Patch (R4 §3.1.0.11.2). Throws
 * BUNDLE_INVALID, MEDIA_TYPE_UNSUPPORTED, JSON_INVALID.
 */
export function entryPatch(resource: string): PatchBody {
  const type = typeIn(resource);
  if (type === 'Parameters') return { text: resource, isJsonPatch: false };
  if (type !== 'Binary') throw rejectFhir('BUNDLE_INVALID', { fault: 'a patch is a Binary or Parameters' });
  const member = (name: string): string => {
    const found = membersOf(resource).find((candidate) => candidate.name === name);
    const value: unknown = found === undefined ? '' : JSON.parse(resource.slice(found.start, found.end));
    return typeof value === 'string' ? value : '';
  };
  const mediaType = member('contentType').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json-patch+json') throw rejectFhir('MEDIA_TYPE_UNSUPPORTED');
  return { text: exactJson(Buffer.from(member('data'), 'base64')), isJsonPatch: true };
}
