import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of the records contract. */
export const CODES = {
  JOURNAL_GENERATION: {
    kind: 'conflict',
    sentence:
      'The journal is in another generation. A closed one takes no more anchors; see the last anchor in the data.',
  },
  JOURNAL_ANCHOR_UNCHANGED: { kind: 'conflict', sentence: 'This is the last anchor already. There is nothing to do.' },
  JOURNAL_BASE: {
    kind: 'conflict',
    sentence: 'The consistency proof starts at another size than that of the last anchor. Make it again from there.',
  },
  JOURNAL_SHRUNK: {
    kind: 'conflict',
    sentence:
      'The journal is shorter than its last anchor. A custodian that lost entries asks the members for a restart.',
  },
  JOURNAL_FORKED: { kind: 'conflict', sentence: 'The journal has another root than its last anchor at the same size.' },
  JOURNAL_INCONSISTENT: {
    kind: 'invalid',
    sentence: 'The consistency proof does not show that the journal extends its last anchor.',
  },
  JOURNAL_KEPT_SIZE: { kind: 'invalid', sentence: 'A restart cannot keep more entries than the last anchor counts.' },
  ERASURE_NOT_ANCHORED: {
    kind: 'conflict',
    sentence: 'An erasure names an entry beyond the last anchor of its generation. Anchor the journal first.',
  },
  ERASURE_REPEATED: { kind: 'invalid', sentence: 'The message names an entry twice.' },
} as const satisfies CodeCatalogue;

/** Thrower for this contract: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
