import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import { createOAuthRefusals } from './oauth-refusals.ts';

/**
 * The provider's paths below the issuer, with the methods that it knows. Its router takes them in capitals too, and the
 * node's decodes `%61`: what is written otherwise is no address of this server, so that nothing that goes by addresses
 * takes one for another.
 */
const PATHS = {
  '/authorize': ['GET', 'POST'],
  '/authorize/:uid': ['GET'],
  '/token': ['POST', 'OPTIONS'],
  '/introspect': ['POST', 'OPTIONS'],
  '/revoke': ['POST', 'OPTIONS'],
  '/jwks': ['GET', 'OPTIONS'],
  '/session/end/confirm': ['POST'],
  '/.well-known/openid-configuration': ['GET', 'OPTIONS'],
  '/.well-known/oauth-authorization-server': ['GET', 'OPTIONS'],
};

/**
 * Hands the provider's paths to it, which reads and writes the connection itself. The headers that every answer of this
 * node has are set before it does, and what it refused is noted for the counts afterwards.
 */
export function providerRoutes(
  app: FastifyInstance,
  { provider, base, issuer }: { provider: () => Promise<Provider>; base: string; issuer: URL },
): void {
  const refusals = createOAuthRefusals();
  void app.register(async (inner) => {
    // The provider parses what it takes, and bounds it.
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser('*', (_request, _body, done) => done(null));
    // A route of its own, by which the limits know it; answered like any other address that is none.
    inner.all('/*', async (_request, reply) => reply.callNotFound());
    for (const [url, method] of Object.entries(PATHS)) {
      inner.route<{ Params: { uid?: string } }>({
        ...{ url, method },
        handler: async (request, reply) => {
          const { uid = '' } = request.params;
          const [asked] = (request.raw.url ?? '').split('?', 1);
          if (asked !== `${base}${url.replace(':uid', () => uid)}`) return reply.callNotFound();
          return hand(request, reply);
        },
      });
    }

    async function hand(request: FastifyRequest, reply: FastifyReply): Promise<void> {
      const server = await provider();
      refusals.watch(server);
      const { raw } = request as { raw: IncomingMessage & { originalUrl?: string } };
      const rest = withConsent((raw.url ?? '').slice(base.length));
      raw.url = rest;
      raw.originalUrl = `${issuer.pathname}${rest}`;
      // Addresses are made of these. What a client says of them is not taken: the operator's own address tells them.
      raw.headers.host = issuer.host;
      raw.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
      delete raw.headers['x-forwarded-host'];
      raw.headers['x-forwarded-for'] = request.ip;
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined && !name.startsWith('access-control-')) reply.raw.setHeader(name, value);
      }
      reply.raw.setHeader('x-frame-options', 'DENY');
      reply.hijack();
      await server.callback()(raw, reply.raw);
      const refused = refusals.codeOf(raw, reply.raw.statusCode);
      if (refused !== undefined) reply.refusalCode = refused;
    }
  });
}

/**
 * OpenID Connect Core §11 drops `offline_access` without `prompt=consent`, which no SMART app sends: consent is asked for
 * each grant here anyway.
 */
function withConsent(url: string): string {
  const [path = '', query] = url.split('?', 2);
  if (path !== '/authorize' || query === undefined) return url;
  const parameters = new URLSearchParams(query);
  const scopes = parameters.get('scope')?.split(' ') ?? [];
  return scopes.includes('offline_access') && !parameters.has('prompt') ? `${url}&prompt=consent` : url;
}
