import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of the operations, beside those of the FHIR server itself. */
export const CODES = {
  OPERATION_INPUT_INVALID: {
    kind: 'invalid',
    sentence: 'The body is not the Parameters, or the resource, that the operation takes; see its definition.',
  },
  MATCH_TOO_LITTLE: {
    kind: 'invalid',
    sentence:
      'There is too little to match by; give an identifier, a telecom, a whole birth date, or family and given name.',
  },
} as const satisfies CodeCatalogue;

/** Thrower for this folder: `throw rejectOperation('CODE', data)`. */
export const rejectOperation = rejecter(CODES);
