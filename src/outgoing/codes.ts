import type { CodeCatalogue } from '../std/reject.ts';

/** Why an address that somebody named is not asked, or its answer not taken. Data tell the origin and nothing behind it. */
export const CODES = {
  OUTGOING_URL_UNFIT: {
    kind: 'invalid',
    sentence:
      'The address is not one that this node would ask: give https://HOST[:PORT]/PATH as a browser shows it, of at most 2048 characters, without user, password or zone; an IP address in its usual form.',
  },
  OUTGOING_NOT_ALLOWED: {
    kind: 'denied',
    sentence:
      'The organisation does not let this node ask that origin; its administrator allows it with `aceso outgoing allow ORIGIN`.',
  },
  OUTGOING_ADDRESS_REFUSED: {
    kind: 'denied',
    sentence:
      'The origin leads, or could lead, into a private or otherwise special network; where that is meant, the node’s operator names the range with `aceso outgoing allow ORIGIN --addresses RANGE`.',
  },
  OUTGOING_NAME_UNKNOWN: {
    kind: 'unavailable',
    sentence: 'The name of the origin has no address now; check its spelling and the name server.',
  },
  OUTGOING_REQUEST_UNFIT: {
    kind: 'invalid',
    sentence:
      'The request cannot be sent: at most 32 headers of printable ASCII, none that frames the message, names its host, forwards or overrides the method, and no body with GET.',
  },
  OUTGOING_UNREACHABLE: {
    kind: 'unavailable',
    sentence: 'The origin does not answer or broke off; look whether its server runs and can be reached from here.',
  },
  OUTGOING_TLS_FAILED: {
    kind: 'unavailable',
    sentence:
      'No trusted connection to the origin came about; its certificate must be valid, name the host and come from an authority that this node trusts.',
  },
  OUTGOING_TIMED_OUT: {
    kind: 'unavailable',
    sentence: 'The origin did not answer in full within the time allowed; try again once it is quicker.',
  },
  OUTGOING_INTERRUPTED: { kind: 'unavailable', sentence: 'The request was called off before the answer was there.' },
  OUTGOING_REDIRECTED: {
    kind: 'denied',
    sentence: 'The origin sends elsewhere, and redirects are not followed; register the address that it leads to.',
  },
  OUTGOING_ANSWER_TOO_LARGE: {
    kind: 'limit',
    sentence: 'The origin answered with more than is taken, in its headers or its body; have it answer with less.',
  },
  OUTGOING_ANSWER_UNFIT: {
    kind: 'unavailable',
    sentence: 'The origin’s answer is no plain HTTP: it is malformed, or compressed though that was not asked for.',
  },
  OUTGOING_RULES_MALFORMED: {
    kind: 'invalid',
    sentence:
      'A rule names one origin once, as https://host or https://host:port in lower case without a slash at its end, and at most 16 address ranges, each wholly of private or special addresses; at most 64 rules.',
  },
  OUTGOING_RULES_CHANGED: {
    kind: 'conflict',
    sentence: 'The rules were changed meanwhile; read them again and repeat the change.',
  },
  OUTGOING_RULES_OPERATOR_ONLY: {
    kind: 'denied',
    sentence:
      'Address ranges let a request into the network that the node stands in, so only who runs the node adds them: run `aceso outgoing allow` with --data on its machine.',
  },
} as const satisfies CodeCatalogue;
