import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of a search that was understood and is not answered here. */
export const CODES = {
  SEARCH_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'FHIR has this way of searching and this server does not; the details say which, search without it.',
  },
  SEARCH_TOO_LONG: {
    kind: 'limit',
    sentence: 'The search has more parts than the server takes; the details say which, send several searches.',
  },
} as const satisfies CodeCatalogue;

/** Thrower of this catalogue. Data holds names of parameters and counts, never values. */
export const rejectSearch = rejecter(CODES);
