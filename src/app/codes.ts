import type { CodeCatalogue } from '../std/reject.ts';

/** What can keep a node from starting, beside what its parts say. */
export const CODES = {
  NODE_FOLDER_EMPTY: {
    kind: 'unknown',
    sentence: 'There is no node in this data folder; `aceso start --data DIR` makes one.',
  },
  NODE_FOLDER_UNUSABLE: {
    kind: 'unavailable',
    sentence:
      'The data folder or the folder of the root key cannot be read or written, for the reason named; check path, rights and free space.',
  },
  NODE_FOLDER_DAMAGED: {
    kind: 'invalid',
    sentence: 'A file of the data folder cannot be read; restore it from backup, since nothing was changed.',
  },
  NODE_FOLDER_NEWER: { kind: 'invalid', sentence: 'The data folder was written by a newer version; start that one.' },
  NODE_SECRETS_UNREADABLE: {
    kind: 'denied',
    sentence: 'The root key does not open this data folder; give the key file that was printed at its first start.',
  },
  GENESIS_DIFFERS: { kind: 'conflict', sentence: 'The genesis given is not the one this data folder was made with.' },
  GENESIS_MISSING: {
    kind: 'invalid',
    sentence: 'Joining a ledger needs its genesis: give --genesis FILE, or --follow URL of a member’s node.',
  },
  GENESIS_MALFORMED_FILE: {
    kind: 'invalid',
    sentence: 'The file is no genesis document; get it again from a member, byte for byte.',
  },
  INPUT_FILE_UNREADABLE: { kind: 'unknown', sentence: 'A file given is missing or not in exact canonical JSON.' },
  KEYS_MISSING: {
    kind: 'invalid',
    sentence:
      'Joining a ledger needs an organisation’s keys: give --keys FILE, which `aceso keys organisation` writes.',
  },
  OPERATOR_KEY_DIFFERS: {
    kind: 'denied',
    sentence: 'The operator key of the keys file is not the one that genesis names; give its own, or --follow URL.',
  },
  OPERATOR_KEY_MISSING: {
    kind: 'invalid',
    sentence: 'This node neither follows a ledger nor holds the key that signs its heads; give --follow URL.',
  },
  NETWORK_MISSING: {
    kind: 'invalid',
    sentence:
      'Joining a consortium needs the addresses of its nodes: give --network FILE, which `aceso network init` writes.',
  },
  NETWORK_WITHOUT_NODE: {
    kind: 'invalid',
    sentence:
      'The network file names no node with this validator’s node key; add its address there, under the id given.',
  },
  NETWORK_PLAN_WRONG: {
    kind: 'invalid',
    sentence:
      'The plan of the network does not hold what is needed, at the place given; `aceso network init --help` shows one.',
  },
  VALIDATOR_KEYS_MISSING: {
    kind: 'invalid',
    sentence:
      'Validating needs keys of its own: make the organisation’s keys with `aceso keys organisation --validator`.',
  },
  JOINING_ALONE: {
    kind: 'unavailable',
    sentence:
      'This node was about to take a snapshot and no member’s node answers with one now. Start it again when the others can be reached.',
  },
  LEDGER_NOT_OWN: {
    kind: 'invalid',
    sentence: 'This node follows or validates a ledger with others; export it from the node that keeps it by itself.',
  },
  EXPORT_UNANCHORED: {
    kind: 'unavailable',
    sentence:
      'The journal of the organisation could not be anchored, so the export would leave entries behind; look at the node’s health first.',
  },
  GENESIS_NOT_MOVED: {
    kind: 'invalid',
    sentence:
      'The genesis document is not one of a consortium that goes on from another ledger; make it from the export.',
  },
  ADMINISTRATOR_ONLY: { kind: 'denied', sentence: 'Only the organisation’s administrator may do this.' },
  QUERY_MALFORMED: { kind: 'invalid', sentence: 'A query takes plain text arguments, each once.' },
  WITNESS_UNKNOWN: {
    kind: 'invalid',
    sentence: 'Genesis names no witness of that name; its key must be there for receipts to carry its word.',
  },
  ORGANISATION_UNKNOWN: {
    kind: 'unknown',
    sentence: 'No organisation of that name is on this node; `aceso inspect node` lists them.',
  },
  ADDRESS_UNUSABLE: {
    kind: 'invalid',
    sentence: 'The node cannot listen at that address and port on this machine; give others with --host and --port.',
  },
  PORT_IN_USE: { kind: 'conflict', sentence: 'Another program listens on that port; give another one with --port N.' },
} as const satisfies CodeCatalogue;
