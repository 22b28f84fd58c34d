import { type RequestEntry, readBundle } from './bundle-request.ts';
import { bundleText, type EntryText, resultToEntry } from './bundle-text.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirRequest, FhirResult, Preference } from './context.ts';
import { refusalOf, rejectToOutcome, statusOf } from './outcome.ts';
import { history, read, readVersion } from './read.ts';
import { search } from './search.ts';
import { transaction } from './transaction.ts';
import { create, remove, update } from './write.ts';

const ID = /^[A-Za-z0-9\-.]{1,64}$/;

/** Methods that a path takes, for 405 and its Allow header; undefined when nothing is there. */
function methodsOf(path: string, isType: (type: string) => boolean): readonly string[] | undefined {
  const [type, second, third, fourth, ...rest] = path.split('/') as [string, ...string[]];
  if (path === '') return ['POST'];
  if (path === 'metadata') return ['GET'];
  if (!isType(type) || rest.length > 0) return undefined;
  if (second === undefined) return ['GET', 'POST'];
  if (second === '_search') return third === undefined ? ['POST'] : undefined;
  if (second.startsWith('_') || second.startsWith('$')) return undefined;
  if (third === undefined) return ['GET', 'PUT', 'DELETE'];
  return third === '_history' && fourth !== '' ? ['GET'] : undefined;
}

/**
 * One interaction, from HTTP or from an entry of a Bundle. Everything that is decided and journalled happens in here.
 * Throws ROUTE_UNKNOWN, TYPE_UNKNOWN, INTERACTION_UNSUPPORTED and what the interactions throw.
 */
export async function interact(context: FhirContext, request: FhirRequest): Promise<FhirResult> {
  const { path, method, query, prefer } = request;
  const methods = methodsOf(path, (type) => context.definitions.resources[type] !== undefined);
  if (methods === undefined)
    throw rejectFhir(/^[A-Z][A-Za-z]*(?:\/|$)/.test(path) && !path.includes('$') ? 'TYPE_UNKNOWN' : 'ROUTE_UNKNOWN');
  if (!methods.includes(method)) throw rejectFhir('INTERACTION_UNSUPPORTED', { allow: methods.join(', ') });
  const [type, id, , version] = path.split('/') as [string, string, string, string | undefined];
  if (path === '') return bundle(context, request);
  // Before any id gets as far as the vault.
  if (id !== undefined && id !== '_search' && !ID.test(id))
    throw rejectFhir(method === 'GET' ? 'NOT_FOUND' : 'ID_INVALID');
  if (method === 'PUT') return update(context, type, id, request);
  if (method === 'DELETE') return remove(context, type, id, request);
  if (id === undefined)
    return method === 'POST' ? create(context, type, request) : search(context, type, query, prefer.lenient);
  if (id === '_search') return search(context, type, query, prefer.lenient);
  if (version !== undefined) return readVersion(context, type, id, version);
  return path.endsWith('/_history') ? history(context, type, id, query, prefer.lenient) : read(context, type, id);
}

function bundle(context: FhirContext, request: FhirRequest): Promise<FhirResult> {
  if (request.text === undefined) throw rejectFhir('BODY_EMPTY');
  const read = readBundle(request.text, context.baseUrl, context.limits);
  const alone = (entry: RequestEntry) => interactAlone(context, entry, request.prefer);
  if (read.type === 'transaction') return transaction(context, read, request.prefer, alone);
  return batch(read.entries, alone);
}

/** Batch (R4 §3.1.0.11.1): each entry alone, in order; one that fails stops no other. */
async function batch(
  entries: readonly RequestEntry[],
  alone: (entry: RequestEntry) => Promise<EntryText>,
): Promise<FhirResult> {
  const answers: EntryText[] = [];
  for (const entry of entries) answers.push(await alone(entry));
  return { status: 200, body: bundleText('batch-response', [], answers) };
}

async function interactAlone(context: FhirContext, entry: RequestEntry, prefer: Preference): Promise<EntryText> {
  try {
    const [path, query] = entry.url.split(/\?(.*)/s) as [string, string | undefined];
    if (path === '' || path === 'metadata') throw rejectFhir('INTERACTION_UNSUPPORTED', { method: entry.method });
    const result = await interact(context, {
      method: entry.method,
      path,
      query: new URLSearchParams(query),
      prefer: entry.method === 'GET' ? prefer : { return: 'minimal', ...prefer },
      ...(entry.text === undefined ? {} : { text: entry.text }),
      ...(entry.ifMatch === undefined ? {} : { ifMatch: entry.ifMatch }),
      ...(entry.ifNoneExist === undefined ? {} : { ifNoneExist: entry.ifNoneExist }),
    });
    return resultToEntry(result);
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    // The entries before this one are written, and the client must learn of them: a bug in one fails that one.
    if (refusal.code === 'INTERNAL') context.reportFailure(thrown);
    return { response: { status: String(statusOf(refusal)), outcome: rejectToOutcome(refusal) } };
  }
}
