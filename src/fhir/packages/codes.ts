import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of FHIR packages. */
export const CODES = {
  PACKAGE_UNREADABLE: {
    kind: 'invalid',
    sentence: 'The file is no FHIR package, for the reason given; give a .tgz as FHIR registries and npm serve it.',
  },
  PACKAGE_TOO_LARGE: {
    kind: 'limit',
    sentence: 'The package is larger, or has more files, than a node takes; the data say which bound it passes.',
  },
  PACKAGE_FHIR_VERSION: {
    kind: 'invalid',
    sentence: 'The package is for another version of FHIR; a node takes packages for R4 (4.0).',
  },
  PACKAGE_UNKNOWN: {
    kind: 'unknown',
    sentence: 'No such package is loaded; `aceso ig list` shows those that are.',
  },
} as const satisfies CodeCatalogue;

export const rejectPackage = rejecter(CODES);
