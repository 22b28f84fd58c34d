import { type CodeCatalogue, rejecter } from '../../../std/reject.ts';

/** Refusals of the membership contract. */
export const CODES = {
  MEMBER_REQUIRED: {
    kind: 'denied',
    sentence: 'Only an active member may send this message. Sign it with a key of a member account.',
  },
  ROLE_REQUIRED: {
    kind: 'denied',
    sentence: 'The member does not hold a role that this message needs. The members may vote to change its roles.',
  },
  MEMBER_UNKNOWN: { kind: 'unknown', sentence: 'There is no active member with this account.' },
  MEMBER_LIMIT: { kind: 'limit', sentence: 'The ledger holds as many members as its rules allow.' },
  SUCCESSOR_INVALID: {
    kind: 'invalid',
    sentence: 'A removal names another active member, who then answers for the accounts of the removed one.',
  },
  PROPOSAL_UNKNOWN: {
    kind: 'unknown',
    sentence: 'There is no open proposal of this kind with this id. It may be executed, expired or withdrawn.',
  },
  PROPOSAL_EXPIRED: {
    kind: 'conflict',
    sentence: 'The proposal expired before enough members approved it. Propose it again.',
  },
  PROPOSAL_LIMIT: {
    kind: 'limit',
    sentence: 'The member has too many open proposals. Withdraw one, or wait until one expires.',
  },
  VOTE_REPEATED: { kind: 'conflict', sentence: 'The member has approved this proposal already.' },
  ACCOUNT_EXISTS: { kind: 'conflict', sentence: 'An account with this id exists. Choose another random id.' },
  ACCOUNT_NOT_FOUND: { kind: 'unknown', sentence: 'There is no account with this id.' },
  ACCOUNT_KIND: { kind: 'invalid', sentence: 'The message does not apply to an account of this kind.' },
  ACCOUNT_STATUS: { kind: 'conflict', sentence: 'The message does not apply to an account in this status.' },
  ITEM_REPEATED: { kind: 'invalid', sentence: 'A list in the message names something twice.' },
  SIGNER_NOT_ENTITLED: {
    kind: 'denied',
    sentence:
      'The sender may not send this message for this account. Its own key does, or the member who answers for it.',
  },
  CUSTODIAN_APPROVAL: {
    kind: 'denied',
    sentence: 'The member who answers for the account has to approve this message with a key of its own.',
  },
  KEY_INVALID: {
    kind: 'invalid',
    sentence: 'The public key or its record is malformed, is no point of its curve, or lies in a small subgroup.',
  },
  KEY_EXISTS: { kind: 'conflict', sentence: 'The account holds this key already, or the message names it twice.' },
  KEY_UNKNOWN: { kind: 'unknown', sentence: 'The account holds no key with this id.' },
  KEY_UNPROVEN: {
    kind: 'denied',
    sentence: 'Each new key signs the message that introduces it, to prove that somebody holds it.',
  },
  KEY_LAST: {
    kind: 'conflict',
    sentence: 'An account keeps at least one key. Add the new key before retiring this one.',
  },
  KEY_LIMIT: { kind: 'limit', sentence: 'The account holds as many keys as the rules allow. Retire one first.' },
  SEALING_INVALID: {
    kind: 'invalid',
    sentence: 'The sealing key is not base64url of a public key, or is too long or too short.',
  },
  RULES_UNCHANGED: {
    kind: 'conflict',
    sentence: 'This version is the one that the capability has, or will have, already.',
  },
  RULES_VERSION: {
    kind: 'invalid',
    sentence: 'A capability goes to the version after its highest one, or back to one that it had.',
  },
  RULES_TOO_SOON: {
    kind: 'conflict',
    sentence:
      'Rules become active at a height far enough ahead, and after the last activation. Propose a later height.',
  },
  VALIDATORS_NONE: {
    kind: 'conflict',
    sentence: 'The ledger has a single operator and no validators. Members get them when it moves to a consortium.',
  },
  VALIDATORS_EMPTY: {
    kind: 'conflict',
    sentence: 'Nobody would be left with voting power, and the ledger would stop. Give it to another validator first.',
  },
  VALIDATOR_UNKNOWN: {
    kind: 'unknown',
    sentence: 'The account has no validator. List them with the query membership.validators.',
  },
  VALIDATOR_UNCHANGED: {
    kind: 'conflict',
    sentence: 'The validator has this key, this node and this voting power already.',
  },
  VALIDATOR_KEY_TAKEN: {
    kind: 'conflict',
    sentence: 'Another validator votes with this key, or a member signs with it. Make a new key for this validator.',
  },
  VALIDATOR_KEY_RETIRED: {
    kind: 'denied',
    sentence: 'This key was caught voting against itself and never votes again. Make a new key for the validator.',
  },
  VALIDATOR_NODE_TAKEN: {
    kind: 'conflict',
    sentence: 'Another validator runs on the node with this id. Give the id that this validator’s own node shows.',
  },
  GENESIS_INVALID: { kind: 'invalid', sentence: 'The membership section of the genesis document is malformed.' },
} as const satisfies CodeCatalogue;

/** Thrower for this contract: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
