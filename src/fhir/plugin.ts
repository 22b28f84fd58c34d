import type { FastifyBaseLogger, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import { utf8ToText } from '../std/bytes.ts';
import type { Reject } from '../std/reject.ts';
import type { Vault } from '../vault/vault.ts';
import { capabilityStatement } from './capability-statement.ts';
import { rejectFhir } from './codes.ts';
import type { FhirRequest, FhirResult, FhirServer } from './context.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { exactJson } from './exact-json.ts';
import { interact } from './interact.ts';
import { type FhirLimits, LIMITS } from './limits.ts';
import { acceptsJson, preferenceOf } from './negotiate.ts';
import { refusalOf, rejectToOutcome, statusOf } from './outcome.ts';
import type { AccessPort, RegistrationPort } from './ports.ts';

export interface FhirPluginOptions {
  /** Vault of a custodian of this node; throws a Reject when it has none of that name. */
  readonly vaultOf: (custodian: string) => Vault;
  readonly access: AccessPort;
  readonly registration: RegistrationPort;
  /** Who asks; throws a Reject of kind `unauthenticated` when that cannot be told. */
  readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
  /** Address under which clients reach the plugin, prefix included, without a slash at its end. */
  readonly baseUrl: string;
  readonly clock: () => number;
  readonly software?: { readonly name: string; readonly version: string };
  readonly limits?: Partial<FhirLimits>;
}

const FHIR_JSON = 'application/fhir+json';

/** The FHIR R4 REST service as a Fastify plugin: register it with the prefix that `baseUrl` ends in. */
export function createFhirPlugin(options: FhirPluginOptions): FastifyPluginAsync {
  return async (app) => {
    const limits = { ...LIMITS, ...options.limits };
    const { access, registration, baseUrl, clock } = options;
    const server: FhirServer = {
      definitions: await loadDefinitions(),
      limits,
      access,
      registration,
      baseUrl,
      clock,
      reportFailure: (error) => logFailure(app.log, error),
    };
    const statement = JSON.stringify(
      capabilityStatement(server, options.software ?? { name: 'Aceso', version: '0' }, clock()),
    );
    parseBodies(app);
    app.setErrorHandler((error, request, reply) => sendRefusal(reply, refusalOfHttp(error, request)));
    app.setNotFoundHandler((_request, reply) => sendRefusal(reply, rejectFhir('ROUTE_UNKNOWN')));
    app.get('/metadata', async (request, reply) => {
      judgeForm(request, limits);
      return send(reply, { status: 200, body: statement });
    });
    const handle = async (request: FastifyRequest, reply: FastifyReply) => {
      judgeForm(request, limits);
      const caller = await options.authenticate(request);
      const context = { ...server, vault: options.vaultOf(caller.custodian), caller };
      return send(reply, await interact(context, requestOf(request, app.prefix)));
    };
    const method = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
    app.route({ method, url: '/', bodyLimit: limits.bundleBytes, handler: handle });
    app.route({ method, url: '/*', bodyLimit: limits.resourceBytes, handler: handle });
  };
}

/** Bodies stay bytes until their size is known to be allowed and their media type to be one of ours. */
function parseBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  for (const type of [FHIR_JSON, 'application/json', 'application/x-www-form-urlencoded']) {
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }
}

function judgeForm(request: FastifyRequest, limits: FhirLimits): void {
  if (request.url.length > limits.urlChars) throw rejectFhir('URL_TOO_LONG', { limit: limits.urlChars });
  if (!acceptsJson(request.headers.accept, queryOf(request).get('_format'))) throw rejectFhir('NOT_ACCEPTABLE');
}

function queryOf(request: FastifyRequest): URLSearchParams {
  const mark = request.url.indexOf('?');
  return new URLSearchParams(mark === -1 ? '' : request.url.slice(mark + 1));
}

function requestOf(request: FastifyRequest, prefix: string): FhirRequest {
  const path = (request.url.split('?')[0] as string).slice(prefix.length).replace(/^\//, '');
  const query = queryOf(request);
  const body = request.body as Uint8Array | undefined;
  const isForm = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  const isSearch = request.method === 'POST' && path.endsWith('/_search');
  const hasBody = body !== undefined && body.length > 0;
  if (hasBody && isForm !== isSearch) throw rejectFhir('MEDIA_TYPE_UNSUPPORTED');
  if (hasBody && isForm) for (const [name, value] of new URLSearchParams(formText(body))) query.append(name, value);
  const { 'if-match': ifMatch, 'if-none-exist': ifNoneExist, prefer } = request.headers;
  return {
    method: request.method,
    path,
    query,
    prefer: preferenceOf(prefer),
    ...(hasBody && !isForm ? { text: exactJson(body) } : {}),
    ...(ifMatch === undefined ? {} : { ifMatch }),
    ...(ifNoneExist === undefined ? {} : { ifNoneExist: String(ifNoneExist) }),
  };
}

function formText(body: Uint8Array): string {
  try {
    return utf8ToText(body);
  } catch {
    throw rejectFhir('PARAMETER_INVALID', { parameter: 'body' });
  }
}

function send(reply: FastifyReply, result: FhirResult): FastifyReply {
  reply.code(result.status);
  if (result.etag !== undefined) reply.header('etag', result.etag);
  if (result.lastModifiedMs !== undefined) reply.header('last-modified', new Date(result.lastModifiedMs).toUTCString());
  if (result.location !== undefined) reply.header('location', result.location);
  if (result.body === undefined) return reply.send();
  return reply.type(`${FHIR_JSON}; charset=utf-8`).header('cache-control', 'no-store').send(result.body);
}

function sendRefusal(reply: FastifyReply, refusal: Reject): FastifyReply {
  const { allow } = refusal.data;
  if (refusal.code === 'INTERACTION_UNSUPPORTED' && typeof allow === 'string') reply.header('allow', allow);
  return send(reply, { status: statusOf(refusal), body: JSON.stringify(rejectToOutcome(refusal)) });
}

/** Fastify's own refusals of a request get our codes; anything else that is no Reject is a bug and is logged as one. */
function refusalOfHttp(error: unknown, request: FastifyRequest): Reject {
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return rejectFhir('BODY_TOO_LARGE');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return rejectFhir('MEDIA_TYPE_UNSUPPORTED');
  if (code?.startsWith('FST_ERR_CTP_') && statusCode === 400) return rejectFhir('BODY_EMPTY');
  const refusal = refusalOf(error);
  if (refusal.code === 'INTERNAL') {
    logFailure(request.log, error);
  }
  return refusal;
}

/** Name and frames only: a message may quote what was being worked on. */
function logFailure(log: FastifyBaseLogger, error: unknown): void {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  log.error({ name: error instanceof Error ? error.name : typeof error, frames }, 'FHIR request failed');
}
