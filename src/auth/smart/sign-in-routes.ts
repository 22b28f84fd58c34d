import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isReject, rejecter } from '../../std/reject.ts';
import type { SignedIn } from '../sign-in/sign-in.ts';
import { sessionOf } from './browser-session.ts';
import { CODES } from './codes.ts';
import {
  formOf,
  formTargets,
  type InteractionOptions,
  type InteractionSteps,
  type Step,
  sendPage,
} from './interaction-step.ts';
import { signInPage } from './pages.ts';
import { subjectOf } from './subject.ts';

const reject = rejecter(CODES);

/** Shows the page on which people say who they are, with what went wrong before. */
export type ShowSignIn = (reply: FastifyReply, step: Step, fault?: string) => Promise<FastifyReply>;

/** The ways to say who one is: a passkey, a wallet's signature, another provider's word. Returns what shows their page. */
export function signInRoutes(
  app: FastifyInstance,
  { provider, signIn, external, standing, nameOf, base }: InteractionOptions,
  { stepOf, finish }: InteractionSteps,
): ShowSignIn {
  /** Somebody of another organisation has no account that the app's organisation attests. */
  async function signedIn(request: FastifyRequest, reply: FastifyReply, step: Step, person: SignedIn): Promise<string> {
    if (person.custodian !== step.client.custodian) throw reject('SIGN_IN_EXPIRED');
    const accountId = subjectOf(person);
    await endOthersSession(request, reply, step, accountId);
    return finish(request, reply, { login: { accountId, acr: await standing.mark(person), remember: false } });
  }

  /** Whoever signs in at a browser where somebody else was signed in ends that, and is not asked about it. */
  async function endOthersSession(
    request: FastifyRequest,
    reply: FastifyReply,
    { interaction }: Step,
    accountId: string,
  ): Promise<void> {
    const session = await sessionOf(await provider(), request, reply);
    const isOthers = session.accountId !== undefined && session.accountId !== accountId;
    if (isOthers) await session.destroy();
    else if (interaction.session === undefined || interaction.session.uid === session.uid) return;
    // What follows goes on with a session of its own.
    delete (interaction as { session?: unknown }).session;
    await interaction.persist();
  }

  app.post('/interaction/:uid/passkey/options', async (request, reply) => {
    const { interaction } = await stepOf(request, reply);
    return { options: await signIn.passkeyOptions(interaction.uid) };
  });
  app.post('/interaction/:uid/passkey', async (request, reply) => {
    const step = await stepOf(request, reply);
    const person = await signIn.passkey(step.interaction.uid, request.body, request.ip);
    return { location: await signedIn(request, reply, step, person) };
  });
  app.post<{ Body: URLSearchParams }>('/interaction/:uid/wallet', async (request, reply) => {
    const step = await stepOf(request, reply);
    try {
      const person = await signIn.wallet(step.interaction.uid, formOf(request).get('signed') ?? '', request.ip);
      return await reply.redirect(await signedIn(request, reply, step, person), 303);
    } catch (error) {
      return showRefusal(reply, step, error);
    }
  });
  // A link and no form: a browser would hold every redirect on the provider's side against this page's policy.
  app.get<{ Params: { provider: string } }>('/interaction/:uid/external/:provider', (request, reply) =>
    orSignInPage(request, reply, ({ interaction, client }) =>
      external.begin(client.custodian, request.params.provider, interaction.uid),
    ),
  );
  app.get('/interaction/:uid/external', (request, reply) =>
    orSignInPage(request, reply, async (step) => {
      const { person, link } = await external.finish(step.interaction.uid, request.query, request.ip);
      return signedIn(request, reply, step, { ...person, by: `external:${link}` });
    }),
  );

  /** Sends the browser on, or shows the page that it came from and why. */
  async function orSignInPage(
    request: FastifyRequest,
    reply: FastifyReply,
    next: (step: Step) => Promise<string>,
  ): Promise<FastifyReply> {
    const step = await stepOf(request, reply);
    if (step.interaction.prompt.name !== 'login') throw reject('SIGN_IN_EXPIRED');
    try {
      return await reply.redirect(await next(step), 303);
    } catch (error) {
      if (isReject(error))
        request.log.info({ code: error.code, reason: error.data.reason }, 'external sign-in refused');
      return showRefusal(reply, step, error);
    }
  }

  /** The page again, with what went wrong. Counted as any refusal, though its answer is a page. */
  async function showRefusal(reply: FastifyReply, step: Step, error: unknown): Promise<FastifyReply> {
    if (!isReject(error)) throw error;
    reply.refusalCode = error.code;
    return showSignIn(reply.code(400), step, error.message);
  }

  async function showSignIn(reply: FastifyReply, { interaction, client }: Step, fault?: string): Promise<FastifyReply> {
    const { statement } = await signIn.walletChallenge(interaction.uid);
    const facts = {
      ...{ uid: interaction.uid, base, appName: client.client_name, organisation: nameOf(client.custodian), statement },
      providers: await external.offered(client.custodian),
      ...(fault === undefined ? {} : { fault }),
    };
    return sendPage(reply, signInPage(facts), formTargets(client), true);
  }

  return showSignIn;
}
