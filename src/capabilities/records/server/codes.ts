import type { CodeCatalogue } from '../../../std/reject.ts';

/** Why a receipt cannot be issued, now or at all. */
export const CODES = {
  RECEIPT_SUBJECT_UNKNOWN: { kind: 'unknown', sentence: 'There is nothing here that such a receipt could be about.' },
  RECEIPT_NOT_ANCHORED: {
    kind: 'unavailable',
    sentence: 'The journal entry is durable here but not yet anchored on the ledger; ask again in a few seconds.',
  },
  RECEIPT_HEAD_MOVING: { kind: 'unavailable', sentence: 'The ledger moved on while the receipt was made; ask again.' },
} as const satisfies CodeCatalogue;
