import type { CodeCatalogue } from '../../../std/reject.ts';

/** Refusals of the audit record repository and its reports. */
export const CODES = {
  AUDIT_EVENT_UNKNOWN: { kind: 'unknown', sentence: 'There is no such AuditEvent that you may see.' },
  AUDIT_PARAMETER_UNKNOWN: {
    kind: 'invalid',
    sentence: 'A search parameter of AuditEvent is not one that is served; leave it out, see /audit/metadata.',
  },
  AUDIT_PARAMETER_UNANSWERABLE: {
    kind: 'invalid',
    sentence:
      'The journal does not hold what this search parameter asks for, so no event can be told by it; leave it out.',
  },
  AUDIT_PARAMETER_INVALID: {
    kind: 'invalid',
    sentence: 'A search parameter of AuditEvent has a value that cannot be used.',
  },
  AUDIT_OFFICER_ONLY: { kind: 'denied', sentence: 'Only the organisation’s privacy officer sees anomalies.' },
  AUDIT_PATIENT_UNKNOWN: { kind: 'unknown', sentence: 'There is no such patient here that you may ask about.' },
} as const satisfies CodeCatalogue;
