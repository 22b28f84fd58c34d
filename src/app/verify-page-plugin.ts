import type { FastifyPluginAsync } from 'fastify';
import { verifyPage } from './build-verify-page.ts';

/** GET /verify: the page that checks receipts in the reader's own browser. Public, since it holds nothing. */
export const verifyPagePlugin: FastifyPluginAsync = async (app) => {
  app.get('/verify', async (_request, reply) => {
    const { html, policy } = await verifyPage();
    return reply.header('content-security-policy', policy).type('text/html; charset=utf-8').send(html);
  });
};
