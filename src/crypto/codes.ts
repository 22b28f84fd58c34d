import type { CodeCatalogue } from '../std/reject.ts';

/** Refusals of src/crypto. */
export const CODES = {
  SEALING_SUITE_UNKNOWN: {
    kind: 'invalid',
    sentence:
      'The sealing key or sealed box is of a suite that this version does not know. Update, or use a key of a suite that it does.',
  },
  SEALING_KEY_INVALID: {
    kind: 'invalid',
    sentence: 'The public key to seal to is no key of its suite. Ask its owner to register a sealing key again.',
  },
} as const satisfies CodeCatalogue;
