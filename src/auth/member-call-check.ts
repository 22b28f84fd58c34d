import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { memberCallBodyHash, parseMemberCall } from './member-call.ts';
import { type KeysOf, STATEMENT_WINDOW_MS, verifies } from './member-signature.ts';
import { createReplayGuard } from './replay-guard.ts';

const reject = rejecter(CODES);

/**
 * Most calls of one member within the window: a hundred a second, for five minutes. A follower under full load makes
 * some twenty, one that synchronises its state fifty.
 */
const MAX_REMEMBERED = 32_768;

/** A request as it came in. */
export interface CalledRequest {
  readonly method: string;
  /** Path and query, as in the request line. */
  readonly url: string;
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Exact bytes of the body; empty when there is none. */
  readonly bodyBytes: Uint8Array;
}

/** The member account in whose name a request is made. */
export type MemberCheck = (request: CalledRequest) => string;

/**
 * Lets in requests that a member in good standing signed for this node, each once. Throws Reject MEMBER_CALL_MISSING,
 * _MALFORMED, _MISADDRESSED, _SIGNATURE_WRONG, _TIME_WRONG, _REPLAYED, _TOO_MANY. A restart forgets which calls were
 * taken: until their five minutes are over, a thief of a header gets once more what its owner got, so between
 * organisations TLS stays.
 */
export function createMemberCheck(options: {
  /** Genesis hash. */
  chain: string;
  /** Member accounts of the organisations of this node. */
  audiences: readonly string[];
  keysOf: KeysOf;
  clock: () => number;
}): MemberCheck {
  const { chain, audiences, keysOf, clock } = options;
  const guard = createReplayGuard({
    maxRemembered: MAX_REMEMBERED,
    replayed: () => reject('MEMBER_CALL_REPLAYED'),
    tooMany: () => reject('MEMBER_CALL_TOO_MANY'),
  });
  return ({ method, url, headers, bodyBytes }) => {
    const header = headers.authorization;
    if (header === undefined) throw reject('MEMBER_CALL_MISSING');
    const sent = typeof header === 'string' ? parseMemberCall(header) : undefined;
    if (sent === undefined) throw reject('MEMBER_CALL_MALFORMED');
    const { call, message, signature } = sent;
    const isForThis = call.chain === chain && audiences.includes(call.audience);
    const isThis = call.method === method && call.target === url && call.bodyHash === memberCallBodyHash(bodyBytes);
    if (!isForThis || !isThis) throw reject('MEMBER_CALL_MISADDRESSED');
    if (!verifies(keysOf(call.member), call.key, message, signature)) throw reject('MEMBER_CALL_SIGNATURE_WRONG');
    const nowMs = clock();
    if (Math.abs(nowMs - call.atMs) > STATEMENT_WINDOW_MS) throw reject('MEMBER_CALL_TIME_WRONG');
    // Last, so that only what a member signed is remembered.
    guard.take(call, nowMs);
    return call.member;
  };
}
