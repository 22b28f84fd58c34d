import { randomUUID } from 'node:crypto';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { isReject, type Reject, rejecter } from '../std/reject.ts';
import { rejectStatus } from '../std/reject-status.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/** Largest body that any route takes unless it says otherwise, in bytes. */
export const DEFAULT_BODY_LIMIT_BYTES = 64 * 1024;

export interface HttpHostOptions {
  readonly logger: FastifyBaseLogger;
}

/**
 * The HTTP server that everything is mounted on: request ids, security headers, one mapping from Reject to status,
 * bounded bodies, and a close that lets requests under way finish. Routes answer errors as {code, message, data,
 * requestId}; the FHIR routes have their own form of the same.
 */
export function createHttpHost({ logger }: HttpHostOptions): FastifyInstance {
  const host = Fastify({
    loggerInstance: logger,
    bodyLimit: DEFAULT_BODY_LIMIT_BYTES,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256, caseSensitive: true },
  });
  host.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('referrer-policy', 'no-referrer');
    reply.header('cache-control', 'no-store');
    reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  });
  // The path's pattern, never the path: ids of patients are in it.
  host.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    request.log.info(
      { route, method: request.method, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
      'request',
    );
  });
  host.setNotFoundHandler(async (request, reply) => sendReject(reply, request, reject('ROUTE_UNKNOWN')));
  host.setErrorHandler(async (error, request, reply) => sendReject(reply, request, toReject(error, request)));
  return host;
}

/** Any throw as a Reject. What is no refusal is a bug: logged with its stack, answered without a detail. */
export function toReject(error: unknown, request: FastifyRequest): Reject {
  if (isReject(error)) return error;
  const { statusCode = 500, code = '' } = error as { statusCode?: number; code?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return reject('BODY_TOO_LARGE');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return reject('MEDIA_TYPE_UNSUPPORTED');
  if (statusCode >= 400 && statusCode < 500) return reject('REQUEST_MALFORMED');
  request.log.error({ err: error }, 'internal error');
  return reject('INTERNAL');
}

async function sendReject(reply: FastifyReply, request: FastifyRequest, refusal: Reject): Promise<FastifyReply> {
  const status = rejectStatus(refusal);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const { code, message, data } = refusal;
  return reply.code(status).send({ code, message, data, requestId: request.id });
}
