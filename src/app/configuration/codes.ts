import type { CodeCatalogue } from '../../std/reject.ts';

/** What can be wrong with the settings of a node. All that is wrong is told at once. */
export const CODES = {
  CONFIGURATION_FILE_UNREADABLE: {
    kind: 'unknown',
    sentence: 'The configuration file cannot be read; check the path and its rights.',
  },
  CONFIGURATION_FILE_MALFORMED: {
    kind: 'invalid',
    sentence: 'The configuration file is not one JSON object of at most 64 KiB; deploy/README.md shows one.',
  },
  SETTING_UNKNOWN: {
    kind: 'invalid',
    sentence: 'There is no setting of this name here; check its spelling, or leave it away.',
  },
  SETTING_ELSEWHERE: {
    kind: 'invalid',
    sentence:
      'This setting is not taken from here, since it holds a secret or is said once; give it where it is allowed.',
  },
  SETTING_WRONG: { kind: 'invalid', sentence: 'The value does not fit the setting; give one that is allowed.' },
  SETTING_INCOMPLETE: {
    kind: 'invalid',
    sentence: 'This setting means something only together with another; give that one too.',
  },
  SETTING_FILE_UNREADABLE: {
    kind: 'unknown',
    sentence: 'The file or folder that the setting names cannot be read; check the path and its rights.',
  },
} as const satisfies CodeCatalogue;
