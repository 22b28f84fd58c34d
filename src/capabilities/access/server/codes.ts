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
  REQUEST_STAFF_ONLY: {
    kind: 'denied',
    sentence: 'Only staff and systems of an organisation ask others for records in its name.',
  },
  REQUEST_PURPOSE_UNDECLARED: {
    kind: 'invalid',
    sentence: 'The purpose differs from the one that the caller acts for; declare it in the header Aceso-Purpose.',
  },
  REQUEST_OWN_RECORDS: {
    kind: 'invalid',
    sentence: 'These records are the organisation’s own: read them under /fhir.',
  },
  REQUEST_REFUSED: { kind: 'conflict', sentence: 'The ledger took the request and refused it; the code says why.' },
} as const satisfies CodeCatalogue;
