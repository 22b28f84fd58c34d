import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Why a FHIR Consent is no policy, or cannot be expressed as one. In the second case the policy denies everything. */
export const CODES = {
  CONSENT_NOT_ACTIVE: {
    kind: 'invalid',
    sentence: 'Only a Consent with status active is a policy. Change its status, or revoke the policy.',
  },
  CONSENT_PROVISION_MISSING: {
    kind: 'invalid',
    sentence: 'The Consent has no provision with a type; it neither permits nor denies.',
  },
  CONSENT_SCOPE_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The scope is no code of the FHIR consentscope code system.',
  },
  CONSENT_EXCEPTION_SAME_SENSE: {
    kind: 'invalid',
    sentence:
      'A nested provision has the type of its root. Exceptions are of the opposite type; write two Consents instead.',
  },
  CONSENT_NESTED_TOO_DEEP: {
    kind: 'invalid',
    sentence: 'Exceptions of exceptions cannot be expressed (IHE PCF forbids them).',
  },
  CONSENT_ACTION_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The element provision.action cannot be expressed (IHE PCF forbids it); use purposes.',
  },
  CONSENT_CODE_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The element provision.code cannot be expressed (IHE PCF forbids it); use classes or labels.',
  },
  CONSENT_DATA_UNSUPPORTED: {
    kind: 'invalid',
    sentence:
      'The element provision.data has a meaning other than instance, related or authoredby, or a reference that names nothing a version is known by.',
  },
  CONSENT_ACTOR_UNSUPPORTED: {
    kind: 'invalid',
    sentence:
      'The element provision.actor has a role other than information recipient (IRCP), or a reference that names nobody on the ledger; use an identifier of system urn:aceso:member or urn:aceso:account.',
  },
  CONSENT_PURPOSE_UNSUPPORTED: {
    kind: 'invalid',
    sentence: 'The element provision.purpose has no system, or is no known purpose of use of HL7 v3 ActReason.',
  },
  CONSENT_CODING_INCOMPLETE: { kind: 'invalid', sentence: 'A security label or class has no system or no code.' },
  CONSENT_PERIOD_INVALID: { kind: 'invalid', sentence: 'A period is empty, the wrong way round, or no FHIR dateTime.' },
  CONSENT_MODIFIER_UNSUPPORTED: {
    kind: 'invalid',
    sentence:
      'The Consent has a modifier extension, implicit rules or an unverified verification, which could change its meaning.',
  },
  CONSENT_TOO_LARGE: {
    kind: 'invalid',
    sentence: 'A provision names more than a policy holds. Write several Consents.',
  },
} as const satisfies CodeCatalogue;

export type ConsentReason = keyof typeof CODES;

/** Thrower for this floor: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
