import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type Provider from 'oidc-provider';

/**
 * Hands what is left of the issuer's paths to the provider, which reads and writes the connection itself. The headers
 * that every answer of this node has are set before it does.
 */
export function providerRoutes(
  app: FastifyInstance,
  { provider, base, issuer }: { provider: () => Promise<Provider>; base: string; issuer: URL },
): void {
  void app.register(async (inner) => {
    // The provider parses what it takes, and bounds it.
    inner.removeAllContentTypeParsers();
    inner.addContentTypeParser('*', (_request, _body, done) => done(null));
    inner.all('/*', async (request, reply) => {
      const server = await provider();
      const { raw } = request as { raw: IncomingMessage & { originalUrl?: string } };
      const rest = withConsent((raw.url ?? '').slice(base.length));
      raw.url = rest;
      raw.originalUrl = `${issuer.pathname}${rest}`;
      // Addresses are made of these. What a client says of them is not taken: the operator's own address tells them.
      raw.headers.host = issuer.host;
      raw.headers['x-forwarded-proto'] = issuer.protocol.slice(0, -1);
      delete raw.headers['x-forwarded-host'];
      delete raw.headers['x-forwarded-for'];
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined && !name.startsWith('access-control-')) reply.raw.setHeader(name, value);
      }
      reply.raw.setHeader('x-frame-options', 'DENY');
      reply.hijack();
      await server.callback()(raw, reply.raw);
    });
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
