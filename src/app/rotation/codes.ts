import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** What keeps a key from being changed. */
export const CODES = {
  ROTATION_UNDER_WAY: {
    kind: 'conflict',
    sentence: 'The index of this organisation is being brought under a new key already; wait until it is done.',
  },
  ROTATION_FAILED: {
    kind: 'unavailable',
    sentence:
      'The change of the index key stopped for a reason that the node’s log names. Searches stay right; start it again to go on.',
  },
  ROOT_KEY_FILES_DIFFER: {
    kind: 'conflict',
    sentence:
      'Beside the root key lies another new one than this data folder was brought under, so none was taken away. Keep both files, and find out which copy of the folder each belongs to.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
