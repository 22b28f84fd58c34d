import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import { sourcePrefix } from '../auth/sign-in/source-prefix.ts';
import { isReject, type Reject, rejecter } from '../std/reject.ts';
import type { Authenticate } from './authenticate.ts';
import { CODES } from './codes.ts';
import { type BucketPolicy, createTokenBuckets, type TokenBuckets } from './rate-limit-buckets.ts';

/*
 * How much anybody may ask of the node. Who holds a token is counted by it and as a user, and by nothing else: so no
 * stranger uses up what is theirs, and no neighbour at the same address keeps them out. A bucket for all users of an app
 * together is left out for the same reason: one of them could empty it for the others.
 * What nobody's token stands behind is counted by the network that it comes from: answers 401, and the pages and
 * endpoints that people and apps come in by. There what leads to nothing counts, and what a stranger can have begun.
 */

const reject = rejecter(CODES);

export interface RateLimitOptions {
  /** Of one token; where an app holds it, of that app for that user, so that new tokens are no new allowance. */
  readonly token?: BucketPolicy;
  /** Of a person, all tokens together. */
  readonly user?: BucketPolicy;
  /** Of a network without a token: IPv4 /32, IPv6 /64. A failure costs 1, what begins something 50. */
  readonly source?: BucketPolicy;
  /** Milliseconds, not of the day: it must not go back. */
  readonly clock?: () => number;
}

/**
 * A user may do twice what one token may, so that one app run wild leaves room for the others. An EHR comes with one token
 * for all of a hospital: a token may do more than this machine answers.
 */
const DEFAULTS = {
  token: { perSecond: 10_000, burst: 20_000 },
  user: { perSecond: 20_000, burst: 40_000 },
  source: { perSecond: 1000, burst: 20_000 },
} as const;

/** By default 20 a second of one network, a fifth of what a core begins, and 400 at once, as when a shift comes on. */
const BEGINNING = 50;

/**
 * Ways in that are open without a token, by the pattern of their route, and what it costs to come: an interaction that is
 * begun is kept for minutes. Not by the address as it was written, which has many spellings. Whatever else is below the
 * authorization server's path is taken for something that begins.
 */
const WAYS_IN: readonly (readonly [route: RegExp, cost: number])[] = [
  [/^\/auth\/(?:authorize\/:uid|token|introspect|revoke|jwks|session\/end\/confirm)$/, 0],
  [/^\/auth\/(?:interaction|external|account|\.well-known)(?:\/|$)/, 0],
  [/^\/auth\/(?:sign-in|add-passkey)\.js$/, 0],
  [/^\/auth(?:\/|$)/, BEGINNING],
  [/^\/sign-in\//, 0],
  [/^\/api\/accounts\/claim$/, 0],
];

export interface RateLimits {
  /** Adds the hooks of the ways in and of the headers; before any plugin is registered. */
  guard(host: FastifyInstance): void;
  /** The same authentication, whose callers are counted once it is known who they are. Throws Reject RATE_LIMITED too. */
  limited(authenticate: Authenticate): Authenticate;
  /** Counts what a request asked for beyond one interaction: all entries of a Bundle but one. The next ones wait for it. */
  charge(request: FastifyRequest, caller: Caller, interactions: number): void;
}

/**
 * The limits of one node. To count a request takes 500 ns for a person or an app and 1,000 ns for a system of the
 * organisation's own, most of it the hash of its token (2 busy cores of a Xeon, Node 26): under 1 % of a read.
 */
export function createRateLimits(options: RateLimitOptions = {}): RateLimits {
  const clock = options.clock ?? (() => performance.now());
  const tokens = createTokenBuckets(options.token ?? DEFAULTS.token, { clock });
  const users = createTokenBuckets(options.user ?? DEFAULTS.user, { clock });
  const sources = createTokenBuckets(options.source ?? DEFAULTS.source, { clock });
  const headers = new WeakMap<FastifyRequest, Readonly<Record<string, string>>>();
  /** Of requests that came by a way in, whose address is not to be had any more when they are answered. */
  const entering = new WeakMap<FastifyRequest, string>();

  /** Throws RATE_LIMITED where `left` is below nothing; tells how much is left once it is less than half. */
  function judge(request: FastifyRequest, { policy }: TokenBuckets, name: string, left: number): void {
    if (left >= policy.burst / 2) return;
    const wait = waitSeconds(policy, left);
    headers.set(request, { ...rateLimitFields(policy, name, left), ...(left < 0 ? { 'retry-after': `${wait}` } : {}) });
    if (left < 0) throw reject('RATE_LIMITED', { limit: name, retryAfterSeconds: wait });
  }

  function requireSource(request: FastifyRequest, source: string): void {
    judge(request, sources, 'source', sources.levelOf(source) - 1);
  }

  /** The check of a token costs little and is always made, so that who has a good one never waits for neighbours. */
  function refused(request: FastifyRequest, error: unknown): void {
    if (isReject(error) && error.kind === 'unauthenticated')
      judge(request, sources, 'source', sources.take(sourcePrefix(request.ip)));
  }

  function count(request: FastifyRequest, caller: Caller): void {
    const token = tokenName(request, caller);
    judge(request, tokens, 'token', tokens.take(token));
    if (caller.kind === 'system') return;
    const left = users.take(caller.account);
    // What is refused to the user costs the token nothing.
    if (left < 0) tokens.spend(token, -1);
    judge(request, users, 'user', left);
  }

  return {
    guard(host) {
      host.addHook('onRequest', (request, _reply, done) => {
        const { url: route = '' } = request.routeOptions;
        const cost = WAYS_IN.find(([pattern]) => pattern.test(route))?.[1];
        if (cost === undefined) return done();
        const source = sourcePrefix(request.ip);
        try {
          requireSource(request, source);
        } catch (refusal) {
          return done(refusal as Reject);
        }
        entering.set(request, source);
        if (cost > 0) sources.spend(source, cost);
        done();
      });
      host.addHook('onSend', (request, reply, payload, done) => {
        const fields = headers.get(request);
        if (fields !== undefined) reply.headers(fields);
        done(null, payload);
      });
      host.addHook('onResponse', (request, reply, done) => {
        const source = entering.get(request);
        if (source !== undefined && reply.statusCode >= 400 && reply.statusCode < 500) sources.spend(source, 1);
        done();
      });
    },
    limited: (authenticate) => async (request) => {
      let caller: Caller;
      try {
        caller = await authenticate(request);
      } catch (error) {
        refused(request, error);
        throw error;
      }
      count(request, caller);
      return caller;
    },
    charge(request, caller, interactions) {
      if (interactions < 1) return;
      tokens.spend(tokenName(request, caller), interactions);
      if (caller.kind !== 'system') users.spend(caller.account, interactions);
    },
  };
}

/** An app is counted for each of its users; a system of the organisation's own by its token, since all have one account. */
function tokenName(request: FastifyRequest, { client, account, kind }: Caller): string {
  if (client !== undefined) return `${client} ${account}`;
  return kind === 'system' ? hash('sha256', request.headers.authorization ?? '', 'base64') : account;
}

/** Until there is one to take. */
function waitSeconds({ perSecond }: BucketPolicy, left: number): number {
  return Math.max(1, Math.ceil(-left / perSecond));
}

/**
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10 §3, §4) of a bucket: `q` is its burst and `w` the
 * seconds that it takes to fill, `r` what is left and `t` the seconds until there is one to take.
 */
function rateLimitFields(policy: BucketPolicy, name: string, left: number): Record<string, string> {
  const { perSecond, burst } = policy;
  return {
    'ratelimit-policy': `"${name}";q=${burst};w=${Math.max(1, Math.ceil(burst / perSecond))}`,
    ratelimit: `"${name}";r=${Math.max(0, Math.floor(left))};t=${waitSeconds(policy, left)}`,
  };
}
