import type { CodeCatalogue } from '../../../std/reject.ts';

/** Refusals of registration and claiming. */
export const CODES = {
  REGISTRATION_UNAVAILABLE: {
    kind: 'unavailable',
    sentence:
      'No account can be opened while the ledger stands still and the reserve is used up; try again when it moves.',
  },
  DISMISSAL_REFUSED: {
    kind: 'conflict',
    sentence:
      'The person signs in no more, but the ledger refused to close the account for the reason that `code` names.',
  },
  STAFF_ONLY: { kind: 'denied', sentence: 'Only staff of the organisation may do this.' },
  PATIENT_UNKNOWN: { kind: 'unknown', sentence: 'There is no such patient here.' },
  CLAIM_CODE_WRONG: {
    kind: 'denied',
    sentence: 'The claim code is wrong, used, or expired; ask the organisation for a new one at the desk.',
  },
  CLAIM_TRIED_TOO_OFTEN: {
    kind: 'limit',
    sentence:
      'Too many wrong claim codes came from your network; wait as long as it says, or ask for a new code at the desk.',
  },
  CLAIM_REFUSED: {
    kind: 'conflict',
    sentence:
      'The ledger refused the claim for the reason that `code` names; the account may be claimed already. Ask at the desk.',
  },
  ADMINISTRATOR_NEEDED: { kind: 'denied', sentence: 'Only the organisation’s administrator may do this.' },
  MEMBER_MESSAGE_INVALID: {
    kind: 'invalid',
    sentence:
      'Only proposals and votes of members are signed here: a message of one of the types that the members vote on.',
  },
  MEMBER_MESSAGE_REFUSED: {
    kind: 'conflict',
    sentence: 'The ledger refused the proposal or vote for the reason that `code` names; nothing was changed.',
  },
  TOKEN_REQUEST_INVALID: {
    kind: 'invalid',
    sentence: 'A token needs a label, role codes as system|code, one purpose of use at least, and days from 1 to 366.',
  },
  ACCOUNT_IDENTIFIER_RESERVED: {
    kind: 'denied',
    sentence:
      'Only the organisation’s administrator says which account a resource is: leave the identifiers of system urn:aceso:account as they are.',
  },
  CLAIM_TRANSACTION_WRONG: {
    kind: 'invalid',
    sentence:
      'The transaction is not an account.claim of this account, signed by the new key and naming the custodian as approver.',
  },
} as const satisfies CodeCatalogue;
