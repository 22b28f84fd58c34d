import type { RequestEntry } from './bundle-request.ts';
import { bundleText, type EntryText, resultToEntry } from './bundle-text.ts';
import { rejectFhir } from './codes.ts';
import type { FhirContext, FhirRequest, FhirResult, Preference } from './context.ts';
import { refusalOf, rejectToOutcome, statusOf } from './outcome.ts';
import { entryPatch } from './patch-write.ts';

/** How one interaction is done; the router, which a batch calls for each of its entries. */
export type Interact = (context: FhirContext, request: FhirRequest) => Promise<FhirResult>;

/**
 * Batch (R4 §3.1.0.11.1): each entry alone, in order; one that fails stops no other. Entries that would read more than one
 * answer may have are refused with ANSWER_TOO_LARGE, those that write are done.
 */
export async function batch(
  context: FhirContext,
  entries: readonly RequestEntry[],
  prefer: Preference,
  interact: Interact,
): Promise<FhirResult> {
  const answers: EntryText[] = [];
  let chars = 0;
  const bounded: Interact = (of, request) => {
    if (request.method === 'GET' && chars > context.limits.answerChars) throw rejectFhir('ANSWER_TOO_LARGE');
    return interact(of, request);
  };
  for (const entry of entries) {
    const answer = await interactAlone(context, entry, prefer, bounded);
    chars += answer.resource?.length ?? 0;
    answers.push(answer);
  }
  return { status: 200, body: bundleText('batch-response', [], answers) };
}

/** One entry, whose failure is its answer. */
export async function interactAlone(
  context: FhirContext,
  entry: RequestEntry,
  prefer: Preference,
  interact: Interact,
): Promise<EntryText> {
  try {
    const result = await interact(context, entryToRequest(entry, prefer));
    return resultToEntry(entry.method === 'HEAD' ? withoutBody(result) : result);
  } catch (thrown) {
    const refusal = refusalOf(thrown);
    // The entries before this one are written, and the client must learn of them: a bug in one fails that one.
    if (refusal.code === 'INTERNAL') context.reportFailure(thrown);
    return { response: { status: String(statusOf(refusal)), outcome: JSON.stringify(rejectToOutcome(refusal)) } };
  }
}

function entryToRequest(entry: RequestEntry, prefer: Preference): FhirRequest {
  const { method, url, text, index: _index, fullUrl: _fullUrl, ...conditions } = entry;
  const [path, query] = url.split(/\?(.*)/s) as [string, string | undefined];
  if (path === '' || path === 'metadata') throw rejectFhir('INTERACTION_UNSUPPORTED', { method });
  const isRead = method === 'GET' || method === 'HEAD';
  const body = method === 'PATCH' && text !== undefined ? entryPatch(text) : text === undefined ? {} : { text };
  return {
    method,
    path,
    query: new URLSearchParams(query),
    // What is written needs no body unless it is asked for: the client has just sent it.
    prefer: isRead ? prefer : { return: 'minimal', ...prefer },
    ...body,
    ...conditions,
  };
}

function withoutBody({ body: _body, ...result }: FhirResult): FhirResult {
  return result;
}
