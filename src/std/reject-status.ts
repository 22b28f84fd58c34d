import type { Reject, RejectKind } from './reject.ts';

/** HTTP status of each kind of refusal (RFC 9110 §15; 429 is RFC 6585 §4). A code's own `httpStatus` goes before it. */
export const KIND_HTTP_STATUS: Readonly<Record<RejectKind, number>> = {
  denied: 403,
  unknown: 404,
  invalid: 400,
  conflict: 409,
  limit: 429,
  unauthenticated: 401,
  unavailable: 503,
};

/** HTTP status of a refusal: the one that its code names, else its kind's. */
export function rejectStatus(refusal: Pick<Reject, 'kind' | 'httpStatus'>): number {
  return refusal.httpStatus ?? KIND_HTTP_STATUS[refusal.kind];
}
