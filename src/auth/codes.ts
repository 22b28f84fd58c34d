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
  MEMBER_CALL_MISSING: {
    kind: 'unauthenticated',
    sentence:
      'Only nodes of member organisations see this, and the request is not signed by one; a node signs by itself once its organisation is a member.',
  },
  MEMBER_CALL_MALFORMED: {
    kind: 'unauthenticated',
    sentence:
      'The Authorization header is no signed call of a member: Aceso-Member <statement>.<key id>.<signature>, at most 8 KiB.',
  },
  MEMBER_CALL_MISADDRESSED: {
    kind: 'unauthenticated',
    sentence:
      'The call was signed for another ledger, another organisation’s node, or another request than this; check the address of the node, which must have no path.',
  },
  MEMBER_CALL_TIME_WRONG: {
    kind: 'unauthenticated',
    sentence: 'The call’s time is more than five minutes off; check the clocks of both nodes.',
  },
  MEMBER_CALL_SIGNATURE_WRONG: {
    kind: 'unauthenticated',
    sentence:
      'The call is not signed with a key that the ledger has of a member in good standing; check that the organisation is admitted and which keys its node holds.',
  },
  MEMBER_CALL_REPLAYED: {
    kind: 'unauthenticated',
    sentence: 'This call was made already; sign a new one.',
  },
  MEMBER_CALL_TOO_MANY: {
    kind: 'limit',
    sentence: 'The member called too often within five minutes; wait.',
  },
  MEMBER_CALL_AUDIENCE_UNKNOWN: {
    kind: 'unavailable',
    sentence: 'What answers at this address is no node of this ledger that hosts a member; check the address.',
  },
} as const satisfies CodeCatalogue;
