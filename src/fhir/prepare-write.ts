import { isReject, Reject } from '../std/reject.ts';
import type { VersionRow } from '../vault/vault.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext } from './context.ts';
import { type ParsedResource, patientOf } from './patient-account.ts';
import type { WritePrecondition } from './precondition.ts';
import { textOf } from './read.ts';
import { decideRead } from './read-decision.ts';
import { createRecordAccounts } from './record-account.ts';
import { isOfOwner, isShared } from './record-kinds.ts';
import { isConditionalReference, localReference, referencesIn, rewriteLinks } from './references.ts';
import { authoredText } from './resource-text.ts';
import { refuseInvalid } from './validate.ts';
import { type ValidationThread, validationThread } from './validation-thread.ts';
import { requireWriter, WRITE_PERMISSION } from './write-decision.ts';

/** One write that a request asks for. `id` is settled: the server's for a create, the address's otherwise. */
export interface WriteOperation extends WritePrecondition {
  readonly action: 'create' | 'update' | 'delete';
  readonly type: string;
  readonly id: string;
  /** The id was drawn for this write, so nothing is stored under it and nobody need look. */
  readonly isNew?: true;
  /** Exact text of the resource; absent for a delete. */
  readonly text?: string;
  /** Version that this was made from, 0 for none: another current one is WRITE_CONTENDED, and the maker tries again. */
  readonly seen?: number;
  /** Index of the Bundle's entry this comes from, named in refusals. */
  readonly entry?: number;
}

/** A write whose resource is rewritten, checked and understood. */
export interface PreparedWrite extends WriteOperation {
  readonly resource?: ParsedResource;
  /** Patient whose account it belongs to; undefined for the custodian's own and for deletes. */
  readonly patient?: string;
  /** The account itself, where what it is about says whose it is, and no reference names a Patient. */
  readonly account?: string;
  /** The content is stored already: nothing to write. */
  readonly unchanged?: true;
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
 * Rewrites links, checks that every reference leads somewhere, validates. Throws WRITE_DENIED (journalled) before it looks
 * anything up, else the first refusal, with the entry it is about. Writes nothing.
 */
export async function prepareWrites(
  context: FhirContext,
  operations: readonly WriteOperation[],
  options: PrepareOptions = {},
): Promise<PreparedWrite[]> {
  await requireWriter(context, operations);
  const ruled = await ruledOperations(context, operations);
  const resolves = createResolver(context, ruled);
  // Side by side, since each looks into the vault; the first in order is the one that is refused all the same.
  const prepared = await Promise.allSettled(
    ruled.map((operation) => prepareOne(context, operation, options, resolves)),
  );
  return withAccounts(
    context,
    prepared.map((one, at) => {
      if (one.status === 'rejected') throw refusedAt(one.reason, ruled[at]?.entry);
      return one.value;
    }),
  );
}

/** The same with whose they are, also where only what they are about says so: that may be in this request. */
async function withAccounts(context: FhirContext, writes: readonly PreparedWrite[]): Promise<PreparedWrite[]> {
  const whoseIs = createRecordAccounts(context, writes);
  const owned: PreparedWrite[] = [];
  for (const write of writes) {
    try {
      owned.push({ ...write, ...(await whoseIs(write)) });
    } catch (thrown) {
      throw refusedAt(thrown, write.entry);
    }
  }
  return owned;
}

/** Operations as the rules of their types would have them. Throws the first refusal, with the entry it is about. */
async function ruledOperations(
  { writeRules = [], vault, caller }: FhirContext,
  operations: readonly WriteOperation[],
): Promise<readonly WriteOperation[]> {
  if (!operations.some(({ type }) => writeRules.some((rule) => rule.type === type))) return operations;
  const ruled: WriteOperation[] = [];
  for (const operation of operations) {
    const rule = writeRules.find(({ type }) => type === operation.type);
    try {
      const text = await rule?.judge({ vault, caller }, operation);
      ruled.push(text === undefined ? operation : { ...operation, text });
    } catch (thrown) {
      throw refusedAt(thrown, operation.entry);
    }
  }
  return ruled;
}

/**
 * Validates what `prepareWrites` left unvalidated, on another thread where there is one, so that meanwhile another
 * request is prepared or committed. Throws the first refusal, with the entry it is about.
 */
export async function validatePrepared(
  { validator, packageFiles }: FhirContext,
  writes: readonly PreparedWrite[],
  thread: ValidationThread | undefined = validationThread,
): Promise<void> {
  const resources = writes.flatMap(({ resource, entry }) => (resource === undefined ? [] : [{ resource, entry }]));
  const verdict = await thread?.validate(
    resources.map(({ resource }) => JSON.stringify(resource)),
    packageFiles,
  );
  if (verdict === 'valid') return;
  if (typeof verdict === 'object') throw refusedAt(verdict.refusal, resources[verdict.at]?.entry);
  for (const { resource, entry } of resources) {
    try {
      refuseInvalid(resource, validator);
    } catch (thrown) {
      throw refusedAt(thrown, entry);
    }
  }
}

function refusedAt(thrown: unknown, entry: number | undefined): unknown {
  return entry === undefined ? thrown : inEntry(thrown, entry);
}

const linkSets = new WeakMap<readonly string[], ReadonlySet<string>>();

async function prepareOne(
  context: FhirContext,
  operation: WriteOperation,
  options: PrepareOptions,
  resolves: Resolver,
): Promise<PreparedWrite> {
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
  const current = options.skipStored === true ? await context.vault.current(type, id) : undefined;
  if (current !== undefined && (await isStored(context, current, text))) return { ...operation, text, unchanged: true };
  if (!closed) {
    const values = new Set(referencesIn(text).map(({ value }) => value));
    const resolved = await Promise.all([...values].map((value) => resolves(value, operation)));
    if (resolved.includes(false)) {
      throw rejectFhir('REFERENCE_UNRESOLVED', { resource: type });
    }
  }
  const resource = JSON.parse(text) as ParsedResource;
  // A create's own id is ignored and replaced (R4 §3.1.0.8), so it is not judged either.
  const identified = { ...resource, id };
  if (options.unvalidated !== true) refuseInvalid(identified, context.validator);
  const patient = patientOf(identified, definitions, baseUrl);
  const seen = options.skipStored === true ? { seen: current?.version ?? 0 } : {};
  return { ...operation, text, resource: identified, ...seen, ...(patient === undefined ? {} : { patient }) };
}

type Resolver = (reference: string, by: WriteOperation) => Promise<boolean>;

/**
 * True when the reference needs no target here (fragment, address of others) or has one, stored or in this request. For an
 * app there are no targets in accounts that it may not write to, but those that are for everybody: a reference must not
 * tell it what is there. Nor are there, for anybody, targets that are their owner's alone and not the writer's.
 */
function createResolver(context: FhirContext, operations: readonly WriteOperation[]): Resolver {
  const { vault, definitions, access, caller } = context;
  const written = new Map<string, boolean>();
  const made = new Map<string, number>();
  const stored = new Map<string, Promise<VersionRow | undefined>>();
  for (const { type, id, action, seen } of operations) {
    written.set(`${type}/${id}`, action !== 'delete');
    if (seen !== undefined) made.set(`${type}/${id}`, seen + 1);
  }
  const storedRow = (type: string, id: string): Promise<VersionRow | undefined> => {
    const key = `${type}/${id}`;
    let row = stored.get(key);
    if (row === undefined) {
      row = definitions.resources[type] === undefined ? Promise.resolve(undefined) : vault.current(type, id);
      stored.set(key, row);
    }
    return row;
  };
  const isReached = ({ account, type: target }: VersionRow, { type, action }: WriteOperation): boolean =>
    caller.grant === undefined ||
    (account === vault.custodian && isShared(target)) ||
    access.write(caller, { account, type, permission: WRITE_PERMISSION[action] }).decision === 'permit';

  return async (reference, by) => {
    if (reference.startsWith('#')) return true;
    const local = localReference(reference, context.baseUrl);
    if (local === undefined) return isOfOthers(reference);
    const key = `${local.type}/${local.id}`;
    const isWritten = written.get(key);
    if (isWritten === false) return false;
    if (isWritten === undefined) {
      const row = await storedRow(local.type, local.id);
      if (row === undefined || row.deleted || !isReached(row, by)) return false;
      if (isOfOwner(local.type) && (await decideRead(context, [row])).visible.length === 0) return false;
    }
    // A version that this request makes, where it knows from which one.
    if (local.version !== undefined && made.get(key) === local.version) return true;
    return local.version === undefined || (await vault.version(local.type, local.id, local.version)) !== undefined;
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
async function isStored(context: FhirContext, current: VersionRow, text: string): Promise<boolean> {
  const { type, id, deleted } = current;
  if (deleted) return false;
  const content = authoredText(text);
  for (let after: string | undefined; ; ) {
    const page = await context.vault.history(type, id, context.limits.pageDefault, after);
    for (const row of page.rows) {
      if (!row.deleted && !row.erased && authoredText(await textOf(context, row)) === content) return true;
    }
    if (page.next === undefined) return false;
    after = page.next;
  }
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
