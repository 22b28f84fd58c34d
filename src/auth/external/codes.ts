import type { CodeCatalogue } from '../../std/reject.ts';

/** Why nobody is signed in through an external OpenID provider, or one is not configured. */
export const CODES = {
  EXTERNAL_PROVIDERS_MALFORMED: {
    kind: 'invalid',
    sentence:
      'These are no sign-in providers, for the reason given; docs/smart.md names the fields, and at most eight are taken.',
  },
  EXTERNAL_PROVIDERS_CHANGED: {
    kind: 'conflict',
    sentence: 'The sign-in providers were changed meanwhile; read them again and repeat the change.',
  },
  EXTERNAL_PROVIDER_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The organisation has no sign-in service of that name; go back and choose another way.',
  },
  EXTERNAL_PROVIDER_UNAVAILABLE: {
    kind: 'unavailable',
    sentence:
      'Your organisation’s sign-in service cannot be asked now; try again, sign in otherwise, or tell your administrator.',
  },
  EXTERNAL_PROVIDER_UNFIT: {
    kind: 'unavailable',
    sentence:
      'Your organisation’s sign-in service says something else of itself than your administrator configured; tell them.',
  },
  EXTERNAL_ANSWER_FOREIGN: {
    kind: 'denied',
    sentence: 'That answer belongs to another sign-in or came too late; begin again.',
  },
  EXTERNAL_ANSWER_USED: { kind: 'denied', sentence: 'That answer was used already; begin again.' },
  EXTERNAL_ISSUER_WRONG: {
    kind: 'denied',
    sentence: 'The answer comes from another sign-in service than the one that was asked; begin again.',
  },
  EXTERNAL_DECLINED: {
    kind: 'unauthenticated',
    sentence: 'The sign-in service did not sign you in; try again, or ask those who run it.',
  },
  EXTERNAL_CODE_REFUSED: {
    kind: 'unauthenticated',
    sentence:
      'The sign-in service did not confirm its answer; try again, and if that does not help, tell your administrator.',
  },
  EXTERNAL_TOKEN_UNSIGNED: {
    kind: 'unauthenticated',
    sentence:
      'What the sign-in service says is not signed with a key of its own in the way that was agreed; tell your administrator.',
  },
  EXTERNAL_TOKEN_EXPIRED: {
    kind: 'unauthenticated',
    sentence:
      'What the sign-in service says is too old, or its clock is wrong: you must have signed in there within five minutes. Try again.',
  },
  EXTERNAL_TOKEN_FOREIGN: {
    kind: 'unauthenticated',
    sentence: 'What the sign-in service says is not about this sign-in; begin again.',
  },
  EXTERNAL_ORGANISATION_WRONG: {
    kind: 'denied',
    sentence: 'The sign-in service does not say that you belong to this organisation; ask your administrator.',
  },
  EXTERNAL_SUBJECT_UNKNOWN: {
    kind: 'denied',
    sentence: 'Your account at the sign-in service is linked to nobody here; ask your administrator to link it.',
  },
  EXTERNAL_ROLE_MISSING: {
    kind: 'denied',
    sentence:
      'The sign-in service and the ledger name no role of yours in common; ask your administrator to compare the two.',
  },
  EXTERNAL_LINK_INVALID: {
    kind: 'invalid',
    sentence:
      'A link names a sign-in provider of the organisation and the subject there, for a practitioner whom the ledger attests.',
  },
  EXTERNAL_LINK_TAKEN: {
    kind: 'conflict',
    sentence: 'That subject is linked to an account already; remove that link first.',
  },
  EXTERNAL_LINKS_TOO_MANY: {
    kind: 'limit',
    sentence: 'As many subjects are linked to the account as may be; remove one that is not used.',
  },
  EXTERNAL_LINK_UNKNOWN: { kind: 'unknown', sentence: 'The account has no link of that id; list them again.' },
  EXTERNAL_ADMINISTRATOR_ONLY: {
    kind: 'denied',
    sentence: 'Only an administrator of the organisation configures how its people sign in.',
  },
} as const satisfies CodeCatalogue;
