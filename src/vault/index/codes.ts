import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of the search index. */
export const CODES = {
  INDEX_BUILDING: {
    kind: 'unavailable',
    sentence: 'The search index is being built; reading and writing go on. Search again when it is done.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
