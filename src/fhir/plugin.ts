import type { FastifyBaseLogger, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import type { Reject } from '../std/reject.ts';
import type { Vault } from '../vault/vault.ts';
import { capabilityStatement } from './capability-statement.ts';
import { rejectFhir } from './codes.ts';
import { type Conformance, r4Conformance } from './conformance.ts';
import type { FhirServer } from './context.ts';
import { loadDefinitions } from './definitions/load-definitions.ts';
import { send, sendRefusal } from './http-answer.ts';
import { judgeForm, parseBodies, requestOf } from './http-request.ts';
import { createInteract } from './interact.ts';
import { type FhirLimits, LIMITS } from './limits.ts';
import type { OAuthUris } from './oauth-uris.ts';
import type { FhirOperation } from './operations/operation.ts';
import { refusalOf } from './outcome.ts';
import { fulfilledStatements } from './packages/fulfilled-statements.ts';
import type { AccessPort, RegistrationPort, WriteRule } from './ports.ts';
import type { SearchRegistry } from './search/search-registry.ts';

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
  /** R4 alone unless it is given. */
  readonly conformance?: Conformance;
  /** Operations (`$name`) beside the interactions. */
  readonly operations?: readonly FhirOperation[];
  readonly writeRules?: readonly WriteRule[];
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
    const limits = { ...LIMITS, ...options.limits };
    const { access, registration, baseUrl, clock, operations = [], writeRules = [], topics = [] } = options;
    const conformance = options.conformance ?? r4Conformance(await loadDefinitions());
    // Taken anew for each request: packages may come and go meanwhile.
    const serverNow = (): FhirServer => ({
      ...conformance,
      limits,
      writeRules,
      access,
      registration,
      baseUrl,
      clock,
      reportFailure: (error) => logFailure(app.log, error),
    });
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
        if (statement?.of !== conformance.registry) {
          const text = JSON.stringify(
            capabilityStatement(serverNow(), {
              software: options.software ?? { name: 'Aceso', version: '0' },
              operations,
              topics,
              ...(options.oauth === undefined ? {} : { oauth: options.oauth }),
              instantiates: fulfilledStatements(conformance.packageFiles),
              startedMs,
            }),
          );
          statement = { of: conformance.registry, text };
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
      const context = { ...serverNow(), vault, caller, asked, charge };
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

/** Name and frames only: a message may quote what was being worked on. */
function logFailure(log: FastifyBaseLogger, error: unknown): void {
  const frames = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  log.error({ name: error instanceof Error ? error.name : typeof error, frames }, 'FHIR request failed');
}
