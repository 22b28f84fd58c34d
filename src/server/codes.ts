import type { CodeCatalogue } from '../std/reject.ts';

/** Refusals of the HTTP host itself, whatever the route. */
export const CODES = {
  ROUTE_UNKNOWN: { kind: 'unknown', sentence: 'There is nothing at this address; GET / lists what there is.' },
  REQUEST_MALFORMED: { kind: 'invalid', sentence: 'The request could not be read; check its syntax and headers.' },
  BODY_TOO_LARGE: {
    kind: 'limit',
    httpStatus: 413,
    sentence: 'The request body is larger than this route takes; send it in parts.',
  },
  URL_TOO_LONG: {
    kind: 'limit',
    httpStatus: 414,
    sentence: 'A part of the address is longer than any id or name here; check it.',
  },
  HEADERS_TOO_LARGE: {
    kind: 'limit',
    httpStatus: 431,
    sentence: 'Address and headers together are larger than the node takes (16 KiB); send fewer or shorter ones.',
  },
  REQUEST_TOO_SLOW: {
    kind: 'limit',
    httpStatus: 408,
    sentence: 'The request did not arrive in the time that the node waits for one; send it again.',
  },
  RATE_LIMITED: {
    kind: 'limit',
    sentence:
      'Too much was asked in a short time; wait for as many seconds as Retry-After says, and go on more slowly.',
  },
  NODE_CLOSING: {
    kind: 'unavailable',
    sentence: 'The node is shutting down and takes no new requests; send it again when it is back.',
  },
  NODE_NOT_READY: {
    kind: 'unavailable',
    sentence: 'The node is not ready for requests, for the reasons given; ask again, or ask another node.',
  },
  NODE_STARTING: {
    kind: 'unavailable',
    sentence: 'The node is still starting; ask again when it says that it is ready.',
  },
  LEDGER_STANDS_STILL: {
    kind: 'unavailable',
    sentence:
      'The ledger does not move, for the reason given; `aceso network status` shows who is missing. Care at this node goes on.',
  },
  VAULT_NOT_SERVING: {
    kind: 'unavailable',
    sentence:
      'The vault of an organisation does not serve; the log of the node says why, and `aceso doctor` what to do.',
  },
  INDEX_NOT_BUILT: {
    kind: 'unavailable',
    sentence: 'The search index of an organisation is still being made; searches are refused until it is.',
  },
  MEDIA_TYPE_UNSUPPORTED: {
    kind: 'invalid',
    httpStatus: 415,
    sentence: 'This route does not take the content type sent.',
  },
  ORGANISATION_NOT_HERE: {
    kind: 'unknown',
    sentence: 'No organisation with this account is on this node; ask the node that hosts it.',
  },
  INTERNAL: {
    kind: 'unavailable',
    httpStatus: 500,
    sentence: 'The node failed on this request; its log holds the request id.',
  },
} as const satisfies CodeCatalogue;
