import type { FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import type { AttestationPort } from '../auth/sign-in/attestation.ts';
import type { AppCallers } from '../auth/smart/app-caller.ts';
import { authenticate, type TokenStore } from '../auth/tokens.ts';

/** Who stands behind a request. Rejects as `auth/codes.ts` says; every route that shows or changes anything awaits it. */
export type Authenticate = (request: FastifyRequest) => Promise<Caller>;

/** Header in which a request declares its purpose of use, an HL7 v3 ActReason code. */
export const PURPOSE_HEADER = 'aceso-purpose';

/**
 * Authentication by the bearer tokens that the node's organisations issue themselves; the token decides which of them is
 * meant, and the ledger (`attestation`), at the latest committed block, whether a person is still who they were. The tokens of
 * apps are unknown to it: they open what asks for them, and nothing that forgot to.
 */
export function createAuthenticate(
  stores: readonly TokenStore[],
  clock: () => number,
  attestation?: AttestationPort,
): Authenticate {
  return (request) =>
    authenticate(stores, request.headers.authorization, declaredPurpose(request), clock(), attestation);
}

/** Authentication for what apps may use too, whose callers have a `grant` that the decision looks at. */
export function createAppAuthenticate(own: Authenticate, apps: () => AppCallers | undefined): Authenticate {
  return async (request) => {
    // An app's token has another form, so neither kind is ever asked for in the store of the other.
    const token = /^Bearer (\S{1,128})$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const caller = token.startsWith('aceso_') ? undefined : await apps()?.callerOf(token, declaredPurpose(request));
    return caller ?? own(request);
  };
}

function declaredPurpose(request: FastifyRequest): string | undefined {
  const purpose = request.headers[PURPOSE_HEADER];
  return Array.isArray(purpose) ? purpose[0] : purpose;
}
