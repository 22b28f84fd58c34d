import { randomUUID } from 'node:crypto';
import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { RequestBundle, RequestEntry } from './bundle-request.ts';
import { bundleText, type EntryText, resultToEntry } from './bundle-text.ts';
import { rejectFhir } from './codes.ts';
import { commitWrites, type WrittenVersion } from './commit-write.ts';
import { matchCondition, oneAtATime } from './conditions.ts';
import type { FhirContext, FhirResult, Preference } from './context.ts';
import { inEntry, prepareWrites, type WriteOperation } from './prepare-write.ts';
import { textOf } from './read.ts';
import { joinInteractions } from './read-decision.ts';
import { isConditionalReference, referencesIn } from './references.ts';
import { answer, idIn, ifMatchOf, typeIn } from './write.ts';

/** What an entry asks to be written, or the resource that its If-None-Exist found. */
type Settled =
  | { readonly entry: RequestEntry; readonly operation: WriteOperation }
  | { readonly entry: RequestEntry; readonly existing: WrittenVersion };

/**
 * Transaction (R4 §3.1.0.11.2): everything is written in one call of the vault or nothing is; links between entries are
 * rewritten. `readEntry` answers GET entries; they see what the transaction wrote.
 */
export function transaction(
  context: FhirContext,
  bundle: RequestBundle,
  prefer: Preference,
  readEntry: (entry: RequestEntry) => Promise<EntryText>,
): Promise<FhirResult> {
  const conditional = bundle.entries.some((entry) => entry.ifNoneExist !== undefined);
  const work = () => processTransaction(context, bundle, prefer, readEntry);
  return conditional ? oneAtATime(context.vault, work) : work();
}

async function processTransaction(
  context: FhirContext,
  bundle: RequestBundle,
  prefer: Preference,
  readEntry: (entry: RequestEntry) => Promise<EntryText>,
): Promise<FhirResult> {
  const interactions: InteractionHeader[] = [];
  const settled: Settled[] = [];
  for (const entry of bundle.entries) {
    if (entry.method === 'GET') continue;
    settled.push(await inContextOf(entry.index, () => settle(context, entry, interactions)));
  }
  const inOrder = settled
    .flatMap((item) => ('operation' in item ? [item] : []))
    .sort((a, b) => rank(a.entry) - rank(b.entry));
  refuseOverlap(inOrder.map(({ operation }) => operation));
  const target = await createTarget(context, settled, interactions);
  const prepared = await prepareWrites(
    context,
    inOrder.map(({ operation }) => operation),
    { target },
  );
  const written = await commitWrites(context, prepared, joinInteractions(interactions));

  // Entries want no body unless asked for: the client has just sent it.
  const preference: Preference = { return: 'minimal', ...prefer };
  const answers = new Map<number, EntryText>();
  for (const [at, { entry }] of inOrder.entries()) {
    const version = written[at];
    const removed = entry.method === 'DELETE';
    answers.set(
      entry.index,
      resultToEntry(removed || version === undefined ? { status: 204 } : answer(context, version, preference)),
    );
  }
  for (const item of settled) {
    if ('existing' in item) answers.set(item.entry.index, resultToEntry(answer(context, item.existing, preference)));
  }
  for (const entry of bundle.entries) {
    if (entry.method === 'GET') answers.set(entry.index, await readEntry(entry));
  }
  return {
    status: 200,
    body: bundleText(
      'transaction-response',
      [],
      bundle.entries.map((entry) => answers.get(entry.index) as EntryText),
    ),
  };
}

/** Order of processing: DELETE, POST, PUT (R4 §3.1.0.11.2). */
function rank(entry: RequestEntry): number {
  return ['DELETE', 'POST', 'PUT'].indexOf(entry.method);
}

async function settle(context: FhirContext, entry: RequestEntry, interactions: InteractionHeader[]): Promise<Settled> {
  const { method, url, text, index } = entry;
  const [path, condition] = url.split('?') as [string, string | undefined];
  const [type, id, ...rest] = path.split('/') as [string, string | undefined, ...string[]];
  if (condition !== undefined || rest.length > 0 || (id === undefined) !== (method === 'POST') || rank(entry) === -1) {
    throw rejectFhir('INTERACTION_UNSUPPORTED', { method });
  }
  if (context.definitions.resources[type] === undefined) throw rejectFhir('TYPE_UNKNOWN');
  if (method === 'DELETE')
    return {
      entry,
      operation: { action: 'delete', type, id: id as string, entry: index, ...ifMatchOf(entry.ifMatch) },
    };
  if (text === undefined) throw rejectFhir('BUNDLE_INVALID', { fault: 'resource is missing' });
  if (typeIn(text) !== type) throw rejectFhir('TYPE_MISMATCH', { address: type });
  if (method === 'PUT') {
    if (!/^[A-Za-z0-9\-.]{1,64}$/.test(id as string)) throw rejectFhir('ID_INVALID');
    if (idIn(text) !== id) throw rejectFhir('ID_MISMATCH');
    return {
      entry,
      operation: { action: 'update', type, id: id as string, text, entry: index, ...ifMatchOf(entry.ifMatch) },
    };
  }
  if (entry.ifNoneExist !== undefined) {
    const match = await matchCondition(context, type, entry.ifNoneExist.replace(/^[^?]*\?/, ''));
    interactions.push(...match.interactions);
    if (match.row !== undefined) {
      const stored = await textOf(context, match.row);
      return { entry, existing: { row: match.row, text: stored, existed: true, changed: false } };
    }
  }
  return { entry, operation: { action: 'create', type, id: randomUUID(), text, entry: index } };
}

function refuseOverlap(operations: readonly WriteOperation[]): void {
  const seen = new Set<string>();
  for (const { type, id, entry } of operations) {
    const key = `${type}/${id}`;
    if (seen.has(key)) throw rejectFhir('BUNDLE_OVERLAP', { entry: entry ?? 0 });
    seen.add(key);
  }
}

/**
 * Where links of the Bundle lead: a fullUrl to the resource its entry wrote or found; a relative reference to an entry
 * whose fullUrl ends in it; a conditional reference to its one match, journalled as seen.
 */
async function createTarget(
  context: FhirContext,
  settled: readonly Settled[],
  interactions: InteractionHeader[],
): Promise<(value: string) => string | undefined> {
  const targets = new Map<string, string>();
  for (const item of settled) {
    const { type, id } = 'operation' in item ? item.operation : item.existing.row;
    const { fullUrl } = item.entry;
    if (fullUrl === undefined || ('operation' in item && item.operation.action === 'delete')) continue;
    targets.set(fullUrl, `${type}/${id}`);
    const relative = /(?:^|\/)([A-Z][A-Za-z]{1,63}\/[A-Za-z0-9\-.]{1,64})$/.exec(fullUrl)?.[1];
    if (relative?.startsWith(`${type}/`)) targets.set(relative, `${type}/${id}`);
  }
  // One after the other, each once, so that what is refused and journalled does not depend on timing.
  for (const { entry, ...item } of settled) {
    const { type, text } = 'operation' in item ? item.operation : { type: '', text: undefined };
    // A stored Bundle (a document, a message) is closed: nothing in it is rewritten.
    if (text === undefined || type === 'Bundle') continue;
    for (const { value } of referencesIn(text)) {
      if (targets.has(value) || !isConditionalReference(value)) continue;
      const match = await inContextOf(entry.index, () => matchReference(context, value));
      interactions.push(...match.interactions);
      targets.set(value, match.address);
    }
  }
  return (value) => targets.get(value);
}

/** The one resource that a conditional reference names. */
async function matchReference(context: FhirContext, reference: string) {
  const [type, condition] = reference.split(/\?(.*)/s) as [string, string];
  if (context.definitions.resources[type] === undefined) throw rejectFhir('TYPE_UNKNOWN');
  const { row, interactions } = await matchCondition(context, type, condition);
  if (row === undefined) throw rejectFhir('CONDITION_UNMATCHED', { resource: type });
  return { address: `${type}/${row.id}`, interactions };
}

async function inContextOf<T>(entry: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw inEntry(thrown, entry);
  }
}
