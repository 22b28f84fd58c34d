import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** What can go wrong when a FHIR package is fetched. */
export const CODES = {
  PACKAGE_NOT_IN_REGISTRY: {
    kind: 'unknown',
    sentence:
      'The npm registry at hand has no package of this name and version; download its .tgz from where it is published (packages.fhir.org) and give the file.',
  },
  PACKAGE_FETCH_FAILED: {
    kind: 'unavailable',
    sentence: 'The package could not be fetched with npm, for the reason given; repeat it, or give it as a file.',
  },
  NPM_MISSING: {
    kind: 'unavailable',
    sentence: 'There is no npm to fetch the package with; give the package as a file.',
  },
} as const satisfies CodeCatalogue;

export const rejectFetch = rejecter(CODES);
