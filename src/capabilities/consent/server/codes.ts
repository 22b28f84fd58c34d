import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of the consent server's routes, beside those of the contract and of the translation. */
export const CODES = {
  CONSENT_REQUEST_INVALID: {
    kind: 'invalid',
    sentence: 'The request does not have the form that this route takes; see the API page.',
  },
  CONSENT_PATIENT_UNKNOWN: { kind: 'unknown', sentence: 'There is no such patient here.' },
  CONSENT_CALLER_NOT_ENTITLED: {
    kind: 'denied',
    sentence: 'Only the patient, a delegate with the power to consent and staff of the organisation may do this.',
  },
  CONSENT_SIGNATURE_NEEDED: {
    kind: 'denied',
    sentence:
      'The account is claimed: only its own keys decide, and the organisation cannot sign for it. Send a transaction that the wallet signed.',
  },
  CONSENT_TRANSACTION_WRONG: {
    kind: 'invalid',
    sentence: 'The transaction is not the one that this route takes, for this patient on this ledger, rightly signed.',
  },
  CONSENT_DOCUMENT_OTHER_PATIENT: {
    kind: 'invalid',
    sentence: 'The patient of the Consent is not the one of the request; refer to it as Patient/ID.',
  },
  CONSENT_DOCUMENT_DIFFERS: {
    kind: 'conflict',
    sentence:
      'The document that the transaction names is not the Consent that is kept here. Keep it first, then sign its leaf.',
  },
  CONSENT_REFUSED: {
    kind: 'conflict',
    sentence: 'The ledger refused the transaction for the reason that `outcome` names.',
  },
} as const satisfies CodeCatalogue;

/** Thrower for this floor: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
