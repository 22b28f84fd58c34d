import type { CodeCatalogue } from '../../../std/reject.ts';

/** Refusals of the access server's routes. A denied read has none of them: it looks as if nothing were there. */
export const CODES = {
  PATIENT_NOT_HERE: { kind: 'unknown', sentence: 'There is no such patient here.' },
  CLINICIANS_ONLY: { kind: 'denied', sentence: 'Only a clinician of the organisation may break the glass.' },
  ACCOUNTING_NOT_YOURS: {
    kind: 'denied',
    sentence: 'Only the patient and the organisation’s privacy officer see who looked.',
  },
  REASON_MISSING: { kind: 'invalid', sentence: 'Breaking the glass needs a reason code and a stated reason.' },
  BREAK_GLASS_DENIED: {
    kind: 'denied',
    sentence: 'A policy of this patient denies break-glass itself; care for the patient without the record.',
  },
  REQUEST_INVALID: {
    kind: 'invalid',
    sentence: 'The request does not have the form that this route takes; see the API page.',
  },
} as const satisfies CodeCatalogue;
