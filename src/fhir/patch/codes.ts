import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of patches. Data name the operation by its place, never paths or values: these may tell of a patient. */
export const CODES = {
  PATCH_INVALID: {
    kind: 'invalid',
    sentence: 'The patch is neither a JSON Patch nor a FHIRPath Patch as they are defined; the details say where.',
  },
  PATCH_PATH_UNMATCHED: {
    kind: 'invalid',
    sentence: 'The path of an operation leads to nothing in the current version; read it again and correct the path.',
  },
  PATCH_PATH_AMBIGUOUS: {
    kind: 'invalid',
    sentence: 'The path of an operation leads to more than one element; make it select a single one.',
  },
  PATCH_PATH_UNSUPPORTED: {
    kind: 'invalid',
    sentence:
      'The path of an operation is not of the simple FHIRPath that patches take: names, indexes, where, ofType.',
  },
  PATCH_ELEMENT_EXISTS: {
    kind: 'invalid',
    sentence: 'An element that does not repeat is there already; replace it instead of adding it.',
  },
  PATCH_TEST_FAILED: {
    kind: 'invalid',
    sentence: 'A test operation of the patch failed, so nothing was changed; read the resource again.',
  },
  PATCH_IDENTITY: {
    kind: 'invalid',
    sentence: 'A patch may change neither the id nor the type of a resource; leave them as they are.',
  },
  PATCH_RESULT_INVALID: {
    kind: 'invalid',
    sentence: 'What the patch makes of the resource is not the JSON that FHIR asks for; the details say why.',
  },
  PATCH_TOO_COSTLY: {
    kind: 'limit',
    sentence: 'The patch has more operations or does more work than this server takes; send an update instead.',
  },
} as const satisfies CodeCatalogue;

/** Thrower of this catalogue. */
export const rejectPatch = rejecter(CODES);
