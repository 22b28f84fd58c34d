import type { CodeCatalogue } from '../std/reject.ts';

/** What can go wrong with a wallet file. */
export const CODES = {
  WALLET_UNKNOWN: { kind: 'unknown', sentence: 'There is no wallet file at that path; `aceso keys wallet --new` makes one.' },
  WALLET_LOCKED: { kind: 'denied', sentence: 'The passphrase does not open this wallet, or the file was altered.' },
  WALLET_MALFORMED: { kind: 'invalid', sentence: 'The file is not a wallet of a version that this program reads.' },
  WALLET_ACCOUNT_UNKNOWN: { kind: 'unknown', sentence: 'The wallet holds no account at that organisation; claim one first.' },
} as const satisfies CodeCatalogue;
