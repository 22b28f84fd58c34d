import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of the socket between CometBFT and the ledger. */
export const CODES = {
  ABCI_SOCKET_PATH_TOO_LONG: {
    kind: 'limit',
    sentence: 'The path of the socket to the engine is longer than 100 bytes. Choose a shorter folder for sockets.',
  },
  ABCI_SOCKET_IN_USE: {
    kind: 'conflict',
    sentence: 'Another process listens on the socket to the engine. Stop it, or give this node a folder of its own.',
  },
  ABCI_SOCKET_NO_SOCKET: {
    kind: 'conflict',
    sentence:
      'Where the socket to the engine belongs lies something that is no socket. Move it away; it is not deleted.',
  },
  ABCI_SOCKET_UNUSABLE: {
    kind: 'unavailable',
    sentence:
      'The socket to the engine cannot be opened. See that its folder exists and that this user may write to it.',
  },
  ABCI_FRAME_MALFORMED: {
    kind: 'invalid',
    sentence:
      'The engine sent a length that is none. See that it is the CometBFT of the version that this node was made for.',
  },
  ABCI_FRAME_TOO_LARGE: {
    kind: 'limit',
    sentence:
      'The engine announced a message larger than any block may be. See that it is the CometBFT of the version that this node was made for.',
  },
  ABCI_FRAME_CUT: {
    kind: 'unavailable',
    sentence: 'The engine went away in the middle of a message. Its own log says why; it may be started again.',
  },
  ABCI_REQUEST_MALFORMED: {
    kind: 'invalid',
    sentence:
      'The engine sent a request that is not one of ABCI 2.0. See that it is the CometBFT of the version that this node was made for.',
  },
  ABCI_REQUEST_UNKNOWN: {
    kind: 'unknown',
    sentence:
      'The engine sent a kind of request that ABCI 2.0 does not have. See that it is the CometBFT of the version that this node was made for.',
  },
  ABCI_REQUEST_UNEXPECTED: {
    kind: 'conflict',
    sentence:
      'The engine asked about vote extensions, which this ledger never turns on. Compare its genesis document with those of the other members.',
  },
  ABCI_SECOND_ENGINE: {
    kind: 'conflict',
    sentence:
      'A second engine wants to execute blocks on this node while the first is connected. Stop one of them; two with one key are misbehaviour.',
  },
  ABCI_TOO_MANY_CONNECTIONS: {
    kind: 'limit',
    sentence: 'More connections to the socket than an engine opens. Find out which other program uses it.',
  },
  ABCI_APPLICATION_FAILED: {
    kind: 'unavailable',
    sentence: 'The ledger could not answer its engine, which stops. The log of the node says what failed.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
