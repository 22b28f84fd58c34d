import type { FastifyInstance } from 'fastify';
import { sessionOf } from './browser-session.ts';
import { consentRoutes } from './consent-routes.ts';
import { createInteractionSteps, type InteractionOptions } from './interaction-step.ts';
import { ACCOUNT_PATH, isOwnPage } from './own-page.ts';
import { passkeyAdditionRoutes } from './passkey-addition.ts';
import { signInRoutes } from './sign-in-routes.ts';

/**
 * The pages between an app's request and its answer: sign-in, then consent with the choice of a patient. Each belongs to
 * the browser that began it, by a signed cookie that other sites cannot send along with a POST (SameSite=Lax), and takes
 * forms of this origin only.
 */
export function interactionRoutes(app: FastifyInstance, options: InteractionOptions): void {
  const steps = createInteractionSteps(options);
  const showSignIn = signInRoutes(app, options, steps);
  const showConsent = consentRoutes(app, options, steps);
  passkeyAdditionRoutes(app, options, steps);

  app.get<{ Querystring: { search?: string } }>('/interaction/:uid', async (request, reply) => {
    const step = await steps.stepOf(request, reply);
    if (step.interaction.prompt.name === 'login') return showSignIn(reply, step);
    if (isOwnPage(step.client)) return reply.redirect(`${options.base}${ACCOUNT_PATH}`, 303);
    return showConsent(reply, step, request.query.search);
  });
  app.post('/interaction/:uid/sign-out', async (request, reply) => {
    const { interaction } = await steps.stepOf(request, reply);
    const session = await sessionOf(await options.provider(), request, reply);
    await session.destroy();
    await interaction.destroy();
    // The app's request from its beginning, for whoever signs in now.
    const asked = Object.entries(interaction.params).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    );
    return reply.redirect(`${options.base}/authorize?${new URLSearchParams(asked)}`, 303);
  });
  app.post('/interaction/:uid/abort', async (request, reply) => {
    await steps.stepOf(request, reply);
    const result = { error: 'access_denied', error_description: 'the user did not allow it' };
    return reply.redirect(await steps.finish(request, reply, result), 303);
  });
}
