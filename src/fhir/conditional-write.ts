import { randomUUID } from 'node:crypto';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import { untilUncontended } from './commit-write.ts';
import { matchCondition, oneAtATime } from './conditions.ts';
import type { FhirContext, FhirRequest, FhirResult } from './context.ts';
import { journalLooks } from './journal-looks.ts';
import type { PreconditionHeaders } from './precondition.ts';
import { writePrecondition } from './precondition.ts';
import type { WriteOperation } from './prepare-write.ts';
import { decideRead, joinInteractions } from './read-decision.ts';
import { bodyOf, deletedAnswer, idIn, writeOne } from './write.ts';
import { requireWriter } from './write-decision.ts';

/** What a conditional write came to: the write to make, if any, and what is to be journalled for having looked. */
export interface ConditionalOperation {
  readonly operation?: WriteOperation;
  readonly interactions: readonly InteractionHeader[];
}

/**
 * conditional update (R4 §3.1.0.4.3): nothing matches: created, under the body's id or a new one; one matches: updated.
 * Throws CONDITION_AMBIGUOUS, ID_MISMATCH when the body's id is not that of the match, ID_TAKEN.
 */
export async function conditionalUpdate(
  context: FhirContext,
  type: string,
  condition: string,
  request: FhirRequest,
): Promise<FhirResult> {
  const text = bodyOf(context, request, type);
  return inTurn(context, async () => {
    const { operation, interactions } = await settleUpdate(context, type, condition, text, request);
    return writeOne(context, operation, request, interactions);
  });
}

/** conditional delete (R4 §3.1.0.7.1) of the one that matches. Throws CONDITION_AMBIGUOUS for several. */
export async function conditionalDelete(
  context: FhirContext,
  type: string,
  condition: string,
  request: FhirRequest,
): Promise<FhirResult> {
  return inTurn(context, async () => {
    const { operation, interactions } = await settleDelete(context, type, condition, request);
    if (operation !== undefined) return writeOne(context, operation, request, interactions);
    await journalLooks(context, interactions);
    return deletedAnswer(undefined, request.prefer);
  });
}

/**
 * Conditions are looked at one after the other, so that the second sees what the first wrote; what writes without a
 * condition may still come between, and then it is looked at again.
 */
export function inTurn<T>(context: FhirContext, work: () => Promise<T>): Promise<T> {
  return oneAtATime(context.vault, () => untilUncontended(work));
}

/** The write that a conditional update comes to. */
export async function settleUpdate(
  context: FhirContext,
  type: string,
  condition: string,
  text: string,
  headers: PreconditionHeaders,
): Promise<Required<ConditionalOperation>> {
  await requireWriter(context, [{ type, action: 'update' }]);
  const { row, interactions } = await matchCondition(context, type, condition);
  const given = idIn(text);
  const precondition = writePrecondition(headers);
  if (row !== undefined) {
    if (given !== undefined && given !== row.id) throw rejectFhir('ID_MISMATCH');
    const { id, version } = row;
    return { operation: { action: 'update', type, id, text, seen: version, ...precondition }, interactions };
  }
  if (given === undefined) {
    const operation = { action: 'update', type, id: randomUUID(), isNew: true, text, ...precondition } as const;
    return { operation, interactions };
  }
  if (!/^[A-Za-z0-9\-.]{1,64}$/.test(given)) throw rejectFhir('ID_INVALID');
  const taken = await context.vault.current(type, given);
  const looked = taken === undefined ? undefined : await decideRead(context, [taken]);
  // What may not be seen is no match and is not taken: the write is decided as one to that address is.
  if (taken?.deleted === false && (looked?.visible.length ?? 0) > 0) throw rejectFhir('ID_TAKEN');
  const seen = taken?.version ?? 0;
  return {
    operation: { action: 'update', type, id: given, text, seen, ...precondition },
    interactions: joinInteractions([...interactions, ...(looked?.interactions ?? [])]),
  };
}

/** The write that a conditional delete comes to; none when nothing matches. */
export async function settleDelete(
  context: FhirContext,
  type: string,
  condition: string,
  headers: PreconditionHeaders,
): Promise<ConditionalOperation> {
  await requireWriter(context, [{ type, action: 'delete' }]);
  const { row, interactions } = await matchCondition(context, type, condition);
  const precondition = writePrecondition(headers);
  if (row === undefined) {
    if (precondition.ifMatch !== undefined) throw rejectFhir('VERSION_MISMATCH');
    return { interactions };
  }
  return { operation: { action: 'delete', type, id: row.id, seen: row.version, ...precondition }, interactions };
}

/**
 * The current version of what is to be patched, by id or by condition, as far as the caller may see it: a patch tells of
 * what it is applied to. Asked by who may write. Throws NOT_FOUND, DELETED, CONDITION_AMBIGUOUS.
 */
export async function settleTarget(
  context: FhirContext,
  type: string,
  target: { readonly id: string } | { readonly condition: string },
): Promise<{ readonly row: VersionRow; readonly interactions: readonly InteractionHeader[] }> {
  if ('condition' in target) {
    const { row, interactions } = await matchCondition(context, type, target.condition);
    if (row !== undefined) return { row, interactions };
    throw rejectFhir('NOT_FOUND');
  }
  const row = await context.vault.current(type, target.id);
  if (row === undefined) throw rejectFhir('NOT_FOUND');
  const { visible, interactions } = await decideRead(context, [row]);
  if (visible.length > 0 && !row.deleted) return { row, interactions };
  if (visible.length === 0) throw rejectFhir('NOT_FOUND');
  throw rejectFhir('DELETED', { version: row.version });
}
