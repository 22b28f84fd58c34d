import type { CodeCatalogue } from '../std/reject.ts';

/** What can be wrong with a command line. Exit code 2 for the first group. */
export const CODES = {
  COMMAND_UNKNOWN: { kind: 'invalid', sentence: 'There is no such command; `aceso help` lists them.' },
  ARGUMENTS_WRONG: {
    kind: 'invalid',
    sentence: 'The arguments do not fit the command; `aceso help COMMAND` shows how it is used.',
  },
  CONFIGURATION_WRONG: {
    kind: 'invalid',
    sentence:
      'The settings of the node do not hold, as listed; nothing was started. `aceso help start` names them all.',
  },
  NODE_NOT_SOUND: {
    kind: 'unavailable',
    sentence: 'Something of the node failed the examination; each finding above says what to do.',
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
  PLAN_UNREADABLE: {
    kind: 'invalid',
    sentence: 'The plan is not JSON, for the reason given; `aceso network init --help` shows one.',
  },
  NETWORK_FOLDER_TAKEN: {
    kind: 'conflict',
    sentence:
      'The folder is not empty, and nothing is written over what may be the only copy of a key; name a new one with --out DIR.',
  },
  NETWORK_FOLDER_DAMAGED: {
    kind: 'invalid',
    sentence: 'The folder holds no whole network, or a file of it cannot be read; name another with --out DIR.',
  },
  NETWORK_MADE_ALREADY: {
    kind: 'conflict',
    sentence:
      'The folder holds a network already, with validators and addresses of its own; leave these options away, or name a new folder with --out DIR.',
  },
  NETWORK_PORT_TAKEN: {
    kind: 'conflict',
    sentence:
      'Another program listens at a port that the network needs, perhaps the network itself; end it, or make a new network with --out DIR and --port N.',
  },
  NETWORK_STANDS_STILL: {
    kind: 'unavailable',
    sentence:
      'The ledger does not move, for the reason given; start the validators that are missing. Care at each node goes on meanwhile.',
  },
  NODE_NOT_RUNNING: {
    kind: 'unavailable',
    sentence:
      'No node runs on this data folder; start it with `aceso start --data DIR`, or name one elsewhere with --url URL.',
  },
  RECEIPTS_UNVERIFIED: {
    kind: 'invalid',
    sentence: 'At least one receipt did not verify; each is named above with the reason.',
  },
} as const satisfies CodeCatalogue;
