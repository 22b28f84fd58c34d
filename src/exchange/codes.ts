import type { CodeCatalogue } from '../std/reject.ts';

/** Refusals between organisations. None tells whether a patient or a record is there. */
export const CODES = {
  EXCHANGE_CALL_MALFORMED: {
    kind: 'invalid',
    sentence: 'The call does not have the form of a signed statement of the exchange.',
  },
  EXCHANGE_MISADDRESSED: {
    kind: 'invalid',
    sentence: 'The statement was signed for another call, another ledger or another custodian.',
  },
  EXCHANGE_SIGNATURE_WRONG: {
    kind: 'unauthenticated',
    sentence: 'The statement is not signed with a key that the ledger has of a member in good standing.',
  },
  EXCHANGE_TIME_WRONG: {
    kind: 'denied',
    sentence: 'The statement’s time is more than five minutes off; check the clocks of both nodes.',
  },
  EXCHANGE_REPLAYED: { kind: 'conflict', sentence: 'This statement was used already; sign a new one.' },
  EXCHANGE_TOO_MANY_CALLS: { kind: 'limit', sentence: 'The member called too often within ten minutes; wait.' },
  EXCHANGE_PATIENT_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The custodian knows no single patient with this identifier; give system|value exactly.',
  },
  EXCHANGE_PERMIT_UNKNOWN: {
    kind: 'unknown',
    sentence: 'There is no permit of this organisation with this id that still holds; ask for access again.',
  },
  RELEASE_DENIED: {
    kind: 'denied',
    sentence: 'The patient’s policy lets nothing of what was asked for be released, or no longer does.',
  },
  RELEASE_TOO_LARGE: {
    kind: 'limit',
    sentence: 'More was asked for than one release holds; ask for fewer resource types.',
  },
  RELEASE_NOT_OFFERED: {
    kind: 'unknown',
    sentence: 'Nothing is offered under this permit; ask for the release first.',
  },
  COUNTERSIGNATURE_WRONG: {
    kind: 'invalid',
    sentence: 'The countersignature is not one of the requester over what was offered; ask for the release again.',
  },
  RELEASE_UNVERIFIED: {
    kind: 'invalid',
    sentence: 'What the custodian released does not fit the leaves it named; nothing of it was kept.',
  },
  EXCHANGE_NODE_UNKNOWN: {
    kind: 'unavailable',
    sentence: 'No node known here hosts this member; start this one with --peer URL of the member’s node.',
  },
  EXCHANGE_UNREACHABLE: { kind: 'unavailable', sentence: 'The other organisation’s node does not answer; try again.' },
  EXCHANGE_ANSWER_WRONG: {
    kind: 'unavailable',
    sentence: 'The other node’s answer is malformed or not signed by the custodian; it was not used.',
  },
} as const satisfies CodeCatalogue;
