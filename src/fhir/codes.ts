import { type CodeCatalogue, rejecter } from '../std/reject.ts';

/** Refusals of the FHIR server. `outcome.ts` maps them to HTTP statuses and OperationOutcome issue types. */
export const CODES = {
  JSON_INVALID: {
    kind: 'invalid',
    sentence: 'The body is not the strict JSON that FHIR asks for; send UTF-8 JSON without duplicate names.',
  },
  BODY_EMPTY: { kind: 'invalid', sentence: 'The request needs a body; send the resource as JSON.' },
  BODY_TOO_LARGE: { kind: 'limit', sentence: 'The body is larger than this server takes; send it in smaller pieces.' },
  URL_TOO_LONG: { kind: 'limit', sentence: 'The request target is longer than this server takes; use POST _search.' },
  MEDIA_TYPE_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The body has a media type that is not supported here; send application/fhir+json of FHIR R4.',
  },
  CONTENT_ENCODING_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The body is encoded in a way that is not supported; send it as it is, or with gzip, deflate or br.',
  },
  CONTENT_ENCODING_INVALID: {
    kind: 'invalid',
    sentence: 'The body is not what its Content-Encoding says; send it again, or without an encoding.',
  },
  NOT_ACCEPTABLE: {
    kind: 'invalid',
    sentence: 'No media type that the client accepts is supported; accept application/fhir+json.',
  },
  ROUTE_UNKNOWN: {
    kind: 'unknown',
    sentence: 'There is nothing at this address; GET metadata says what this server supports.',
  },
  INTERACTION_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'This interaction is not supported here; GET metadata says which are.',
  },
  OPERATION_UNKNOWN: {
    kind: 'unknown',
    sentence: 'There is no such operation at this address; GET metadata says which there are and where.',
  },
  TYPE_UNKNOWN: { kind: 'unknown', sentence: 'The resource type is none of FHIR R4 that this server keeps.' },
  TYPE_MISMATCH: {
    kind: 'invalid',
    sentence: 'The resource in the body has another type than the address; make both the same.',
  },
  ID_INVALID: { kind: 'invalid', sentence: 'The id has other characters than A-Z, a-z, 0-9, - and . or more than 64.' },
  ID_MISMATCH: {
    kind: 'invalid',
    sentence: 'The id in the body is missing or differs from the address; make both the same.',
  },
  RESOURCE_INVALID: {
    kind: 'invalid',
    sentence: 'The resource does not follow the structure of FHIR R4; the issues say where.',
  },
  RESOURCE_TOO_COMPLEX: {
    kind: 'limit',
    sentence: 'The resource has more identifiers, codes, references and names than this server indexes; split it.',
  },
  REFERENCE_UNRESOLVED: {
    kind: 'invalid',
    sentence:
      'A reference leads to no resource on this server; write its target first or send both in one transaction.',
  },
  PATIENT_AMBIGUOUS: {
    kind: 'invalid',
    sentence: 'The resource is about more than one patient; send one resource for each.',
  },
  NOT_FOUND: { kind: 'unknown', sentence: 'There is no such resource, or it is not for this caller.' },
  DELETED: { kind: 'unknown', sentence: 'The resource was deleted; its earlier versions may still be read.' },
  SCOPE_INSUFFICIENT: {
    kind: 'denied',
    sentence: 'The app’s token has no scope for this; the app asks for one when it is launched.',
  },
  WRITE_DENIED: { kind: 'denied', sentence: 'The policy in force does not let this caller write this record.' },
  PRECONDITION_MALFORMED: {
    kind: 'invalid',
    sentence: 'A precondition cannot be read; If-Match takes W/"version", If-Modified-Since a date of HTTP.',
  },
  VERSION_MISMATCH: {
    kind: 'conflict',
    sentence: 'The resource has another version than If-Match names; read it again and merge.',
  },
  ALREADY_EXISTS: {
    kind: 'conflict',
    sentence: 'The resource exists already, and If-None-Match asked that it does not; read it and update it.',
  },
  ID_TAKEN: {
    kind: 'conflict',
    sentence: 'The condition matches nothing, but the id in the body is that of another resource; leave the id out.',
  },
  WRITE_CONTENDED: {
    kind: 'conflict',
    sentence: 'Others wrote the same resource at the same time; read it again and repeat.',
  },
  CONDITION_AMBIGUOUS: {
    kind: 'conflict',
    sentence: 'The condition matches more than one resource; make it more selective.',
  },
  CONDITION_UNMATCHED: {
    kind: 'conflict',
    sentence: 'A conditional reference matches no resource, or more than one; name one that exists.',
  },
  CONDITION_INVALID: {
    kind: 'invalid',
    sentence: 'A condition must be a search with parameters that this server supports.',
  },
  PARAMETER_UNKNOWN: {
    kind: 'invalid',
    sentence: 'A search parameter is not supported; leave it out, or send Prefer: handling=lenient.',
  },
  PARAMETER_INVALID: { kind: 'invalid', sentence: 'A search parameter has a value that cannot be used.' },
  PAGE_INVALID: { kind: 'invalid', sentence: 'The paging link is not one that this server made; search again.' },
  ANSWER_TOO_LARGE: {
    kind: 'limit',
    httpStatus: 413,
    sentence: 'The entries before this one fill what one answer may have; ask for this in a request of its own.',
  },
  SEARCH_TOO_COSTLY: { kind: 'limit', sentence: 'The search would look at more than the server allows; narrow it.' },
  PROVENANCE_INVALID: {
    kind: 'invalid',
    sentence:
      'The header X-Provenance takes a valid Provenance without target, as JSON of at most 8 KiB; nothing was written.',
  },
  PROVENANCE_UNSUPPORTED: {
    kind: 'invalid',
    sentence:
      'X-Provenance goes with a create, an update or a patch; send a Provenance of its own, or as an entry of the Bundle.',
  },
  PROVENANCE_UNUSED: {
    kind: 'conflict',
    sentence:
      'If-None-Exist found the resource, so nothing was written that X-Provenance could be about; leave the header out, or send a Provenance of its own.',
  },
  BUNDLE_INVALID: {
    kind: 'invalid',
    sentence: 'The Bundle is no transaction or batch that can be processed; the details say where.',
  },
  BUNDLE_TOO_LONG: { kind: 'limit', sentence: 'The Bundle has more entries than the server takes; send several.' },
  BUNDLE_OVERLAP: { kind: 'invalid', sentence: 'Two entries of the transaction write the same resource; keep one.' },
  IMPORT_ENTRY_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'An import takes Bundles whose entries create or update resources.',
  },
  IMPORT_SUBSCRIPTION: {
    kind: 'invalid',
    sentence: 'Subscriptions are not imported; leave them out, and let their owners create them by POST.',
  },
  INTERNAL: {
    kind: 'unavailable',
    sentence: 'The server failed at this and kept nothing of it. Report it with the time of the request.',
  },
} as const satisfies CodeCatalogue;

/** Thrower of this catalogue. Data never holds patient data: paths, names of elements, counts. */
export const rejectFhir = rejecter(CODES);
