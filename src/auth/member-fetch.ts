import type { Signer } from '../chain/sign-transaction.ts';
import { utf8 } from '../std/bytes.ts';
import { readBounded } from '../std/read-bounded.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { hostedMembers, MAX_NODE_PAGE_BYTES } from './hosted-members.ts';
import { signMemberCall } from './member-call.ts';

const reject = rejecter(CODES);

const ASK_TIMEOUT_MS = 10_000;

/** What `fetch` takes, with a body whose bytes can be signed. */
export interface MemberRequestInit extends Omit<RequestInit, 'body'> {
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

/** `fetch` in the name of a member organisation; see `signMemberCall`. */
export type MemberFetch = (url: string, init?: MemberRequestInit) => Promise<Response>;

/** Finds the member account of an organisation at the node of an origin (`https://host:port`). */
export type AudienceOf = (origin: string, signal?: AbortSignal | null) => Promise<string>;

/**
 * Signs each request for the node that it goes to. Whose node that is, the node says itself: it is asked once, and again
 * when it refuses a call, which is then made again if it names another organisation. A node that names another's gains
 * no more than the answer to this very request. Redirects are not followed. Throws what `fetch` does, and Reject
 * MEMBER_CALL_AUDIENCE_UNKNOWN.
 */
export function createMemberFetch(options: {
  signer: Signer;
  /** Genesis hash. */
  chain: string;
  clock: () => number;
  fetch: typeof fetch;
  audienceOf?: AudienceOf;
}): MemberFetch {
  const { signer, chain, clock, fetch: request } = options;
  const audienceOf = options.audienceOf ?? createAudienceOf({ chain, fetch: request });
  const known = new Map<string, string>();

  async function send(url: URL, audience: string, init: MemberRequestInit): Promise<Response> {
    const { body = '', method = 'GET' } = init;
    const bytes = typeof body === 'string' ? utf8(body) : body;
    const target = url.pathname + url.search;
    const call = { chain, audience, atMs: clock(), method: method.toUpperCase(), target, body: bytes };
    const headers = new Headers(init.headers);
    headers.set('authorization', await signMemberCall(signer, call));
    return request(url.href, { ...init, headers, redirect: 'error' });
  }

  return async (address, init = {}) => {
    const url = new URL(address);
    const learnt = known.get(url.origin);
    const audience = learnt ?? (await audienceOf(url.origin, init.signal));
    known.set(url.origin, audience);
    const response = await send(url, audience, init);
    if (response.status !== 401 || learnt === undefined) return response;
    // Perhaps another organisation's node answers there now.
    known.delete(url.origin);
    const other = await audienceOf(url.origin, init.signal);
    known.set(url.origin, other);
    if (other === learnt) return response;
    await response.body?.cancel();
    return send(url, other, init);
  };
}

/** By the node's public page, `GET /`: the first organisation that it names. */
function createAudienceOf({ chain, fetch: request }: { chain: string; fetch: typeof fetch }): AudienceOf {
  return async (origin, signal) => {
    const signals = [AbortSignal.timeout(ASK_TIMEOUT_MS), ...(signal == null ? [] : [signal])];
    const response = await request(`${origin}/`, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.any(signals),
    });
    const page = await readBounded(response.body, MAX_NODE_PAGE_BYTES);
    const [audience] = page === undefined ? [] : hostedMembers(new TextDecoder().decode(page), chain);
    if (audience === undefined) throw reject('MEMBER_CALL_AUDIENCE_UNKNOWN', { origin });
    return audience;
  };
}
