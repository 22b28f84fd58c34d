import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import { createExclusive } from '../../jobs/exclusive.ts';
import type { Job } from '../../jobs/job.ts';
import type { Outgoing } from '../../outgoing/outgoing.ts';
import type { Caller } from '../caller.ts';
import type { DocumentStore } from '../documents.ts';
import { externalCallback, externalRoutes } from '../external/external-routes.ts';
import { createExternalSignIn } from '../external/external-sign-in.ts';
import type { Enrolment } from '../sign-in/enrolment.ts';
import type { PasskeyHolder } from '../sign-in/passkey-book.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { revokeTokensOf } from '../tokens.ts';
import { accountApi, accountRoutes } from './account-routes.ts';
import { createAllowedApps } from './allowed-apps.ts';
import { type AppCallers, createAppCallers } from './app-caller.ts';
import { type ClientRegistry, createClientRegistry } from './client-registry.ts';
import { clientRoutes } from './client-routes.ts';
import { createInteractionMemory } from './interaction-memory.ts';
import { interactionRoutes } from './interaction-routes.ts';
import { sweepExpired } from './oauth-documents.ts';
import { withOwnPage } from './own-page.ts';
import type { PatientDirectory } from './ports.ts';
import { providerRoutes } from './provider-routes.ts';
import { registrationRoutes } from './registration.ts';
import { loadSigningKeys, rotateSigningKeys, SIGNING_KEY_LIFE_MS } from './signing-keys.ts';
import { smartConfiguration, smartEndpoints } from './smart-configuration.ts';
import { createStanding } from './standing.ts';

export interface SmartServerOptions {
  /** One for each organisation that lets people in; may grow, once `clients` has loaded what is added. */
  readonly stores: readonly [DocumentStore, ...DocumentStore[]];
  /** Address of the node, without a slash at its end. */
  readonly baseUrl: string;
  readonly fhirUrl: string;
  readonly signIn: SignIn;
  readonly patients: PatientDirectory;
  readonly outgoing: Outgoing;
  /** The organisations' own tokens, for what administrators and EHRs do here. */
  readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
  /** Name of an organisation, for people. */
  readonly nameOf: (custodian: string) => string;
  /** The script of the page that people sign in on. */
  readonly signInScript: () => Promise<string>;
  /** That of the offer of a passkey. */
  readonly addPasskeyScript: () => Promise<string>;
  readonly enrolment: Enrolment;
  readonly clock: () => number;
  readonly log: { error(detail: object, message: string): void };
}

export interface SmartServer {
  readonly plugin: FastifyPluginAsync;
  readonly callers: AppCallers;
  readonly clients: ClientRegistry;
  readonly jobs: readonly Job[];
  readonly endpoints: ReturnType<typeof smartEndpoints>;
}

const SWEEP_MS = 10 * 60_000;
/** Path below the node's address; the issuer is the two together. */
const BASE = '/auth';

/** The authorization server of a node: SMART App Launch 2.2 for the FHIR service that it stands before. */
export function createSmartServer(options: SmartServerOptions): SmartServer {
  const { stores, baseUrl, fhirUrl, signIn, patients, outgoing, authenticate, nameOf, clock, log } = options;
  const issuer = `${baseUrl}${BASE}`;
  const origin = new URL(baseUrl).origin;
  // Behind a path of the operator's proxy the pages' own links still have to lead here.
  const base = new URL(issuer).pathname;
  const external = createExternalSignIn({ stores, outgoing, signIn, clock, issuer });
  const standing = createStanding({ stores, signIn, external });
  const allowed = createAllowedApps({ stores, standing, clock });

  /** First what others have of the account; what it allowed from now on is of a sign-in from now on. */
  async function signOutEverywhere(holder: PasskeyHolder): Promise<void> {
    await standing.signOutEverywhere(holder);
    await allowed.endAll(holder);
    const store = stores.find(({ custodian }) => custodian === holder.custodian);
    if (store !== undefined) await revokeTokensOf(store, holder.account);
  }

  let provider: Promise<Provider> | undefined;
  const current = (): Promise<Provider> => {
    provider ??= newProvider().catch((error) => {
      // Tried again by whoever comes next.
      provider = undefined;
      throw error;
    });
    return provider;
  };
  const clients: ClientRegistry = createClientRegistry(stores, {
    clock,
    requireValid: async (metadata) => requireMetadata(await current(), metadata),
  });
  const signedInTo = withOwnPage(clients, stores, issuer);
  const held = new Set<string>();
  const interactions = createInteractionMemory(clock);
  // Loaded when somebody comes, and the first time its keys are made: it would be a good part of a start.
  async function newProvider(): Promise<Provider> {
    const { createSmartProvider } = await import('./smart-provider.ts');
    const keys = await loadSigningKeys(stores[0], clock());
    return createSmartProvider({
      ...{ issuer, fhirUrl, stores, patients, standing, allowed, keys, outgoing, held, interactions, clock, log },
      clients: signedInTo,
    });
  }

  const inTurn = createExclusive();
  function rotateKeys(): Promise<void> {
    return inTurn(async () => {
      await rotateSigningKeys(stores[0], clock());
      // The next request builds one with the new keys; the old ones still verify what is under way.
      provider = undefined;
    });
  }

  async function keepKeysFresh(): Promise<void> {
    const { keys } = await loadSigningKeys(stores[0], clock());
    const [newest] = keys;
    if (newest === undefined || newest.sinceMs + SIGNING_KEY_LIFE_MS <= clock()) await rotateKeys();
  }

  async function requireReachable(custodian: string, url: string): Promise<void> {
    await outgoing.requireAllowed(custodian, url);
  }

  const plugin: FastifyPluginAsync = async (app) => {
    const configuration = JSON.stringify(smartConfiguration(issuer));
    const path = new URL(fhirUrl).pathname;
    const served = path.startsWith(base.slice(0, -BASE.length)) ? path.slice(base.length - BASE.length) : path;
    app.get(`${served}/.well-known/smart-configuration`, (_request, reply) =>
      reply.header('access-control-allow-origin', '*').type('application/json').send(configuration),
    );
    await app.register(async (inner) => {
      clientRoutes(inner, {
        ...{ clients, stores, patients, authenticate, fhirUrl, clock, rotateKeys, requireReachable },
      });
      accountApi(inner, { clients, standing, allowed, signOutEverywhere, authenticate });
      externalRoutes(inner, { external, signIn, authenticate, requireReachable });
      registrationRoutes(inner, { base: BASE, clients, stores, authenticate, requireReachable, clock });
    });
    await app.register(
      async (inner) => {
        inner.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
          done(null, new URLSearchParams(String(body))),
        );
        inner.get('/sign-in.js', async (_request, reply) =>
          reply.type('text/javascript; charset=utf-8').send(await options.signInScript()),
        );
        inner.get('/add-passkey.js', async (_request, reply) =>
          reply.type('text/javascript; charset=utf-8').send(await options.addPasskeyScript()),
        );
        interactionRoutes(inner, {
          ...{
            provider: current,
            clients: signedInTo,
            stores,
            signIn,
            standing,
            allowed,
            enrolment: options.enrolment,
            external,
            patients,
            nameOf,
            clock,
            origin,
            fhirUrl,
            base,
          },
        });
        externalCallback(inner, { external, base });
        accountRoutes(inner, {
          ...{ provider: current, clients, standing, allowed, signOutEverywhere, stores, nameOf, issuer, fhirUrl },
        });
        providerRoutes(inner, { provider: current, base: BASE, issuer: new URL(issuer) });
      },
      { prefix: BASE },
    );
  };
  const jobs: Job[] = [
    { name: 'authorization server: what expired', intervalMs: SWEEP_MS, run: () => sweepExpired(stores, clock) },
    { name: 'authorization server: signing keys', intervalMs: 3_600_000, run: keepKeysFresh },
  ];
  return {
    plugin,
    callers: createAppCallers({ provider: current, clients, stores, standing, fhirUrl, clock }),
    clients,
    jobs,
    endpoints: smartEndpoints(issuer),
  };
}

/** The provider's own check of a registration, which its types keep to itself. Throws InvalidClientMetadata. */
function requireMetadata(provider: Provider, metadata: object): void {
  const { Client } = provider as unknown as { Client: new (metadata: object) => unknown };
  void new Client(metadata);
}
