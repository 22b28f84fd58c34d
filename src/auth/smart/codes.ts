import type { CodeCatalogue } from '../../std/reject.ts';

/** Refusals of the authorization server's own routes. OAuth's endpoints answer errors as RFC 6749 §5.2 says. */
export const CODES = {
  CLIENT_INVALID: {
    kind: 'invalid',
    sentence: 'This is no registration of a client; see data.reason, and docs/smart.md for the fields.',
  },
  CLIENT_UNKNOWN: { kind: 'unknown', sentence: 'No client of this organisation has that id.' },
  CLIENTS_TOO_MANY: {
    kind: 'limit',
    sentence: 'The organisation has as many registered clients as it may; remove those that are not used.',
  },
  REGISTRATION_CLOSED: {
    kind: 'denied',
    sentence:
      'Apps do not register themselves here; ask an administrator of the organisation, or for an initial access token.',
  },
  LAUNCH_INVALID: {
    kind: 'invalid',
    sentence: 'This is no launch: it names a registered client, and a patient whom the caller may see.',
  },
  SIGN_IN_EXPIRED: {
    kind: 'unknown',
    sentence: 'This sign-in has ended or belongs to another browser; go back to the app and begin again.',
  },
  CHOICE_INVALID: { kind: 'invalid', sentence: 'The form is not one that this page showed; go back and try again.' },
  APP_NOT_ALLOWED: { kind: 'unknown', sentence: 'That app is allowed nothing by this account; list its apps again.' },
  KEYS_ROTATED_OFTEN: {
    kind: 'limit',
    sentence:
      'The signing keys were rotated as often as they may be in a day: older ones must stay for what they signed. Wait.',
  },
  NOT_ADMINISTRATOR: { kind: 'denied', sentence: 'Only an administrator of the organisation may do this.' },
  APP_TOKEN_NOT_HERE: {
    kind: 'denied',
    sentence: 'The token of an app opens the FHIR service and nothing else; use a token of the organisation here.',
  },
} as const satisfies CodeCatalogue;
