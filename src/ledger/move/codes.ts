import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of moving a ledger from one host to another. */
export const CODES = {
  EXPORT_FOLDER_IN_USE: {
    kind: 'conflict',
    sentence: 'The folder for the export holds files. Choose one that is empty or not there yet.',
  },
  EXPORT_LOG_INCOMPLETE: {
    kind: 'unavailable',
    sentence:
      'This node lacks old entries of the log, so an export would lose receipts. Wait until it has fetched them from the other members, or export from another node.',
  },
  EXPORT_MALFORMED: {
    kind: 'invalid',
    sentence:
      'The folder holds no whole export of a ledger. Copy it again, all its files, or export the ledger once more.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
