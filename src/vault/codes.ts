import { type CodeCatalogue, rejecter } from '../std/reject.ts';

/** Refusals of the vault. */
export const CODES = {
  VAULT_CLOSED: { kind: 'unavailable', sentence: 'The vault is closed. Start the node again.' },
  VAULT_IN_USE: {
    kind: 'conflict',
    sentence: 'Another process has this vault open. Stop it, or use another data folder.',
  },
  VAULT_KEY_WRONG: {
    kind: 'denied',
    sentence:
      'The root key is not the one that this vault was made with. Give the key file printed at its first start.',
  },
  VAULT_DAMAGED: {
    kind: 'unavailable',
    sentence:
      'The vault holds something that it did not write: it is damaged. Restore a backup, or replace the disk first.',
  },
  VAULT_FULL: {
    kind: 'limit',
    sentence: 'The disk or the quota of the vault is full; nothing was written. Free space, then try again.',
  },
  VAULT_STORAGE_FAILED: {
    kind: 'unavailable',
    sentence:
      'The disk refused a write or a sync, so the vault takes no more. Check the disk, then start the node again.',
  },
  VAULT_DATABASE_UNREACHABLE: {
    kind: 'unavailable',
    sentence:
      'The vault’s PostgreSQL database does not answer or refuses the node. Check its address, its credentials and that it runs.',
  },
  VAULT_FORMAT_OTHER: {
    kind: 'unavailable',
    sentence: 'The vault was written by another version of Aceso. Start that version, or one that can take it over.',
  },
  VAULT_BEHIND_ANCHOR: {
    kind: 'unavailable',
    sentence:
      'The journal does not reach or extend its last anchor on the ledger, as after an old backup. Ask the members for journal.restart.',
  },
  GENERATION_INVALID: { kind: 'invalid', sentence: 'A journal generation can only be followed by a later one.' },
  VERSION_CONFLICT: {
    kind: 'conflict',
    sentence: 'Another version was written meanwhile. Read the resource again and repeat the change on it.',
  },
  VERSION_ERASED: { kind: 'unknown', sentence: 'This version was erased; its key and salt no longer exist.' },
  VERSION_UNKNOWN: { kind: 'unknown', sentence: 'The vault holds no such version.' },
  VERSION_TOO_LARGE: {
    kind: 'limit',
    sentence: 'The resource is larger than a vault keeps. Store large content as an attachment.',
  },
  BLOB_DAMAGED: {
    kind: 'unavailable',
    sentence:
      'The stored bytes of this version are damaged and are not served. Restore them from a replica or a backup.',
  },
  ACCOUNT_UNKNOWN: { kind: 'unknown', sentence: 'The vault has no keys for this account. Open the account first.' },
  PERMIT_USED: {
    kind: 'conflict',
    sentence: 'This permit has been used: a release names it already. Ask for access again.',
  },
  CURSOR_INVALID: {
    kind: 'invalid',
    sentence: 'The page cursor is not one that this server gave out. Start at the first page.',
  },
  TOO_COSTLY: {
    kind: 'limit',
    sentence: 'The search would have to try the protected index of too many patients. Name fewer accounts.',
  },
  ROOT_KEY_MODE: { kind: 'denied', sentence: 'Others may read the root key file. Set its mode to 0600.' },
  ROOT_KEY_DAMAGED: {
    kind: 'invalid',
    sentence: 'The root key file is not one, or a character of it changed. Restore its copy.',
  },
  ROOT_KEY_MISSING: {
    kind: 'unknown',
    sentence: 'The root key file of this node is missing. Without it the vault cannot be opened.',
  },
  ROOT_KEY_INSIDE_DATA: {
    kind: 'invalid',
    sentence:
      'The root key must not lie in the data folder: whoever takes the folder would have both. Choose another place.',
  },
} as const satisfies CodeCatalogue;

/** Thrower for the vault: `throw reject('CODE', data)`. */
export const reject = rejecter(CODES);
