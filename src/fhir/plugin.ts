import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import type { Reject } from '../std/reject.ts';
import type { Vault } from '../vault/vault.ts';
import { capabilityStatement } from './capability-statement.ts';
import { rejectFhir } from './codes.ts';
import type { FhirServer } from './context.ts';
import { send, sendRefusal } from './http-answer.ts';
import { judgeForm, parseBodies, requestOf } from './http-request.ts';
import { createInteract } from './interact.ts';
import { logFailure } from './log-failure.ts';
import type { OAuthUris } from './oauth-uris.ts';
import type { FhirOperation } from './operations/operation.ts';
import { refusalOf } from './outcome.ts';
import { fulfilledStatements } from './packages/fulfilled-statements.ts';
import type { SearchRegistry } from './search/search-registry.ts';

export interface FhirPluginOptions {
  /** Vault of a custodian of this node; throws a Reject when it has none of that name. */
  readonly vaultOf: (custodian: string) => Vault;
  /**
   * Taken anew for each request: packages may come and go meanwhile. Its `baseUrl` is the address under which clients
   * reach the plugin, prefix included; its limits hold from the start.
   */
  readonly server: () => FhirServer;
  /** Who asks; throws a Reject of kind `unauthenticated` when that cannot be told. */
  readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
  readonly software?: { readonly name: string; readonly version: string };
  /** Operations (`$name`) beside the interactions. */
  readonly operations?: readonly FhirOperation[];
  /** Where apps get their tokens. */
  readonly oauth?: OAuthUris;
  /** Canonical URLs of the topics that may be subscribed to. */
  readonly topics?: readonly string[];
  /** Told how many interactions a request stands for beyond one: the entries of a Bundle but one. */
  readonly charge?: (request: FastifyRequest, caller: Caller, interactions: number) => void;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'];

/** The FHIR R4 REST service as a Fastify plugin: register it with the prefix that `baseUrl` ends in. */
export function createFhirPlugin(options: FhirPluginOptions): FastifyPluginAsync {
  return async (app) => {
    const { operations = [], topics = [] } = options;
    const { limits, clock } = options.server();
    const startedMs = clock();
    let statement: { readonly of: SearchRegistry; readonly text: string } | undefined;
    const interact = createInteract(operations);
    parseBodies(app);
    app.setErrorHandler((error, request, reply) => sendRefusal(reply, refusalOfHttp(error, request)));
    app.setNotFoundHandler((_request, reply) => sendRefusal(reply, rejectFhir('ROUTE_UNKNOWN')));
    app.route({
      method: ['GET', 'HEAD'],
      url: '/metadata',
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { isPretty } = judgeForm(request, limits);
        // When it is first asked for: it needs the search parameters of all types, which a start should not wait for.
        const server = options.server();
        if (statement?.of !== server.registry) {
          const text = JSON.stringify(
            capabilityStatement(server, {
              software: options.software ?? { name: 'Aceso', version: '0' },
              operations,
              topics,
              ...(options.oauth === undefined ? {} : { oauth: options.oauth }),
              instantiates: fulfilledStatements(server.packageFiles),
              startedMs,
            }),
          );
          statement = { of: server.registry, text };
        }
        return send(request, reply, { status: 200, body: statement.text }, isPretty);
      },
    });
    const handle = async (request: FastifyRequest, reply: FastifyReply) => {
      const form = judgeForm(request, limits);
      const caller = await options.authenticate(request);
      const vault = options.vaultOf(caller.custodian);
      const asked = { interaction: '', request: request.id, query: '' };
      const charge = (interactions: number) => options.charge?.(request, caller, interactions);
      const context = { ...options.server(), vault, caller, asked, charge };
      const result = await interact(context, requestOf(request, app.prefix, form));
      return send(request, reply, result, form.isPretty);
    };
    const route = { method: METHODS, exposeHeadRoute: false, handler: handle };
    app.route({ ...route, url: '/', bodyLimit: limits.bundleBytes });
    app.route({ ...route, url: '/*', bodyLimit: limits.resourceBytes });
  };
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
