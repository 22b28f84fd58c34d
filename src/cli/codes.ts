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
  FILE_UNWRITABLE: {
    kind: 'unavailable',
    sentence:
      'A file or folder named on the command line cannot be written; check the path, its rights and free space.',
  },
  PASSPHRASE_MISSING: {
    kind: 'invalid',
    sentence:
      'A wallet needs its passphrase, twice the same for a new one; put it into ACESO_WALLET_PASSPHRASE where nobody can be asked.',
  },
  FILE_EXISTS: {
    kind: 'conflict',
    sentence: 'The file is there already and is not overwritten, since it may hold the only copy of a key.',
  },
  CHOICE_NOT_FOUND: {
    kind: 'unknown',
    sentence: 'No policy, or more than one, begins with this id; `aceso consent list` shows them.',
  },
  ORGANISATION_NAME_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The node has no organisation of this name; give its account, 32 hexadecimal digits.',
  },
  NODE_UNREACHABLE: {
    kind: 'unavailable',
    sentence: 'The node does not answer; start it with `aceso start`, or check the address.',
  },
  DEMO_NODE_UNSUITED: {
    kind: 'conflict',
    sentence: 'The story needs a node of its own with the synthetic patients; name a new folder with --out DIR.',
  },
  DEMO_FOLDER_TAKEN: {
    kind: 'conflict',
    sentence: 'The folder of the story is there already; remove it or name another with --out DIR.',
  },
  RECEIPTS_UNVERIFIED: {
    kind: 'invalid',
    sentence: 'At least one receipt did not verify; each is named above with the reason.',
  },
} as const satisfies CodeCatalogue;
