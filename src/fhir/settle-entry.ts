import { randomUUID } from 'node:crypto';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { RequestEntry } from './bundle-request.ts';
import { rejectFhir } from './codes.ts';
import type { WrittenVersion } from './commit-write.ts';
import { settleDelete, settleUpdate } from './conditional-write.ts';
import { matchCondition } from './conditions.ts';
import type { FhirContext } from './context.ts';
import { entryPatch, settlePatch } from './patch-write.ts';
import { writePrecondition } from './precondition.ts';
import type { WriteOperation } from './prepare-write.ts';
import { textOf } from './read.ts';
import { conditionOf, idIn, typeIn } from './write.ts';
import { requireWriter } from './write-decision.ts';

/**
 * What an entry of a transaction asks to be written, or the resource that its If-None-Exist found, or that there is
 * nothing to delete.
 */
export type Settled =
  | { readonly entry: RequestEntry; readonly operation: WriteOperation }
  | { readonly entry: RequestEntry; readonly existing: WrittenVersion }
  | { readonly entry: RequestEntry; readonly absent: true };

/** Order of processing: DELETE, POST, PUT and PATCH (R4 §3.1.0.11.2). */
const RANKS: Readonly<Record<string, number>> = { DELETE: 0, POST: 1, PUT: 2, PATCH: 2 };

const ACTIONS: Readonly<Record<string, WriteOperation['action']>> = { DELETE: 'delete', POST: 'create' };

export function rankOf({ method }: RequestEntry): number {
  return RANKS[method] ?? 3;
}

/** True when what the entry writes depends on what a search finds. */
export function isConditional({ method, url, ifNoneExist }: RequestEntry): boolean {
  return ifNoneExist !== undefined || (method !== 'GET' && method !== 'HEAD' && url.includes('?'));
}

/**
 * Reads an entry that writes, and looks at what its condition finds; what is to be journalled for that is added to
 * `interactions`. Throws as the interactions do.
 */
export async function settle(
  context: FhirContext,
  entry: RequestEntry,
  interactions: InteractionHeader[],
): Promise<Settled> {
  const { method, url, index } = entry;
  const [path, condition] = url.split(/\?(.*)/s) as [string, string | undefined];
  const [type, id, ...rest] = path.split('/') as [string, string | undefined, ...string[]];
  if (rest.length > 0 || rankOf(entry) > 2 || !isAddressed(method, id, condition)) {
    throw rejectFhir('INTERACTION_UNSUPPORTED', { method });
  }
  if (context.definitions.resources[type] === undefined) throw rejectFhir('TYPE_UNKNOWN');
  if (id !== undefined && !/^[A-Za-z0-9\-.]{1,64}$/.test(id)) throw rejectFhir('ID_INVALID');
  const target = id === undefined ? { condition: condition ?? '' } : { id };
  // Before a condition, or a conditional reference of any entry, is looked at for who may write nothing of the type.
  await requireWriter(context, [{ type, action: ACTIONS[method] ?? 'update' }]);
  const settled = await settleMethod(context, entry, type, target);
  if ('operation' in settled) {
    interactions.push(...(settled.interactions ?? []));
    return { entry, operation: { ...settled.operation, entry: index } };
  }
  interactions.push(...settled.interactions);
  return 'existing' in settled ? { entry, existing: settled.existing } : { entry, absent: true };
}

/** A create has neither id nor condition, all else has one of them. */
function isAddressed(method: string, id: string | undefined, condition: string | undefined): boolean {
  if (method === 'POST') return id === undefined && condition === undefined;
  return (id === undefined) !== (condition === undefined);
}

type Outcome =
  | { readonly operation: WriteOperation; readonly interactions?: readonly InteractionHeader[] }
  | { readonly existing: WrittenVersion; readonly interactions: readonly InteractionHeader[] }
  | { readonly interactions: readonly InteractionHeader[] };

async function settleMethod(
  context: FhirContext,
  entry: RequestEntry,
  type: string,
  target: { readonly id: string } | { readonly condition: string },
): Promise<Outcome> {
  const { method } = entry;
  if (method === 'DELETE') {
    if ('condition' in target) return settleDelete(context, type, target.condition, entry);
    return { operation: { action: 'delete', type, id: target.id, ...writePrecondition(entry) } };
  }
  const { text } = entry;
  if (text === undefined) throw rejectFhir('BUNDLE_INVALID', { fault: 'resource is missing' });
  if (method === 'PATCH') return settlePatch(context, type, target, entryPatch(text), entry);
  if (typeIn(text) !== type) throw rejectFhir('TYPE_MISMATCH', { address: type });
  if (method === 'POST') return settleCreate(context, entry, type, text);
  if ('condition' in target) return settleUpdate(context, type, target.condition, text, entry);
  if (idIn(text) !== target.id) throw rejectFhir('ID_MISMATCH');
  return { operation: { action: 'update', type, id: target.id, text, ...writePrecondition(entry) } };
}

async function settleCreate(
  context: FhirContext,
  { ifNoneExist }: RequestEntry,
  type: string,
  text: string,
): Promise<Outcome> {
  const operation = { action: 'create', type, id: randomUUID(), isNew: true, text } as const;
  if (ifNoneExist === undefined) return { operation };
  const { row, interactions } = await matchCondition(context, type, conditionOf(ifNoneExist));
  if (row === undefined) return { operation, interactions };
  const stored = await textOf(context, row);
  return { existing: { row, text: stored, existed: true, changed: false }, interactions };
}
