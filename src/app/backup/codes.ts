import { type CodeCatalogue, rejecter } from '../../std/reject.ts';

/** What can be wrong with a backup, and what keeps one from being made or restored. */
export const CODES = {
  BACKUP_FOLDER_TAKEN: {
    kind: 'conflict',
    sentence: 'Something is at the place of the backup already, and nothing is written over it. Name a new folder.',
  },
  BACKUP_FOLDER_UNFIT: {
    kind: 'invalid',
    sentence:
      'The folder of the backup must be an absolute path outside the data folder, and that of the keys another than it.',
  },
  BACKUP_FOLDER_UNUSABLE: {
    kind: 'unavailable',
    sentence: 'A folder or file cannot be read or written, for the reason given; check path, rights and disk.',
  },
  BACKUP_DISK_FULL: {
    kind: 'limit',
    sentence: 'The disk has no room for the backup; nothing was left of it. Free space or name another disk.',
  },
  BACKUP_UNDER_WAY: { kind: 'conflict', sentence: 'A backup of this node is being made; wait until it is done.' },
  BACKUP_INTERRUPTED: {
    kind: 'unavailable',
    sentence: 'The backup failed for a reason that the node’s log names; nothing was left of it.',
  },
  BACKUP_MANIFEST_UNREADABLE: {
    kind: 'invalid',
    sentence:
      'The folder holds no whole backup: manifest.json is missing, of another version, or altered. A backup without it was cut short.',
  },
  BACKUP_DAMAGED: {
    kind: 'invalid',
    sentence:
      'Files of the backup, named below, are missing, altered, or not of it. Nothing was restored; use another backup.',
  },
  BACKUP_KEYS_MISSING: {
    kind: 'invalid',
    sentence:
      'This backup was made without its key stores, and opens nothing without them. Give the folder of a key backup of the same time or later with --keys DIR.',
  },
  BACKUP_KEYS_OTHER: {
    kind: 'invalid',
    sentence: 'The key backup is of another node, or older than the records, so versions would lack their keys.',
  },
  BACKUP_ROOT_KEY_OTHER: {
    kind: 'denied',
    sentence:
      'The root key at hand does not open this backup. Give the one that the node had at that time with --root-key FILE.',
  },
  RESTORE_FOLDER_TAKEN: {
    kind: 'conflict',
    sentence:
      'The data folder is not empty, and a restore never writes over anything. Name a new folder with --data DIR, or move the old one away first.',
  },
  RESTORE_LEDGER_AWAY: {
    kind: 'unavailable',
    sentence:
      'The ledger goes on at other nodes, and none of them could be asked in time, so what was erased since is not known. Start them, then restore again.',
  },
} as const satisfies CodeCatalogue;

export const reject = rejecter(CODES);
