import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of the consent contract. */
export const CODES = {
  CONSENT_ACCOUNT_UNKNOWN: { kind: 'unknown', sentence: 'There is no patient account with this id.' },
  CONSENT_ACCOUNT_CLOSED: {
    kind: 'conflict',
    sentence: 'The account is closed; nothing can be consented to for it any more.',
  },
  CONSENT_SIGNER_NOT_ENTITLED: {
    kind: 'denied',
    sentence:
      'Only the patient, a delegate with the power to consent or, for an unclaimed account, its custodian may decide this. Sign with a key of one of them.',
  },
  CONSENT_POLICY_MALFORMED: {
    kind: 'invalid',
    sentence: 'The policy breaks a rule of form that `fault` names. Build it again with a current client.',
  },
  CONSENT_POLICY_EXPIRED: {
    kind: 'invalid',
    sentence: 'The policy would end before it begins to apply. Choose a later end.',
  },
  CONSENT_MEMBER_UNKNOWN: { kind: 'unknown', sentence: 'The policy names a member that the ledger does not know.' },
  CONSENT_POLICY_LIMIT: {
    kind: 'limit',
    sentence:
      'The account has as many policies as the rules allow. Revoke one, or supersede one by granting in its scope.',
  },
  CONSENT_SCOPE_UNKNOWN: { kind: 'unknown', sentence: 'There is no default of this name to supersede.' },
  CONSENT_POLICY_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The account has no active policy with this id. It may be superseded or revoked already.',
  },
  DELEGATION_UNKNOWN: { kind: 'unknown', sentence: 'The account has no delegation to this delegate.' },
  DELEGATION_LIMIT: {
    kind: 'limit',
    sentence: 'The account has as many delegates as the rules allow. Revoke one first.',
  },
  DELEGATION_PERIOD: {
    kind: 'invalid',
    sentence: 'A delegation ends after it begins, in the future, and no later than the rules allow.',
  },
  DELEGATE_INVALID: {
    kind: 'invalid',
    sentence: 'A delegate is another person with an active account of their own.',
  },
  CONSENT_GENESIS_INVALID: { kind: 'invalid', sentence: 'The consent section of the genesis document is malformed.' },
  CONSENT_QUERY_INVALID: { kind: 'invalid', sentence: 'The query lacks an argument or has one of another shape.' },
} as const satisfies CodeCatalogue;

/** Thrower for this contract: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
