import type { FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import { authenticate, type TokenStore } from '../auth/tokens.ts';

/** Who stands behind a request. Rejects as `auth/codes.ts` says; every route that shows or changes anything awaits it. */
export type Authenticate = (request: FastifyRequest) => Promise<Caller>;

/** Header in which a request declares its purpose of use, an HL7 v3 ActReason code. */
export const PURPOSE_HEADER = 'aceso-purpose';

/** Authentication by the bearer tokens of the node's organisations; the token decides which of them is meant. */
export function createAuthenticate(stores: readonly TokenStore[], clock: () => number): Authenticate {
  return (request) => {
    const purpose = request.headers[PURPOSE_HEADER];
    return authenticate(stores, request.headers.authorization, Array.isArray(purpose) ? purpose[0] : purpose, clock());
  };
}
