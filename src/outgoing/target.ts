import { isIP } from 'node:net';
import { domainToUnicode } from 'node:url';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Where a request goes, read once: nothing later reads the address again. */
export interface Target {
  /** Scheme, host and port, as rules name them: lower case, without a default port, names in ASCII (RFC 6454 §6.2). */
  readonly origin: string;
  readonly scheme: 'http' | 'https';
  /** Name, or IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Value of the Host header. */
  readonly authority: string;
  /** Path and query. */
  readonly path: string;
}

/** Longest address of a request, in characters, before it is parsed and after. */
const MAX_URL_LENGTH = 2048;
const MAX_NAME_LENGTH = 253;

/** Two slashes, a host, perhaps a port: what a lenient parser would mend is refused, and so is a user (`@`). */
const WRITTEN = /^https?:\/\/(\[[0-9a-fA-F:.]+\]|[^\s/?#@\\:[\]%]+)(?::[1-9][0-9]{0,4})?(?=[/?#]|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what the parser would drop in silence
const DROPPED = /[\x00-\x20\x7f\\]/;
const NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/**
 * Reads an address by the WHATWG URL Standard, and refuses those that another reader could take for another host: the
 * host as written must be the host that the parser gives. Throws Reject OUTGOING_URL_UNFIT.
 */
export function parseTarget(text: string): Target {
  if (text.length > MAX_URL_LENGTH || DROPPED.test(text)) throw reject('OUTGOING_URL_UNFIT');
  const written = WRITTEN.exec(text)?.[1];
  const url = URL.parse(text);
  if (written === undefined || url === null || url.href.length > MAX_URL_LENGTH) throw reject('OUTGOING_URL_UNFIT');
  const name = plainHost(url.hostname, written);
  if (name === undefined) throw reject('OUTGOING_URL_UNFIT');
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const authority = url.port === '' ? name : `${name}:${url.port}`;
  return {
    origin: `${scheme}://${authority}`,
    scheme,
    host: withoutBrackets(name),
    port: url.port === '' ? { http: 80, https: 443 }[scheme] : Number(url.port),
    authority,
    path: url.pathname + url.search,
  };
}

/** The parser's host without the dot of the root, if it is what was written; undefined if not. */
function plainHost(parsed: string, written: string): string | undefined {
  // Only ASCII letters have two cases here: others are to be written as IDNA maps them (UTS #46).
  const lower = written.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  // 0x7f.1, 2130706433 and ::ffff:127.0.0.1 are read differently by different programs.
  if (isIP(withoutBrackets(parsed)) !== 0) return lower === parsed ? parsed : undefined;
  const [host, own] = [parsed, lower].map((name) => name.replace(/\.$/, '')) as [string, string];
  if (host.length > MAX_NAME_LENGTH || !NAME.test(host)) return undefined;
  return own === host || own === domainToUnicode(host) ? host : undefined;
}

function withoutBrackets(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
