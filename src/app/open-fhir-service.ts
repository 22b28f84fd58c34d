import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { AppCallers } from '../auth/smart/app-caller.ts';
import { consentReference } from '../capabilities/consent/server/consent-document.ts';
import { BULK_OPERATIONS } from '../fhir/bulk/bulk-operations.ts';
import type { Conformance } from '../fhir/conformance.ts';
import type { FhirServer } from '../fhir/context.ts';
import { LIMITS } from '../fhir/limits.ts';
import { createFhirOperations } from '../fhir/operations/fhir-operations.ts';
import { createFhirPlugin } from '../fhir/plugin.ts';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createOutgoing } from '../outgoing/create-outgoing.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { allowOrigins } from '../server/cors.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import type { RateLimits } from '../server/rate-limit.ts';
import { withOwnSubscriptions } from '../subscriptions/own-subscriptions.ts';
import { openBulk } from './bulk-wiring.ts';
import { openEntrance } from './entrance.ts';
import { openSubscriptions } from './open-subscriptions.ts';
import { createPatientDirectory } from './patient-directory.ts';
import type { ServerFloors } from './server-floors.ts';

/** The FHIR service with the ways in and out of it: apps and people, bulk data, subscriptions. */
export interface FhirService {
  /** Undefined while no vault serves: then nobody signs in. */
  readonly callers: AppCallers | undefined;
  readonly jobs: readonly Job[];
  /** To be called once the node listens: from then on events are delivered. */
  start(): void;
  /** Ends deliveries; before the node stops listening. */
  stop(): Promise<void>;
  /** Ends exports and imports after what they are at; they go on at the next start. */
  close(): Promise<void>;
}

/** Opens them and registers their routes on `host`. */
export async function openFhirService(options: {
  host: FastifyInstance;
  organisations: readonly OrganisationContext[];
  ledger: Ledger;
  floors: ServerFloors;
  conformance: Conformance;
  authenticate: Authenticate;
  authenticateApps: Authenticate;
  rateLimits: RateLimits;
  /** Public address of the node, without a slash at its end. */
  baseUrl: string;
  /** The data folder. */
  folder: string;
  clock: () => number;
  log: FastifyBaseLogger;
  version: string;
}): Promise<FhirService> {
  const { host, organisations, ledger, floors, conformance, authenticate, authenticateApps } = options;
  const { rateLimits, baseUrl, folder, clock, log, version } = options;
  const { registration } = floors;
  const fhirUrl = `${baseUrl}/fhir`;
  const vaultOf = (custodian: string) => organisationOf(organisations, custodian).vault;
  const access = withOwnSubscriptions(floors.access, vaultOf);
  const outgoing = createOutgoing({ storeOf: vaultOf });
  const reportFailure = (error: unknown) =>
    log.error({ name: error instanceof Error ? error.name : typeof error }, 'search failed');
  const server = (): FhirServer => ({
    ...conformance,
    ...{ limits: LIMITS, access, registration, baseUrl: fhirUrl, clock, reportFailure },
    writeRules: [subscriptions.writeRule],
  });
  const subscriptions = openSubscriptions({
    ...{ organisations, outgoing, baseUrl, server },
    // Without a way in nobody was let in; the owners of before wait for it.
    isStillAllowed: async (owner) => entrance === undefined || entrance.isStillAllowed(owner),
    consentOf: consentReference,
  });
  const entrance = await openEntrance({
    ...{ organisations, ledger, authenticate, baseUrl, fhirUrl, outgoing, clock, log },
    patients: createPatientDirectory({ server, vaultOf }),
  });
  if (entrance === undefined) log.warn('no vault serves, so nobody signs in until the node is started again');
  for (const plugin of entrance?.plugins ?? []) await host.register(plugin);
  allowOrigins(host, '/fhir', (origin) => entrance?.isOrigin(origin) === true);
  await host.register(subscriptions.plugin);
  await host.register(
    createFhirPlugin({
      ...{ vaultOf, access, registration, clock, conformance, baseUrl: fhirUrl },
      authenticate: authenticateApps,
      ...(entrance === undefined ? {} : { oauth: entrance.endpoints }),
      operations: [
        ...[...createFhirOperations(conformance), ...BULK_OPERATIONS, ...floors.operations],
        ...subscriptions.operations,
      ],
      writeRules: [subscriptions.writeRule],
      topics: subscriptions.topics,
      charge: rateLimits.charge,
      software: { name: 'Aceso', version },
    }),
    { prefix: '/fhir' },
  );
  const bulk = openBulk({ organisations, ledger, folder, server, authenticate: authenticateApps });
  await host.register(bulk.plugin, { prefix: '/fhir' });
  await bulk.resume();
  return {
    callers: entrance?.callers,
    jobs: [...(entrance?.jobs ?? []), ...bulk.jobs],
    start: subscriptions.start,
    stop: subscriptions.stop,
    close: bulk.stop,
  };
}
