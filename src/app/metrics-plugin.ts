import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { isAdministrator } from '../auth/caller.ts';
import type { Authenticate } from '../server/authenticate.ts';
import type { Metrics } from '../server/metrics.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/**
 * `GET /metrics`: the node's figures in Prometheus's text format. Closed to everybody but an administrator, and whoever
 * holds the metrics token, where the operator set one: a scraper needs one that outlives a restart, and that opens nothing
 * else.
 */
export function createMetricsPlugin(deps: {
  readonly metrics: Metrics;
  readonly authenticate: Authenticate;
  readonly metricsToken?: string | undefined;
}): FastifyPluginAsync {
  const { metrics, authenticate, metricsToken } = deps;
  const expected = metricsToken === undefined ? undefined : digest(`Bearer ${metricsToken}`);

  async function requireReader(request: FastifyRequest): Promise<void> {
    const { authorization } = request.headers;
    // Digests are of one length, and comparing them tells nothing of the token.
    if (expected !== undefined && authorization !== undefined && timingSafeEqual(digest(authorization), expected))
      return;
    if (!isAdministrator(await authenticate(request))) throw reject('ADMINISTRATOR_ONLY');
  }

  return async (app) => {
    app.get('/metrics', async (request, reply) => {
      await requireReader(request);
      const { mediaType, text } = await metrics.scrape();
      return reply.type(mediaType).send(text);
    });
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
