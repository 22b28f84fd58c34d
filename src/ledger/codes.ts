import type { CodeCatalogue } from '../std/reject.ts';

/** Refusals of the ledger's hosts: mempool, storage, following, witnesses. */
export const CODES = {
  LEDGER_CLOSED: {
    kind: 'unavailable',
    sentence:
      'The node is shutting down. Look the transaction up by its id when it is back, and send it again if it is not there.',
  },
  LEDGER_STOPPED: {
    kind: 'unavailable',
    sentence: 'The ledger stands still; its health says why and what its operator has to do.',
  },
  LEDGER_CLOCK_UNCONFIRMED: {
    kind: 'unavailable',
    sentence:
      'The clock of the node went back or jumped. Set it right, then confirm it; nothing is committed until then.',
  },
  LEDGER_STORAGE_FULL: {
    kind: 'unavailable',
    sentence:
      'The disk of the ledger is full. Free space, look the transaction up by its id, and send it again if it is not there.',
  },
  LEDGER_STORAGE_FAILED: {
    kind: 'unavailable',
    sentence:
      'The disk of the ledger failed and what it holds is uncertain. Check the disk, then start the node again.',
  },
  LEDGER_MEMPOOL_FULL: {
    kind: 'limit',
    sentence: 'Too many transactions wait for a block. Try again in a few seconds.',
  },
  LEDGER_SPONSOR_QUEUE_FULL: {
    kind: 'limit',
    sentence: 'Too many transactions of this member and its accounts wait for a block. Try again in a few seconds.',
  },
  DATA_FOLDER_IN_USE: {
    kind: 'conflict',
    sentence: 'Another node runs on this data folder. Stop it, or give this one a folder of its own with --data DIR.',
  },
  LEDGER_BLOCK_DAMAGED: {
    kind: 'invalid',
    sentence:
      'A block that was committed cannot be read. Keep the folder as it is, restore its blocks from a backup or copy them from a follower, and start again.',
  },
  LEDGER_BLOCK_MISSING: {
    kind: 'invalid',
    sentence:
      'Blocks are missing that the state, a signed head or a journal names. Restore the blocks folder from a backup or a follower; do not go on without them.',
  },
  LEDGER_STATE_DAMAGED: {
    kind: 'invalid',
    sentence:
      'The state does not agree with the blocks. Move the state folder away and start again: it is rebuilt from the blocks.',
  },
  LEDGER_REPLAY_DIFFERS: {
    kind: 'invalid',
    sentence:
      'Executing a committed block gave another result than when it was committed. Use the version that committed it, and report this.',
  },
  LEDGER_OTHER_GENESIS: {
    kind: 'conflict',
    sentence: 'The folder or node belongs to the ledger of another genesis document. Use the one it was made with.',
  },
  LEDGER_OPERATOR_KEY_WRONG: {
    kind: 'denied',
    sentence:
      'The operator key is not the one that the genesis document names; heads signed by it would convince nobody.',
  },
  LEDGER_REQUEST_INVALID: {
    kind: 'invalid',
    sentence: 'The request is malformed; check its parameters against the documentation.',
  },
  LEDGER_NOT_FOUND: { kind: 'unknown', sentence: 'The ledger holds nothing under this id, height or index.' },
  LEDGER_UPSTREAM_UNREACHABLE: {
    kind: 'unavailable',
    sentence:
      'The node that this one follows does not answer. Look the transaction up by its id before you send it again.',
  },
  LEDGER_UPSTREAM_MALFORMED: {
    kind: 'unavailable',
    sentence: 'The node that this one follows answers with something that is no ledger. Check its address.',
  },
  LEDGER_FORKED: {
    kind: 'conflict',
    sentence:
      'The node that this one follows signed something that its blocks do not lead to, or that contradicts what it signed before. Keep the folder as evidence and ask the other members.',
  },
  LEDGER_NO_QUORUM: {
    kind: 'unavailable',
    sentence:
      'Not more than two thirds of the validators can be reached, so nothing is committed. Care at this node goes on; its health says who is missing.',
  },
  LEDGER_NOT_COMMITTED: {
    kind: 'unavailable',
    sentence:
      'The transaction was passed on and no block has taken it in time. Look it up by its id before you send it again.',
  },
  LEDGER_CATCHING_UP: {
    kind: 'unavailable',
    sentence: 'This node is still fetching blocks from the other members. Try again when its health says ok.',
  },
  LEDGER_HEAD_UNPROVEN: {
    kind: 'unavailable',
    sentence: 'The block is committed and the votes that prove it are not there yet; ask again in a few seconds.',
  },
  LEDGER_ENGINE_REQUEST_WRONG: {
    kind: 'invalid',
    sentence:
      'The consensus engine asked for something that a sound one never asks for. Check that its data folder belongs to this node; never copy one.',
  },
  LEDGER_OPERATOR_KIND_WRONG: {
    kind: 'invalid',
    sentence: 'The genesis document belongs to another kind of host than the node was told to run.',
  },
  LEDGER_STATE_UNPROVEN: {
    kind: 'invalid',
    sentence:
      'The rows of the snapshot or export do not lead to the state that its head commits to. Get it again, from another member.',
  },
  WITNESS_STATE_DAMAGED: {
    kind: 'invalid',
    sentence:
      'The state file of the witness cannot be read. Restore it; a witness that forgot what it signed must not sign again.',
  },
} as const satisfies CodeCatalogue;
