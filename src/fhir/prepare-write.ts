import { isReject, Reject } from '../std/reject.ts';
import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { type ParsedResource, patientOf } from './patient-account.ts';
import { textOf } from './read.ts';
import { isConditionalReference, localReference, referencesIn, rewriteLinks } from './references.ts';
import { authoredText } from './resource-text.ts';
import { validateStructure } from './validate.ts';
import { type ValidationThread, validationThread } from './validation-thread.ts';

/** One write that a request asks for. `id` is settled: the server's for a create, the address's otherwise. */
export interface WriteOperation {
  readonly action: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  /** Exact text of the resource; absent for a delete. */
  readonly text?: string;
  /** Version that must be the current one (If-Match). */
  readonly ifMatch?: number;
  /** Index of the Bundle's entry this comes from, named in refusals. */
  readonly entry?: number;
}

/** A write whose resource is rewritten, checked and understood. */
export interface PreparedWrite extends WriteOperation {
  readonly resource?: ParsedResource;
  /** Patient whose account it belongs to; undefined for the custodian's own and for deletes. */
  readonly patient?: string;
  /** The content is stored already: nothing to write. */
  readonly unchanged?: true;
  /** Version that `skipStored` found current, 0 for none. */
  readonly seen?: number;
}

export interface PrepareOptions {
  /** New target of a link, for a Bundle's own; undefined keeps it. */
  readonly target?: (value: string) => string | undefined;
  /** Leave out what has the content of a version already stored (import). */
  readonly skipStored?: boolean;
  /** Leave structural validation to the caller, who must not write before `validatePrepared`. */
  readonly unvalidated?: boolean;
}

/**
 * Rewrites links, checks that every reference leads somewhere, validates. Throws the first refusal, with the entry it
 * is about. Writes nothing.
 */
export function prepareWrites(
  context: FhirContext,
  operations: readonly WriteOperation[],
  options: PrepareOptions = {},
): PreparedWrite[] {
  const resolves = createResolver(context, operations);
  return operations.map((operation) => {
    try {
      return prepareOne(context, operation, options, resolves);
    } catch (thrown) {
      throw refusedAt(thrown, operation.entry);
    }
  });
}

/**
 * Validates what `prepareWrites` left unvalidated, on another thread where there is one, so that meanwhile another
 * request is prepared or committed. Throws the first refusal, with the entry it is about.
 */
export async function validatePrepared(
  { definitions }: FhirContext,
  writes: readonly PreparedWrite[],
  thread: ValidationThread | undefined = validationThread,
): Promise<void> {
  const resources = writes.flatMap(({ resource, entry }) => (resource === undefined ? [] : [{ resource, entry }]));
  const verdict = await thread?.validate(resources.map(({ resource }) => JSON.stringify(resource)));
  if (verdict === 'valid') return;
  if (typeof verdict === 'object') throw refusedAt(verdict.refusal, resources[verdict.at]?.entry);
  for (const { resource, entry } of resources) {
    try {
      validateStructure(resource, definitions);
    } catch (thrown) {
      throw refusedAt(thrown, entry);
    }
  }
}

function refusedAt(thrown: unknown, entry: number | undefined): unknown {
  return entry === undefined ? thrown : inEntry(thrown, entry);
}

const linkSets = new WeakMap<readonly string[], ReadonlySet<string>>();

function prepareOne(
  context: FhirContext,
  operation: WriteOperation,
  options: PrepareOptions,
  resolves: (reference: string) => boolean,
): PreparedWrite {
  const { type, id, text: given } = operation;
  if (given === undefined) return operation;
  const { definitions, baseUrl } = context;
  let text = given;
  // A stored Bundle (a document, a message) is closed: what its entries refer to is inside or elsewhere.
  const closed = type === 'Bundle';
  if (options.target !== undefined && !closed) {
    let links = linkSets.get(definitions.linkElements);
    if (links === undefined) {
      links = new Set(definitions.linkElements);
      linkSets.set(definitions.linkElements, links);
    }
    text = rewriteLinks(text, links, options.target);
  }
  const current = options.skipStored === true ? context.vault.current(type, id) : undefined;
  if (current !== undefined && isStored(context, current, text)) return { ...operation, text, unchanged: true };
  if (!closed) {
    for (const { value } of referencesIn(text)) {
      if (!resolves(value)) throw rejectFhir('REFERENCE_UNRESOLVED', { resource: type });
    }
  }
  const resource = JSON.parse(text) as ParsedResource;
  // A create's own id is ignored and replaced (R4 §3.1.0.8), so it is not judged either.
  const identified = { ...resource, id };
  if (options.unvalidated !== true) validateStructure(identified, definitions);
  const patient = patientOf(identified, definitions, baseUrl);
  const seen = options.skipStored === true ? { seen: current?.version ?? 0 } : {};
  return { ...operation, text, resource: identified, ...seen, ...(patient === undefined ? {} : { patient }) };
}

/** True when the reference needs no target here (fragment, address of others) or has one, stored or in this request. */
function createResolver(context: FhirContext, operations: readonly WriteOperation[]): (reference: string) => boolean {
  const known = new Map<string, boolean>();
  for (const { type, id, action } of operations) known.set(`${type}/${id}`, action !== 'delete');
  return (reference) => {
    if (reference.startsWith('#')) return true;
    const local = localReference(reference, context.baseUrl);
    if (local === undefined) return isOfOthers(reference);
    const key = `${local.type}/${local.id}`;
    let found = known.get(key);
    if (found === undefined) {
      const row = context.definitions.resources[local.type] && context.vault.current(local.type, local.id);
      found = row !== undefined && !row.deleted;
      known.set(key, found);
    }
    if (found && local.version !== undefined)
      return context.vault.version(local.type, local.id, local.version) !== undefined;
    return found;
  };
}

function isOfOthers(reference: string): boolean {
  return (
    /^[a-z][a-z0-9+.-]*:/i.test(reference) &&
    !/^urn:(?:uuid|oid):/i.test(reference) &&
    !isConditionalReference(reference)
  );
}

/**
 * True when a version of the resource has this content: the current one, or an earlier one, since files of one export
 * may hold an older state of the same resource, and importing them again must change nothing.
 */
function isStored(context: FhirContext, current: VersionRow, text: string): boolean {
  const { type, id, deleted } = current;
  if (deleted) return false;
  const content = authoredText(text);
  for (let after: string | undefined; ; ) {
    const page = context.vault.history(type, id, context.limits.pageDefault, after);
    if (page.rows.some((row) => !row.deleted && !row.erased && authoredText(textOf(context, row)) === content))
      return true;
    if (page.next === undefined) return false;
    after = page.next;
  }
}

/** True when others wrote one of the resources since `skipStored` looked: it may be stored by now. */
export function isOvertaken({ vault }: FhirContext, writes: readonly PreparedWrite[]): boolean {
  return writes.some(({ type, id, seen }) => seen !== undefined && (vault.current(type, id)?.version ?? 0) !== seen);
}

/** The same refusal, naming the Bundle's entry. */
export function inEntry(thrown: unknown, entry: number): unknown {
  if (!isReject(thrown)) return thrown;
  return new Reject(
    thrown.code,
    { kind: thrown.kind, sentence: thrown.message.slice(thrown.code.length + 2) },
    { ...thrown.data, entry },
  );
}
