import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** Refusals of the terminology operations. None ever stands for an empty success. */
export const CODES = {
  TERMINOLOGY_NOT_FOUND: {
    kind: 'unknown',
    sentence:
      'The code system or value set is defined neither by FHIR R4 nor by a loaded package nor by a stored resource that this caller may read; load the package that defines it.',
  },
  TERMINOLOGY_UNSUPPORTED: {
    kind: 'invalid',
    sentence:
      'This server cannot tell: the content of a code system is not here, or a rule of the value set is not evaluated; ask a terminology server that has it.',
  },
  TERMINOLOGY_PARAMETER_INVALID: {
    kind: 'invalid',
    sentence: 'A parameter of the operation is missing, repeated, of another type or not supported; the data name it.',
  },
  TERMINOLOGY_CODE_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The code system has no such code; check code, system and version.',
  },
  EXPANSION_TOO_COSTLY: {
    kind: 'limit',
    sentence: 'The expansion has more codes than one answer takes; page with count and offset, or narrow it by filter.',
  },
} as const satisfies CodeCatalogue;

/** Thrower of this catalogue. Data hold canonical URLs, names of parameters and counts. */
export const rejectTerminology = rejecter(CODES);

/** Text of a client's as it may stand in a refusal: printable, short. */
export function printable(text: string): string {
  return text.slice(0, 200).replace(/[^\x20-\x7e]/g, '?');
}
