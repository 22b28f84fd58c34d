import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { RequestBundle, RequestEntry } from './bundle-request.ts';
import { bundleText, type EntryText, resultToEntry } from './bundle-text.ts';
import { rejectFhir } from './codes.ts';
import { commitWrites, untilUncontended } from './commit-write.ts';
import { inTurn } from './conditional-write.ts';
import { matchCondition } from './conditions.ts';
import type { FhirContext, FhirResult, Preference } from './context.ts';
import { inEntry, prepareWrites, type WriteOperation } from './prepare-write.ts';
import { joinInteractions } from './read-decision.ts';
import { isConditionalReference, referencesIn } from './references.ts';
import { isConditional, rankOf, type Settled, settle } from './settle-entry.ts';
import { answer, deletedAnswer } from './write.ts';

/**
 * Transaction (R4 §3.1.0.11.2): everything is written in one call of the vault or nothing is; links between entries are
 * rewritten. `readEntry` answers GET entries; they see what the transaction wrote. One that makes something because a
 * condition found nothing waits for those before it, so that it sees what they made; where all is found, nobody waits.
 */
export async function transaction(
  context: FhirContext,
  bundle: RequestBundle,
  prefer: Preference,
  readEntry: (entry: RequestEntry) => Promise<EntryText>,
): Promise<FhirResult> {
  const settled = await untilUncontended(async () => {
    const found = await settleEntries(context, bundle);
    return found.settled.some(makesWhatIsMissing)
      ? undefined
      : processTransaction(context, bundle, found, prefer, readEntry);
  });
  if (settled !== undefined) return settled;
  return inTurn(context, async () =>
    processTransaction(context, bundle, await settleEntries(context, bundle), prefer, readEntry),
  );
}

/** True when an entry writes a new resource since its condition found none. */
function makesWhatIsMissing(item: Settled): boolean {
  if (!('operation' in item) || !isConditional(item.entry)) return false;
  const { action, isNew, seen } = item.operation;
  return action !== 'delete' && (isNew === true || seen === 0);
}

interface SettledEntries {
  readonly settled: readonly Settled[];
  /** To be journalled with what is written; more is added as references are looked up. */
  readonly interactions: InteractionHeader[];
}

/** What the entries that write come to, by what is stored now. */
async function settleEntries(context: FhirContext, bundle: RequestBundle): Promise<SettledEntries> {
  const interactions: InteractionHeader[] = [];
  const settled: Settled[] = [];
  for (const entry of bundle.entries) {
    if (isRead(entry)) continue;
    settled.push(await inContextOf(entry.index, () => settle(context, entry, interactions)));
  }
  return { settled, interactions };
}

async function processTransaction(
  context: FhirContext,
  bundle: RequestBundle,
  { settled, interactions }: SettledEntries,
  prefer: Preference,
  readEntry: (entry: RequestEntry) => Promise<EntryText>,
): Promise<FhirResult> {
  const inOrder = settled
    .flatMap((item) => ('operation' in item ? [item] : []))
    .sort((a, b) => rankOf(a.entry) - rankOf(b.entry));
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
  for (const [at, { entry, operation }] of inOrder.entries()) {
    const version = written[at];
    const result =
      operation.action === 'delete' || version === undefined
        ? deletedAnswer(version, preference)
        : answer(context, version, preference);
    answers.set(entry.index, resultToEntry(result));
  }
  for (const item of settled) {
    if ('existing' in item) answers.set(item.entry.index, resultToEntry(answer(context, item.existing, preference)));
    if ('absent' in item) answers.set(item.entry.index, resultToEntry(deletedAnswer(undefined, preference)));
  }
  for (const entry of bundle.entries) if (isRead(entry)) answers.set(entry.index, await readEntry(entry));
  return {
    status: 200,
    body: bundleText(
      'transaction-response',
      [],
      bundle.entries.map((entry) => answers.get(entry.index) as EntryText),
    ),
  };
}

function isRead({ method }: RequestEntry): boolean {
  return method === 'GET' || method === 'HEAD';
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
    const { fullUrl } = item.entry;
    if (fullUrl === undefined || 'absent' in item) continue;
    if ('operation' in item && item.operation.action === 'delete') continue;
    const { type, id } = 'operation' in item ? item.operation : item.existing.row;
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
