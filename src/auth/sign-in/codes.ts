import type { CodeCatalogue } from '../../std/reject.ts';

/** Why somebody is not signed in, or not enrolled. Nobody learns from them who has an account here. */
export const CODES = {
  PASSKEYS_UNAVAILABLE: {
    kind: 'unavailable',
    sentence:
      'Passkeys need an address with a host name over https, or http://localhost; ask the operator to set the node’s public address.',
  },
  PASSKEY_REFUSED: {
    kind: 'unauthenticated',
    sentence: 'This passkey does not sign in here; try again, use another one, or ask your organisation for a new one.',
  },
  PASSKEY_LAPSED: {
    kind: 'unauthenticated',
    sentence:
      'This passkey was made by a key of your wallet that was retired, and ended with it; sign in with the wallet and make a new one.',
  },
  PASSKEY_PERSON_UNVERIFIED: {
    kind: 'unauthenticated',
    sentence: 'The device did not ask for your PIN, fingerprint or face; set that up on it, and try again.',
  },
  PASSKEY_COUNTER_WENT_BACK: {
    kind: 'unauthenticated',
    sentence:
      'This passkey may have been copied: it counts fewer uses than were seen. Use another one, and tell your administrator.',
  },
  PASSKEY_PAUSED: {
    kind: 'limit',
    sentence: 'This passkey failed too often in a row; wait, or use another one.',
  },
  PASSKEY_NOT_TAKEN: {
    kind: 'invalid',
    sentence: 'What the device made is no passkey that is taken here; begin again, or use another device.',
  },
  PASSKEY_KNOWN: { kind: 'conflict', sentence: 'This passkey is enrolled already; sign in with it.' },
  PASSKEYS_TOO_MANY: {
    kind: 'limit',
    sentence: 'As many passkeys are enrolled as one person may have; remove one that is not used.',
  },
  PASSKEY_UNKNOWN: { kind: 'unknown', sentence: 'The person has no passkey of that id; list them again.' },
  WALLET_SIGN_IN_REFUSED: {
    kind: 'unauthenticated',
    sentence:
      'The signature does not sign in here: it must be of this very page, by a key of a claimed account of this organisation’s patient.',
  },
  SIGN_IN_TIMED_OUT: { kind: 'unauthenticated', sentence: 'That took more than five minutes; try again.' },
  SIGN_IN_TOO_OFTEN: { kind: 'limit', sentence: 'Too many tries failed; wait as long as it says, and begin again.' },
  PERSON_NOT_ATTESTED: {
    kind: 'denied',
    sentence: 'Your organisation does not attest this account any more; ask its administrator.',
  },
  PERSON_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The organisation has nobody with that account; list its people again.',
  },
  PERSON_INVALID: {
    kind: 'invalid',
    sentence: 'A person needs a label, role codes as system|code, and one purpose of use at least.',
  },
  ENROLMENT_WRONG: {
    kind: 'denied',
    sentence: 'The link is wrong, was used, or is older than a day; ask your administrator for a new one.',
  },
} as const satisfies CodeCatalogue;
