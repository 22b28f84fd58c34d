import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of the access contract. A denial by policy is no refusal: it is an outcome with its rules. */
export const CODES = {
  ACCESS_ACCOUNT_UNKNOWN: { kind: 'unknown', sentence: 'There is no open patient account with this id.' },
  ACCESS_REQUESTER_NOT_ENTITLED: {
    kind: 'denied',
    sentence:
      'Access is asked for by an active member, by a practitioner together with its member, or by the patient or a delegate. Sign as one of them.',
  },
  ACCESS_ROLE: {
    kind: 'denied',
    sentence: 'No role of the member allows requests for this purpose. The members may vote to change its roles.',
  },
  ACCESS_PURPOSE_UNKNOWN: {
    kind: 'invalid',
    sentence: 'The purpose is not a known HL7 v3 ActReason code for a purpose of use.',
  },
  ACCESS_PURPOSE_BREAK_GLASS: {
    kind: 'invalid',
    sentence: 'BTG is not asked for by a request. Send access.breakGlass, which names a practitioner and a reason.',
  },
  ACCESS_SCOPE_INVALID: { kind: 'invalid', sentence: 'The bounds of the authored time are the wrong way round.' },
  ACCESS_PRACTITIONER_INVALID: {
    kind: 'denied',
    sentence:
      'The practitioner has no active account for which the asking member answers, or no role codes attested by it.',
  },
  BREAK_GLASS_SECOND_CLINICIAN: {
    kind: 'limit',
    sentence:
      'The practitioner broke the glass as often as one person may within a day. A second clinician of the same member has to sign as approver.',
  },
  BREAK_GLASS_CLAIM_INVALID: {
    kind: 'invalid',
    sentence: 'The claim lies in the future, or is brought by neither the custodian nor the member that it names.',
  },
  BREAK_GLASS_CLAIM_REPEATED: { kind: 'conflict', sentence: 'This claim is on the ledger already.' },
  BREAK_GLASS_UNKNOWN: { kind: 'unknown', sentence: 'There is no break-glass act with this id for this account.' },
  BREAK_GLASS_REVIEW_OWN: {
    kind: 'denied',
    sentence: 'A break-glass act is reviewed by another member than the one that acted.',
  },
  BREAK_GLASS_REVIEW_REPEATED: { kind: 'conflict', sentence: 'The member has reviewed this act already.' },
  BREAK_GLASS_REVIEW_LIMIT: { kind: 'limit', sentence: 'The act has as many reviews as the rules allow.' },
  ACCESS_QUERY_INVALID: { kind: 'invalid', sentence: 'The query lacks an argument or has one of another shape.' },
} as const satisfies CodeCatalogue;

/** Thrower for this contract: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
