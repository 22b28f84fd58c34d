import type { CodeCatalogue } from '../../std/reject.ts';

/** Why a header of CometBFT does not prove what it is shown for. */
export const CODES = {
  COMMIT_MALFORMED: {
    kind: 'invalid',
    sentence:
      'A header or commit is not in the form of CometBFT 0.38 as its RPC gives it; get it again from a member that runs that version.',
  },
  COMMIT_OTHER_CHAIN: {
    kind: 'invalid',
    sentence:
      'A header is of another chain than the one that belongs to the genesis hash; use the genesis or checkpoint of its own ledger.',
  },
  COMMIT_HEADER_DIFFERS: {
    kind: 'invalid',
    sentence: 'A commit is for another header than the one beside it: one of them was altered or made up.',
  },
  COMMIT_SET_DIFFERS: {
    kind: 'invalid',
    sentence:
      'A header is of another set of validators than the one that is trusted at its height: it was altered or made up, or a change of the set is left out before it.',
  },
  COMMIT_SIGNER_UNKNOWN: {
    kind: 'invalid',
    sentence:
      'A commit carries a signature that is by no validator of its set, or twice by one, or not in the order of the set; refuse it.',
  },
  COMMIT_SIGNATURE_WRONG: {
    kind: 'invalid',
    sentence: 'The signature of a validator in a commit does not verify: the commit was altered or made up.',
  },
  COMMIT_POWER_MISSING: {
    kind: 'invalid',
    sentence:
      'Validators with two thirds of the voting power or less signed a header, which proves nothing; refuse it.',
  },
} as const satisfies CodeCatalogue;
