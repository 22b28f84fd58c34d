import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of `$summary`, `$lastn` and `$docref`, beside those of the FHIR server itself. */
export const CODES = {
  SUMMARY_PROFILE_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The summary is made to the International Patient Summary profile 2.0 alone; leave the profile out.',
  },
  SUMMARY_PATIENT_AMBIGUOUS: {
    kind: 'conflict',
    sentence: 'The identifier belongs to more than one patient; name the patient by its address.',
  },
  LASTN_UNDERSPECIFIED: {
    kind: 'invalid',
    sentence: 'The last observations of whom and of what? Give patient or subject, and category or code.',
  },
} as const satisfies CodeCatalogue;

/** Thrower for this folder. */
export const rejectSummary = rejecter(CODES);
