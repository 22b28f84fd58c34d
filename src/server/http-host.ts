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
import { errorForLog } from './log-error.ts';
import type { RequestObserver } from './metrics-http.ts';

const reject = rejecter(CODES);

/** Largest body that any route takes unless it says otherwise, in bytes. */
export const DEFAULT_BODY_LIMIT_BYTES = 64 * 1024;

/** How long a request may take to arrive; a connection that dribbles is not held open for good. */
const REQUEST_TIMEOUT_MS = 5 * 60_000;

export interface HttpHostOptions {
  readonly logger: FastifyBaseLogger;
  /** Told of every request; nobody is unless it is given. */
  readonly observer?: RequestObserver;
  /**
   * Proxies whose `X-Forwarded-For` is believed, by address or CIDR range; none unless they are named. Behind one that is
   * not named all requests come from one source. Throws TypeError for what is neither.
   */
  readonly trustedProxies?: readonly string[];
}

declare module 'fastify' {
  interface FastifyReply {
    /** Code of the refusal that is answered, whatever form the answer has; set by whoever sends one, and counted here. */
    refusalCode?: string;
  }
}

/** Name of the request's id in log lines, as in answers. */
const REQUEST_ID_LABEL = 'requestId';

/**
 * The HTTP server that everything is mounted on: request ids, security headers, one mapping from Reject to status,
 * bounded bodies, and a close that lets requests under way finish. Routes answer errors as {code, message, data,
 * requestId}; the FHIR routes have their own form of the same.
 */
export function createHttpHost({ logger, observer, trustedProxies = [] }: HttpHostOptions): FastifyInstance {
  const host = Fastify({
    loggerInstance: logger,
    bodyLimit: DEFAULT_BODY_LIMIT_BYTES,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: REQUEST_ID_LABEL }),
    // Ours says why, in the form of every other refusal.
    return503OnClosing: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Refused before a route and its hooks are found: an address that does not decode, or is too long.
    frameworkErrors: (error, request, reply) => {
      setCommonHeaders(request, reply);
      const refusal = toReject(error, request);
      observer?.refused(refusal.code);
      sendReject(reply, request, refusal);
    },
    clientErrorHandler: (error, socket) => refuseUnread(error, socket, observer),
    forceCloseConnections: 'idle',
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 256, caseSensitive: true },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
  let isClosing = false;
  host.addHook('preClose', async () => {
    isClosing = true;
  });
  host.addHook('onRequest', async (request, reply) => {
    setCommonHeaders(request, reply);
    if (observer !== undefined) observe(observer, request, reply);
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

/** Routes here check what they take themselves: Fastify's two compilers of schemas, a twentieth of a node's start, stay away. */
function noSchemas(): never {
  throw new Error('routes have no schemas');
}

/**
 * Tells of a request from its head to the end of its answer, or to its client's going away. One that becomes a stream of
 * its own is not a request for as long as that lasts.
 */
function observe(observer: RequestObserver, request: FastifyRequest, reply: FastifyReply): void {
  if (request.headers.upgrade !== undefined) return;
  observer.began();
  reply.raw.once('close', () => {
    const route = request.routeOptions.url ?? 'unknown';
    const status = reply.raw.writableFinished ? reply.statusCode : 0;
    observer.ended(route, request.method, status, reply.elapsedTime);
    if (reply.refusalCode !== undefined) observer.refused(reply.refusalCode);
  });
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
function refuseUnread(error: ConnectionError, socket: Socket, observer: RequestObserver | undefined): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = unreadRefusal(error.code);
  observer?.refused(refusal.code);
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
  request.log.error({ error: errorForLog(error) }, 'internal error');
  return reject('INTERNAL');
}

function sendReject(reply: FastifyReply, request: FastifyRequest, refusal: Reject): FastifyReply {
  const status = rejectStatus(refusal);
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  const { code, message, data } = refusal;
  reply.refusalCode = code;
  return reply.code(status).send({ code, message, data, requestId: request.id });
}
