import type { FastifyInstance, FastifyReply } from 'fastify';

const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const REQUEST_HEADERS = [
  ...['authorization', 'accept', 'content-type', 'prefer', 'if-match', 'if-none-match', 'if-none-exist'],
  ...['if-modified-since', 'x-provenance', 'aceso-purpose'],
].join(', ');
const ANSWER_HEADERS =
  'etag, location, content-location, last-modified, x-request-id, x-progress, retry-after, expires, ratelimit, ratelimit-policy';
const MAX_AGE_SECONDS = 600;

/**
 * Lets pages of registered origins read answers below `prefix` (Fetch §3.2, "CORS protocol"). Never with cookies: what is
 * asked for there is asked for with a token. Pages of other origins get the same answers as ever, which their browser
 * keeps from them.
 */
export function allowOrigins(host: FastifyInstance, prefix: string, isOrigin: (origin: string) => boolean): void {
  const isBelow = (url: string) => url === prefix || url.startsWith(`${prefix}/`) || url.startsWith(`${prefix}?`);
  const allowed = (origin: string | undefined) => origin !== undefined && origin.length <= 256 && isOrigin(origin);

  host.addHook('onRequest', async (request, reply) => {
    if (!isBelow(request.url)) return;
    reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (!allowed(origin)) return;
    reply.header('access-control-allow-origin', origin);
    reply.header('access-control-expose-headers', ANSWER_HEADERS);
  });
  const preflight = (reply: FastifyReply, origin: string | undefined): FastifyReply => {
    if (allowed(origin)) {
      reply.header('access-control-allow-methods', METHODS);
      reply.header('access-control-allow-headers', REQUEST_HEADERS);
      reply.header('access-control-max-age', MAX_AGE_SECONDS);
    }
    return reply.code(204).send();
  };
  for (const url of [prefix, `${prefix}/*`]) {
    host.options(url, async (request, reply) => preflight(reply, request.headers.origin));
  }
}
