import type { FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import type { Session } from 'oidc-provider';

/** Longest life of a browser's session after its last proof, in seconds: however much it is used, it ends then. */
export const SESSION_SECONDS = 12 * 3600;
/** How long after a proof (a passkey, a wallet's signature, a provider's word) a consent may be given by it. */
const PROOF_MS = 15 * 60_000;

/** Whether the person proved who they are a short while ago. `loginTs` is in seconds since the epoch. */
export function isFresh({ loginTs = 0 }: { readonly loginTs?: number | undefined }, nowMs: number): boolean {
  return loginTs * 1000 + PROOF_MS > nowMs;
}

/** The session of the browser that asks, by its signed cookie; one without an account when nobody is signed in. */
export async function sessionOf(provider: Provider, request: FastifyRequest, reply: FastifyReply): Promise<Session> {
  // The library takes what every request has; its type asks for its own context.
  return provider.Session.get({ req: request.raw, res: reply.raw } as Parameters<typeof provider.Session.get>[0]);
}
