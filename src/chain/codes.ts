import { type CodeCatalogue, rejecter } from '../std/reject.ts';

/** Refusals of the kernel, whichever capability a message is for. */
export const CODES = {
  TRANSACTION_MALFORMED: {
    kind: 'invalid',
    sentence:
      'The bytes are no transaction of at most 64 KiB in exact canonical form. Build it again with the current client.',
  },
  TRANSACTION_OTHER_LEDGER: {
    kind: 'invalid',
    sentence: 'The transaction names the genesis of another ledger. Build it again for this one.',
  },
  TRANSACTION_EXPIRED: {
    kind: 'conflict',
    sentence: 'The transaction came after its notAfterMs. Sign it again with a later one.',
  },
  TRANSACTION_TOO_LONG_LIVED: {
    kind: 'invalid',
    sentence:
      'The transaction would stay valid for more than ten minutes. Sign it again with an earlier notAfterMs, or set the clock.',
  },
  TRANSACTION_REPLAYED: {
    kind: 'conflict',
    sentence: 'The transaction is on the ledger already. Look up its outcome by its id.',
  },
  SIGNER_UNKNOWN: { kind: 'unauthenticated', sentence: 'A signer names an account that the ledger does not know.' },
  SIGNER_KEY_UNKNOWN: {
    kind: 'unauthenticated',
    sentence: 'A signer names a key that its account does not hold. It may have been retired; sign with a current key.',
  },
  SIGNER_CLOSED: { kind: 'denied', sentence: 'The account of a signer is closed and signs nothing any more.' },
  SIGNER_FROZEN: {
    kind: 'denied',
    sentence: 'The account of a signer is frozen and signs nothing but what unfreezes it.',
  },
  SIGNER_UNVERIFIED: {
    kind: 'denied',
    sentence: 'This act needs a key with user verification, since the account holds one. Sign it with that passkey.',
  },
  SIGNATURE_WRONG: {
    kind: 'unauthenticated',
    sentence: 'A signature does not verify under the key that its signer names.',
  },
  MESSAGE_UNKNOWN: { kind: 'unknown', sentence: 'No rule of this node knows the message type. Check its spelling.' },
  MESSAGE_INACTIVE: {
    kind: 'conflict',
    sentence: 'No rule for this message type is active on the ledger. Its members activate rules by a vote.',
  },
  SCHEMA_INVALID: {
    kind: 'invalid',
    sentence: 'The message does not have the form that its rule asks for; unknown members count.',
  },
  BUDGET_EXCEEDED: {
    kind: 'limit',
    sentence:
      'The account, or the member who answers for it, has used up its budget for this minute. Try again in the next one.',
  },
  WORK_EXCEEDED: { kind: 'limit', sentence: 'The message needs more work than one transaction may take. Split it.' },
  INTERNAL: {
    kind: 'unavailable',
    sentence: 'A fault in a contract stopped the message; it changed nothing. Report it.',
  },
  QUERY_UNKNOWN: { kind: 'unknown', sentence: 'No capability has a query of this name.' },
  GENESIS_MALFORMED: {
    kind: 'invalid',
    sentence: 'The genesis document is malformed, or names rules or a section that this version does not have.',
  },
  GENESIS_STATE_MISSING: {
    kind: 'invalid',
    sentence:
      'The genesis document carries the state of another ledger on: give the export of that one, which a founding member has.',
  },
  GENESIS_STATE_DIFFERS: {
    kind: 'invalid',
    sentence:
      'The state at hand is not the one that the genesis document carries on; get the export that belongs to it.',
  },
} as const satisfies CodeCatalogue;

/** Thrower for the kernel: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
