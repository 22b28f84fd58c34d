import type { CodeCatalogue } from '../std/reject.ts';

/** Why a request is not let in at all. What a caller may then do is the access capability's decision. */
export const CODES = {
  TOKEN_MISSING: {
    kind: 'unauthenticated',
    sentence: 'The request carries no bearer token; send Authorization: Bearer <token>.',
  },
  TOKEN_UNKNOWN: {
    kind: 'unauthenticated',
    sentence: 'The bearer token is unknown here, expired or revoked; ask your administrator for a new one.',
  },
  PURPOSE_NOT_ALLOWED: {
    kind: 'denied',
    sentence: 'This account may not act for the purpose of use that the request names.',
  },
} as const satisfies CodeCatalogue;
