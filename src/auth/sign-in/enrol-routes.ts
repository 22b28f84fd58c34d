import type { FastifyPluginAsync } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import { page, pagePolicy } from '../smart/pages.ts';
import { CODES } from './codes.ts';
import type { Enrolment } from './enrolment.ts';

const reject = rejecter(CODES);

/** Path below the node's address of the page that an enrolment link opens; the code follows behind a #. */
export const ENROL_PATH = '/sign-in/enrol';

const Code = Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' });
const OptionsBody = Type.Object({ code: Code });
const VerifyBody = Type.Object({ code: Code, response: Type.Unknown() });

// Addresses are relative, so that the page works below a path of the operator's proxy.
const PAGE = page(
  'Aceso: make your passkey',
  `<h1>Make your passkey</h1>
<p class="bad" role="alert" id="fault"></p>
<section id="ask"><p>With a passkey you sign in by this device’s fingerprint, face or PIN, or by a security key. Nothing
is to be remembered, and nobody can ask you for it. Make it on a device that is yours alone: the link works once.</p>
<div class="row"><button type="button" id="enrol">Make a passkey</button></div></section>
<section id="done" tabindex="-1" hidden><h2>Done</h2><p>You sign in with this passkey from now on. You can close this page.</p></section>`,
  '<script src="enrol.js" defer></script>',
);

/** The page of an enrolment link and its ceremony. Without a token: the code is what lets in, and it works once. */
export function createEnrolRoutes(deps: {
  readonly enrolment: Enrolment;
  readonly script: () => Promise<string>;
}): FastifyPluginAsync {
  const { enrolment, script } = deps;
  return async (app) => {
    app.get(ENROL_PATH, async (_request, reply) =>
      reply
        .header('content-security-policy', pagePolicy([], { scripts: true }))
        .header('x-frame-options', 'DENY')
        .type('text/html; charset=utf-8')
        .send(PAGE),
    );
    app.get(`${ENROL_PATH}.js`, async (_request, reply) =>
      reply.type('text/javascript; charset=utf-8').send(await script()),
    );
    app.post(`${ENROL_PATH}/options`, async (request) => {
      const body: unknown = request.body;
      if (!Value.Check(OptionsBody, body)) throw reject('ENROLMENT_WRONG');
      return { options: await enrolment.options(body.code, request.ip) };
    });
    app.post(`${ENROL_PATH}/verify`, async (request) => {
      const body: unknown = request.body;
      if (!Value.Check(VerifyBody, body)) throw reject('ENROLMENT_WRONG');
      await enrolment.enrol(body.code, body.response, request.ip);
      return {};
    });
  };
}
