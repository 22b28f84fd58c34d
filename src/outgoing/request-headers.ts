import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { OutgoingRequest } from './outgoing.ts';
import type { Target } from './target.ts';

const reject = rejecter(CODES);

const MAX_HEADERS = 32;
const MAX_TEXT_LENGTH = 16_384;
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
const VALUE = /^[\x20-\x7e]*$/;

/** What frames the message or holds for this connection alone (RFC 9110 §7.6.1, §10.1), or says who asks or how otherwise. */
const OWN = new Set([
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect', 'keep-alive'],
  ...['accept-encoding', 'http2-settings', 'via', 'forwarded', 'x-real-ip'],
  ...['x-http-method', 'x-http-method-override', 'x-method-override'],
]);
const OWN_PREFIX = /^(?:proxy|sec|x-forwarded)-/;

/**
 * Headers of a request as they are sent, with the caller's in lower case. The answer is asked for as it is, since a small
 * compressed one can be a large one. Throws Reject OUTGOING_REQUEST_UNFIT.
 */
export function requestHeaders(
  { authority, origin }: Target,
  { headers = {}, method, body }: OutgoingRequest,
): Record<string, string> {
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  const length = given.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  const isFit =
    given.length <= MAX_HEADERS &&
    length <= MAX_TEXT_LENGTH &&
    new Set(given.map(([name]) => name)).size === given.length &&
    given.every(([name, value]) => TOKEN.test(name) && VALUE.test(value) && !OWN.has(name) && !OWN_PREFIX.test(name));
  if (!isFit || (method === 'GET' && body !== undefined)) throw reject('OUTGOING_REQUEST_UNFIT', { origin });
  const framing = method === 'GET' ? {} : { 'content-length': String(body?.length ?? 0) };
  return {
    ...Object.fromEntries(given),
    ...{ host: authority, 'accept-encoding': 'identity', connection: 'close' },
    ...framing,
  };
}
