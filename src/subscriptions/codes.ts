import { type CodeCatalogue, rejecter } from '../std/reject.ts';

/** Refusals of subscriptions: 422 for what is understood and not served (R4 http.html#create). Data holds names and bounds, never an endpoint, a header or a patient's data. */
export const CODES = {
  SUBSCRIPTION_TOPIC_UNKNOWN: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'The criteria name no topic of this server; GET metadata lists the topics under Subscription.',
  },
  SUBSCRIPTION_FILTER_INVALID: {
    kind: 'invalid',
    httpStatus: 422,
    sentence:
      'A filter is none that the topic takes; write Type?parameter=value with search parameters of its type, no chains.',
  },
  SUBSCRIPTION_CHANNEL_UNSUPPORTED: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'The channel is not served here; use rest-hook with an endpoint, or websocket without one.',
  },
  SUBSCRIPTION_PAYLOAD_UNSUPPORTED: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'The payload is not served; ask for application/fhir+json with content empty, id-only or full-resource.',
  },
  SUBSCRIPTION_TIMING_INVALID: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'A period, timeout or count is outside its bounds, or the end has passed; the details name it.',
  },
  SUBSCRIPTION_HEADER_INVALID: {
    kind: 'invalid',
    httpStatus: 422,
    sentence:
      'A header cannot be sent; write "Name: value", none that frames or routes the request, and no value kept for another endpoint.',
  },
  SUBSCRIPTION_STATUS_INVALID: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'Clients ask for a subscription with status requested, and end it with off; the server sets the others.',
  },
  SUBSCRIPTION_ID_GIVEN: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'The server gives a subscription its id; create it by POST.',
  },
  SUBSCRIPTION_TOO_MANY: {
    kind: 'limit',
    sentence: 'There are as many subscriptions as one person, app or organisation may have; delete one first.',
  },
  SUBSCRIPTION_SCOPES_NARROWER: {
    kind: 'denied',
    sentence: 'The token may do less than the one that created the subscription; ask for its scopes, or delete it.',
  },
  SUBSCRIPTION_NO_WEBSOCKET: {
    kind: 'invalid',
    httpStatus: 422,
    sentence: 'The subscription has another channel than websocket; it needs no binding token.',
  },
  SUBSCRIPTION_NOT_FOUND: { kind: 'unknown', sentence: 'There is no such subscription of yours; check its id.' },
  SUBSCRIPTION_EVENTS_GONE: {
    kind: 'unknown',
    httpStatus: 410,
    sentence: 'Events of before the oldest kept one were asked for; read the resources anew and go on from oldest.',
  },
} as const satisfies CodeCatalogue;

/** Thrower of this catalogue. */
export const reject = rejecter(CODES);
