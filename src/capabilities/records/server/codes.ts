import type { CodeCatalogue } from '../../../std/reject.ts';

/** Why a receipt cannot be issued or a version erased, now or at all. */
export const CODES = {
  RECEIPT_SUBJECT_UNKNOWN: { kind: 'unknown', sentence: 'There is nothing here that such a receipt could be about.' },
  RECEIPT_NOT_ANCHORED: {
    kind: 'unavailable',
    sentence: 'The journal entry is durable here but not yet anchored on the ledger; ask again in a few seconds.',
  },
  RECEIPT_ERASED: {
    kind: 'unknown',
    sentence:
      'The version was erased: its key and salt are gone, so nothing opens its leaf; the ledger’s mark of the erasure has a receipt.',
    httpStatus: 410,
  },
  RECEIPT_UNSIGNED: {
    kind: 'unknown',
    sentence:
      'The ledger refused the transaction before its signatures were found right, so nobody’s act is proved by it.',
  },
  ERASURE_MALFORMED: {
    kind: 'invalid',
    sentence:
      'An erasure takes {patientId} or {versions: [{type, id, version}]}, and confirm: how many versions it erases.',
  },
  ERASURE_NOT_ENTITLED: { kind: 'denied', sentence: 'Only the custodian’s own administration erases versions.' },
  ERASURE_NOTHING: { kind: 'unknown', sentence: 'There is no such version here that is not erased already.' },
  ERASURE_UNCONFIRMED: {
    kind: 'conflict',
    sentence:
      'Erasing cannot be undone. Nothing was erased; send it again with confirm: the number of versions in the data.',
  },
  ERASURE_UNKNOWN: { kind: 'unknown', sentence: 'There is no erasure of that id here.' },
  RECEIPT_ENTRY_MISSING: {
    kind: 'unavailable',
    sentence:
      'This node joined by a snapshot and does not hold the transaction yet; ask again later, or ask another member’s node.',
  },
  RECEIPT_HEAD_MOVING: { kind: 'unavailable', sentence: 'The ledger moved on while the receipt was made; ask again.' },
} as const satisfies CodeCatalogue;
