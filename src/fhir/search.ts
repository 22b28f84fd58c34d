import type { FhirContext, FhirResult } from './context.ts';
import { answerSearch } from './search/answer-search.ts';

/** search-type (R4 §3.1.0.9), by GET or by POST to `_search`. Rejects as `answerSearch` does. */
export function search(
  context: FhirContext,
  type: string,
  query: URLSearchParams,
  lenient: boolean,
): Promise<FhirResult> {
  return answerSearch(context, { type, path: type }, query, lenient);
}
