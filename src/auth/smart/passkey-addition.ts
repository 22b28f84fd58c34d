import type { FastifyInstance } from 'fastify';
import type Provider from 'oidc-provider';
import { rejecter } from '../../std/reject.ts';
import { type Credential, parseCredential } from '../sign-in/credential.ts';
import { CODES } from './codes.ts';
import type { InteractionOptions, InteractionSteps, Step } from './interaction-step.ts';
import { credentialOfMark } from './standing.ts';

const reject = rejecter(CODES);

/** How long after a wallet's signature a passkey may be added by it. */
const FRESH_MS = 5 * 60_000;

/**
 * A passkey beside the wallet, for those who have just signed in by it, in this very browser: whoever finds a browser
 * that is still signed in, or came by another provider's word, adds nothing that outlives it.
 */
export function passkeyAdditionRoutes(
  app: FastifyInstance,
  { provider, enrolment, clock }: InteractionOptions,
  { stepOf, personOf }: InteractionSteps,
): void {
  async function requireFresh(step: Step) {
    if (!(await mayAddPasskey(await provider(), step, clock()))) throw reject('SIGN_IN_EXPIRED');
    return { ...(await personOf(step)), by: credentialOf(step) as Credential };
  }

  app.post('/interaction/:uid/passkey/addition/options', async (request, reply) => {
    const step = await stepOf(request, reply);
    return { options: await enrolment.additionOptions(step.interaction.uid, await requireFresh(step)) };
  });
  app.post('/interaction/:uid/passkey/addition', async (request, reply) => {
    const step = await stepOf(request, reply);
    const person = await requireFresh(step);
    await enrolment.addPasskey(step.interaction.uid, person, request.body, request.ip);
    return {};
  });
}

/** Whether the person of this step signed in with a wallet, a moment ago. */
export async function mayAddPasskey({ Session }: Provider, step: Step, nowMs: number): Promise<boolean> {
  const { session } = step.interaction;
  if (parseCredential(credentialOf(step) ?? '')?.kind !== 'wallet' || session?.uid === undefined) return false;
  const { loginTs = 0 } = (await Session.findByUid(session.uid)) ?? {};
  return loginTs * 1000 + FRESH_MS > nowMs;
}

/** By what the person of this step signed in. */
function credentialOf({ interaction: { session } }: Step): string | undefined {
  return credentialOfMark(session?.acr);
}
