import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** What can be wrong with the copy of a database. */
export const CODES = {
  BACKUP_ROWS_DAMAGED: {
    kind: 'invalid',
    sentence: 'A file of the backup is cut short, altered, or sealed under another root key. Take another backup.',
  },
  BACKUP_DISTURBED: {
    kind: 'unavailable',
    sentence:
      'Records were erased while they were copied, again and again. Start the backup again when erasing is over.',
  },
  BACKUP_TARGET_TAKEN: {
    kind: 'conflict',
    sentence:
      'The database holds a vault of this organisation already, and nothing is written over it. Name another database, or drop the schema named after you made sure that nobody needs it.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
