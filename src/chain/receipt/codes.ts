import type { CodeCatalogue } from '../../std/reject.ts';

/** Why a receipt or a trust file is refused. */
export const CODES = {
  TRUST_MALFORMED: {
    kind: 'invalid',
    sentence:
      'The trust file is neither a genesis document nor a checkpoint in exact bytes; get it again from a member you trust.',
  },
  RECEIPT_MALFORMED: {
    kind: 'invalid',
    sentence: 'The file is not a receipt in exact RFC 8785 bytes with known members only; ask for the receipt again.',
  },
  RECEIPT_OTHER_LEDGER: {
    kind: 'invalid',
    sentence:
      'The receipt is of another ledger than the trust file; use the genesis or checkpoint of the ledger that issued it.',
  },
  RECEIPT_SUBJECT_UNPROVEN: {
    kind: 'invalid',
    sentence: 'The Merkle path does not lead from the subject to the head: the receipt was altered or made up.',
  },
  RECEIPT_HEAD_UNPROVEN: {
    kind: 'invalid',
    sentence:
      'The commit does not prove the head under the keys of the trust file: the receipt was altered or made up.',
  },
  RECEIPT_COMMIT_UNKNOWN: {
    kind: 'invalid',
    sentence: 'The receipt is proved by a kind of commit that this verifier does not know; use a newer one.',
  },
  RECEIPT_SIGNATURE_WRONG: {
    kind: 'invalid',
    sentence: 'A signature in the receipt does not verify: the receipt was altered or made up.',
  },
  RECEIPT_KEY_UNKNOWN: {
    kind: 'invalid',
    sentence:
      'The receipt carries a signature by a key that the trust file does not name; use a later checkpoint, or refuse it.',
  },
  RECEIPT_CHECKPOINT_CONTRADICTED: {
    kind: 'invalid',
    sentence:
      'The receipt contradicts the checkpoint in the trust file: the ledger was forked or rewritten. Keep both files and report it.',
  },
  RECEIPT_BEFORE_CHECKPOINT: {
    kind: 'invalid',
    sentence:
      'The receipt is of an older head than the checkpoint, which says nothing of the keys before it; have the receipt issued again against a newer head.',
  },
  RECEIPT_NOT_TIED: {
    kind: 'invalid',
    sentence:
      'The receipt does not tie its log to the checkpoint, so it cannot take its place; ask for one that extends the log of the checkpoint.',
  },
  RECEIPT_CONTENT_DIFFERS: {
    kind: 'invalid',
    sentence: 'The given content is not what the receipt is about: a byte differs, or it belongs to another version.',
  },
} as const satisfies CodeCatalogue;
