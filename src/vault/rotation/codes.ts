import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** What can be wrong with a master key. */
export const CODES = {
  MASTER_KEY_DAMAGED: {
    kind: 'invalid',
    sentence:
      'The file master.sealed of the data folder is no wrapped key, or a character of it changed. Take it from a backup: without it nothing can be read.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
