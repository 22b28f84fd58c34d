import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, {
  type ConnectionError,
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

/** How long a request may take to arrive; a connection that dribbles is not held open for good. */
const REQUEST_TIMEOUT_MS = 5 * 60_000;

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
    // Ours says why, in the form of every other refusal.
    return503OnClosing: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Refused before a route and its hooks are found: an address that does not decode, or is too long.
    frameworkErrors: (error, request, reply) => {
      setCommonHeaders(request, reply);
      void sendReject(reply, request, toReject(error, request));
    },
    clientErrorHandler: refuseUnread,
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256, caseSensitive: true },
  });
  let isClosing = false;
  host.addHook('preClose', async () => {
    isClosing = true;
  });
  host.addHook('onRequest', async (request, reply) => {
    setCommonHeaders(request, reply);
    if (!isClosing) return;
    reply.header('connection', 'close');
    throw reject('NODE_CLOSING');
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

function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', request.id);
  reply.header('x-content-type-options', 'nosniff');
  reply.header('referrer-policy', 'no-referrer');
  reply.header('cache-control', 'no-store');
  reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
}

/**
 * Answers bytes that are no HTTP request, and closes: what follows them on the connection could be read as anything.
 * Nothing of them is logged, since they may hold a token.
 */
function refuseUnread(error: ConnectionError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = unreadRefusal(error.code);
  const status = rejectStatus(refusal);
  const { code, message, data } = refusal;
  const body = JSON.stringify({ code, message, data, requestId: randomUUID() });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Cache-Control: no-store',
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function unreadRefusal(code: string): Reject {
  if (code === 'HPE_HEADER_OVERFLOW') return reject('HEADERS_TOO_LARGE');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return reject('REQUEST_TOO_SLOW');
  return reject('REQUEST_MALFORMED');
}

/** Any throw as a Reject. What is no refusal is a bug: logged with its stack, answered without a detail. */
export function toReject(error: unknown, request: FastifyRequest): Reject {
  if (isReject(error)) return error;
  const { statusCode = 500, code = '' } = error as { statusCode?: number; code?: string };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return reject('BODY_TOO_LARGE');
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return reject('URL_TOO_LONG');
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
