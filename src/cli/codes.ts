import type { CodeCatalogue } from '../std/reject.ts';

/** What can be wrong with a command line. Exit code 2 for the first group. */
export const CODES = {
  COMMAND_UNKNOWN: { kind: 'invalid', sentence: 'There is no such command; `aceso help` lists them.' },
  ARGUMENTS_WRONG: {
    kind: 'invalid',
    sentence: 'The arguments do not fit the command; `aceso help COMMAND` shows how it is used.',
  },
  FILE_UNREADABLE: {
    kind: 'unknown',
    sentence: 'A file or folder named on the command line cannot be read; check the path and its rights.',
  },
  NODE_UNREACHABLE: {
    kind: 'unavailable',
    sentence: 'The node does not answer; start it with `aceso start`, or check the address.',
  },
  RECEIPTS_UNVERIFIED: {
    kind: 'invalid',
    sentence: 'At least one receipt did not verify; each is named above with the reason.',
  },
} as const satisfies CodeCatalogue;
