import type { CodeCatalogue } from '../../../std/reject.ts';

/** Refusals around the CometBFT process: finding it, starting it, asking it. */
export const CODES = {
  ENGINE_MISSING: {
    kind: 'unavailable',
    sentence:
      'The node belongs to a consortium and CometBFT is not installed on this machine. Run `npm run cometbft:install`, or name the program in ACESO_COMETBFT.',
  },
  ENGINE_VERSION_WRONG: {
    kind: 'invalid',
    sentence:
      'The CometBFT that was found is not the version that this node is made for. Run `npm run cometbft:install`, and take ACESO_COMETBFT away or let it name that version.',
  },
  ENGINE_PATH_UNFIT: {
    kind: 'invalid',
    sentence:
      'A folder of the engine has a path that it cannot take: a socket has at most 100 bytes and no comma, and no path has control characters. Choose a shorter or plainer folder.',
  },
  ENGINE_STILL_RUNS: {
    kind: 'conflict',
    sentence:
      'A CometBFT process of an earlier start still runs on this folder and cannot be ended. End it by hand, then start the node again; two engines under one key would sign against each other.',
  },
  ENGINE_UNREACHABLE: {
    kind: 'unavailable',
    sentence:
      'The CometBFT process of this node does not answer. It is started again by itself; the health of the node says why it ended.',
  },
  ENGINE_REFUSED: {
    kind: 'invalid',
    sentence: 'CometBFT refused the request; its message says why.',
  },
} as const satisfies CodeCatalogue;
