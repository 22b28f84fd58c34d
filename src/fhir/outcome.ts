import type { OperationOutcome, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { isReject, type Reject, type RejectKind } from '../std/reject.ts';
import { rejectFhir } from './codes.ts';

type IssueType = OperationOutcomeIssue['code'];

/** HTTP status and issue type (R4 valueset-issue-type) of a kind of refusal. */
const BY_KIND: Readonly<Record<RejectKind, readonly [status: number, issue: IssueType]>> = {
  denied: [403, 'forbidden'],
  unknown: [404, 'not-found'],
  invalid: [400, 'invalid'],
  conflict: [409, 'conflict'],
  limit: [429, 'throttled'],
  unauthenticated: [401, 'login'],
  unavailable: [503, 'transient'],
};

/** Codes for which HTTP or R4 has a more telling status than their kind's. */
const BY_CODE: Readonly<Partial<Record<string, readonly [status: number, issue: IssueType]>>> = {
  JSON_INVALID: [400, 'structure'],
  BODY_TOO_LARGE: [413, 'too-long'],
  BUNDLE_TOO_LONG: [413, 'too-long'],
  URL_TOO_LONG: [414, 'too-long'],
  MEDIA_TYPE_UNSUPPORTED: [415, 'not-supported'],
  NOT_ACCEPTABLE: [406, 'not-supported'],
  INTERACTION_UNSUPPORTED: [405, 'not-supported'],
  TYPE_UNKNOWN: [404, 'not-supported'],
  RESOURCE_INVALID: [422, 'structure'],
  RESOURCE_TOO_COMPLEX: [422, 'too-costly'],
  REFERENCE_UNRESOLVED: [422, 'not-found'],
  PATIENT_AMBIGUOUS: [422, 'business-rule'],
  DELETED: [410, 'deleted'],
  VERSION_MISMATCH: [412, 'conflict'],
  ALREADY_EXISTS: [412, 'duplicate'],
  ID_TAKEN: [409, 'duplicate'],
  OPERATION_UNKNOWN: [404, 'not-supported'],
  CONTENT_ENCODING_UNSUPPORTED: [415, 'not-supported'],
  PATCH_INVALID: [400, 'structure'],
  PATCH_PATH_UNMATCHED: [422, 'not-found'],
  PATCH_PATH_AMBIGUOUS: [422, 'multiple-matches'],
  PATCH_PATH_UNSUPPORTED: [422, 'not-supported'],
  PATCH_ELEMENT_EXISTS: [422, 'duplicate'],
  PATCH_TEST_FAILED: [422, 'conflict'],
  PATCH_IDENTITY: [422, 'business-rule'],
  PATCH_RESULT_INVALID: [422, 'structure'],
  PATCH_TOO_COSTLY: [413, 'too-costly'],
  CONDITION_AMBIGUOUS: [412, 'multiple-matches'],
  CONDITION_UNMATCHED: [412, 'not-found'],
  PARAMETER_UNKNOWN: [400, 'not-supported'],
  SEARCH_TOO_COSTLY: [403, 'too-costly'],
  SEARCH_TOO_LONG: [400, 'too-long'],
  SEARCH_UNSUPPORTED: [400, 'not-supported'],
  TERMINOLOGY_UNSUPPORTED: [422, 'not-supported'],
  TERMINOLOGY_CODE_UNKNOWN: [404, 'code-invalid'],
  EXPANSION_TOO_COSTLY: [403, 'too-costly'],
  SUMMARY_PROFILE_UNSUPPORTED: [422, 'not-supported'],
  SUMMARY_PATIENT_AMBIGUOUS: [412, 'multiple-matches'],
  RECEIPT_NOT_ANCHORED: [503, 'transient'],
  RECEIPT_ERASED: [410, 'deleted'],
  TOO_COSTLY: [403, 'too-costly'],
  VAULT_FULL: [507, 'no-store'],
  VERSION_ERASED: [410, 'deleted'],
  PROVENANCE_UNUSED: [409, 'duplicate'],
  INTERNAL: [500, 'exception'],
};

/** System of the codes in `issue.details`. */
const CODE_SYSTEM = 'urn:aceso:codes';

/** The refusal that stands for anything thrown: a Reject is one; any other throw is a bug and becomes INTERNAL. */
export function refusalOf(thrown: unknown): Reject {
  return isReject(thrown) ? thrown : rejectFhir('INTERNAL');
}

export function statusOf(reject: Reject): number {
  return BY_CODE[reject.code]?.[0] ?? reject.httpStatus ?? BY_KIND[reject.kind][0];
}

/** OperationOutcome of a refusal: code and sentence in `details`, places in `expression`, other data in `diagnostics`. */
export function rejectToOutcome(reject: Reject): OperationOutcome {
  const { issues, ...data } = reject.data as { issues?: readonly { path: string; fault: string }[]; entry?: number };
  const { entry } = data;
  const issue: OperationOutcomeIssue = {
    severity: reject.code === 'INTERNAL' ? 'fatal' : 'error',
    code: (BY_CODE[reject.code] ?? BY_KIND[reject.kind])[1],
    details: {
      coding: [{ system: CODE_SYSTEM, code: reject.code }],
      text: reject.message.slice(reject.code.length + 2),
    },
    ...(Object.keys(data).length > 0 ? { diagnostics: JSON.stringify(data) } : {}),
  };
  if (issues === undefined) return { resourceType: 'OperationOutcome', issue: [issue] };
  return {
    resourceType: 'OperationOutcome',
    issue: issues.map(({ path, fault }) => ({
      ...issue,
      ...(fault === '' ? {} : { diagnostics: entry === undefined ? fault : `entry ${entry}: ${fault}` }),
      ...(path === '' ? {} : { expression: [path] }),
    })),
  };
}

/** OperationOutcome that says that all went well, for `Prefer: return=OperationOutcome`. */
export function informationOutcome(text: string): OperationOutcome {
  return {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'information', code: 'informational', details: { text } }],
  };
}

/** OperationOutcome beside an answer that is not all that was asked for, such as ignored parameters. */
export function warningOutcome(text: string): OperationOutcome {
  return {
    resourceType: 'OperationOutcome',
    issue: [{ severity: 'warning', code: 'not-supported', details: { text } }],
  };
}
