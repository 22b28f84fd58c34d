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
  NODE_CLOSING: {
    kind: 'unavailable',
    sentence: 'The node is shutting down and takes no new requests; send it again when it is back.',
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
