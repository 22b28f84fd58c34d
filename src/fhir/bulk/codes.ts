import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of bulk export and import, beside those of the FHIR server itself. */
export const CODES = {
  EXPORT_ASYNC_ONLY: {
    kind: 'invalid',
    sentence: 'An export is made beside the request; send Prefer: respond-async and ask at the address that you get.',
  },
  EXPORT_OVER_HTTP_ONLY: {
    kind: 'invalid',
    sentence: 'Exports and imports are begun by a request of their own, not from within a Bundle.',
  },
  EXPORT_PARAMETER_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'This server does not support the parameter here; leave it out, or send Prefer: handling=lenient.',
  },
  EXPORT_PARAMETER_INVALID: { kind: 'invalid', sentence: 'The parameter has a value that cannot be used.' },
  EXPORT_TYPE_UNKNOWN: { kind: 'invalid', sentence: 'A type asked for is none of FHIR R4 that this server keeps.' },
  EXPORT_TYPE_OUTSIDE: {
    kind: 'invalid',
    sentence: 'A type asked for is not part of a patient’s compartment; export it at system level.',
  },
  EXPORT_PATIENT_UNKNOWN: {
    kind: 'invalid',
    sentence: 'A patient asked for is not on this server, not of the group, or not for this caller.',
  },
  EXPORT_GROUP_NESTED: {
    kind: 'invalid',
    sentence:
      'The group has groups as members, which are not followed; export those, or send Prefer: handling=lenient.',
  },
  EXPORT_GROUP_TOO_LARGE: {
    kind: 'limit',
    httpStatus: 403,
    sentence: 'The group has more members than one export takes; export smaller groups, or all patients.',
  },
  EXPORT_NOT_FOR_PATIENTS: {
    kind: 'denied',
    sentence: 'A system’s export is not for patients; Patient/$export gives your own records.',
  },
  EXPORT_TOO_MANY: {
    kind: 'limit',
    sentence: 'There are as many exports or imports of yours or of the organisation as may be; wait, or delete one.',
  },
  EXPORT_POLLED_TOO_SOON: {
    kind: 'limit',
    sentence: 'The status was asked for again too soon; wait as long as Retry-After says.',
  },
  EXPORT_UNKNOWN: {
    kind: 'unknown',
    sentence: 'There is no such export, import or file, or it is not for this caller.',
  },
  EXPORT_ERASED: {
    kind: 'conflict',
    sentence: 'Records that the export had were erased since, so its files were destroyed; begin another one.',
  },
  EXPORT_OWNER_GONE: {
    kind: 'denied',
    sentence: 'Who began the export may not have it any more: the app, the account or its roles ended meanwhile.',
  },
  EXPORT_FAILED: {
    kind: 'unavailable',
    httpStatus: 500,
    sentence: 'The export or import failed, for the cause named, and is not gone on with; begin another one.',
  },
  EXPORT_FILE_DAMAGED: {
    kind: 'unavailable',
    httpStatus: 500,
    sentence: 'The file is not as it was written; nothing of it is given out. Begin another export.',
  },
  EXPORT_DISK_FAILED: {
    kind: 'unavailable',
    sentence: 'The node could not write or read the files, for the reason named; its operator must look at the disk.',
  },
  IMPORT_ADMINISTRATOR_ONLY: { kind: 'denied', sentence: 'Only the organisation’s administrator may import.' },
  IMPORT_BODY_MISSING: {
    kind: 'invalid',
    sentence: 'An import takes NDJSON: send application/fhir+ndjson with a resource on each line.',
  },
  IMPORT_LINE_TOO_LONG: {
    kind: 'limit',
    httpStatus: 413,
    sentence: 'A line is longer than any resource may be; nothing was imported. Each line is one resource.',
  },
  IMPORT_TOO_LARGE: {
    kind: 'limit',
    httpStatus: 413,
    sentence: 'The body is larger than one import takes; nothing was imported. Send it in several.',
  },
} as const satisfies CodeCatalogue;

/** Thrower for this folder: `throw rejectBulk('CODE', data)`. */
export const rejectBulk = rejecter(CODES);
