import type { CodeCatalogue } from '../../std/reject.ts';

/** Refusals of the routes that members' nodes call each other by. */
export const CODES = {
  LEDGER_NOT_FOLLOWABLE: {
    kind: 'conflict',
    sentence:
      'This ledger is ordered by its validators and not followed block by block: run a validator, which joins from a snapshot.',
  },
  ENGINE_CALL_INVALID: {
    kind: 'invalid',
    sentence:
      'The call is not one that members relay to each other’s engines: status, commit, validators or consensus_params, in one JSON-RPC request of at most 4 KiB.',
  },
  ENGINE_CALLS_TOO_MANY: {
    kind: 'limit',
    sentence: 'The member calls this node’s engine more than fifty times a second; go slower.',
  },
} as const satisfies CodeCatalogue;
