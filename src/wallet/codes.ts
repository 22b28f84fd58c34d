import type { CodeCatalogue } from '../std/reject.ts';

/** What can go wrong with a wallet. */
export const CODES = {
  WALLET_UNKNOWN: { kind: 'unknown', sentence: 'There is no wallet file at that path; `aceso keys claim` makes one.' },
  WALLET_LOCKED: { kind: 'denied', sentence: 'The passphrase does not open this wallet, or the file was altered.' },
  WALLET_MALFORMED: { kind: 'invalid', sentence: 'The file is not a wallet of a version that this program reads.' },
  WALLET_ACCOUNT_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The wallet holds no account at that organisation; claim one first.',
  },
  WALLET_ACCOUNT_AMBIGUOUS: {
    kind: 'invalid',
    sentence: 'The wallet holds accounts at several organisations; say which one is meant.',
  },
  WALLET_ACCOUNT_UNCLAIMED: {
    kind: 'conflict',
    sentence: 'The account of this wallet is not claimed yet; finish the claim with a slip from the desk.',
  },
  SIGN_IN_STATEMENT_WRONG: {
    kind: 'invalid',
    sentence: 'This is no sign-in of a node of this account’s ledger; copy the whole text that the page shows.',
  },
  SIGN_IN_ELSEWHERE: {
    kind: 'denied',
    sentence:
      'The sign-in is for another address than the one named, and nothing was signed; look closely at the address of the page.',
  },
  SIGN_IN_STATEMENT_EXPIRED: {
    kind: 'conflict',
    sentence: 'The sign-in is older than five minutes; load the page again and copy its new text.',
  },
  CLAIM_ANSWER_WRONG: {
    kind: 'invalid',
    sentence:
      'The organisation answered the claim with something that this wallet cannot open. Keep the wallet file and ask at the desk.',
  },
} as const satisfies CodeCatalogue;
