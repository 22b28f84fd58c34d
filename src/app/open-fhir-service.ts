import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import type { AttemptLimitOptions } from '../auth/sign-in/attempt-limits.ts';
import type { AppCallers } from '../auth/smart/app-caller.ts';
import { consentReference } from '../capabilities/consent/server/consent-document.ts';
import { accountIdentifierRules } from '../capabilities/membership/server/account-identifier-rule.ts';
import { BULK_OPERATIONS } from '../fhir/bulk/bulk-operations.ts';
import type { Conformance } from '../fhir/conformance.ts';
import type { FhirServer } from '../fhir/context.ts';
import { LIMITS } from '../fhir/limits.ts';
import { logFailure } from '../fhir/log-failure.ts';
import { createFhirOperations } from '../fhir/operations/fhir-operations.ts';
import { createFhirPlugin } from '../fhir/plugin.ts';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createOutgoing } from '../outgoing/create-outgoing.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { allowOrigins } from '../server/cors.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import type { RateLimits } from '../server/rate-limit.ts';
import { ownerNow } from '../subscriptions/owner.ts';
import { openBulk } from './bulk-wiring.ts';
import { openEntrance } from './entrance.ts';
import { openSubscriptions } from './open-subscriptions.ts';
import { createPatientDirectory } from './patient-directory.ts';
import { createRolesNow } from './roles-now.ts';
import type { ServerFloors } from './server-floors.ts';

/** The FHIR service with the ways in and out of it: apps and people, bulk data, subscriptions. */
export interface FhirService {
  /** Undefined at a node without organisations. */
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
  /** How often signing in may fail. */
  signInLimits: AttemptLimitOptions;
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
  const { access, registration } = floors;
  const fhirUrl = `${baseUrl}/fhir`;
  const vaultOf = (custodian: string) => organisationOf(organisations, custodian).vault;
  const outgoing = createOutgoing({ storeOf: vaultOf });
  const server = (): FhirServer => ({
    ...conformance,
    ...{ limits: LIMITS, access, registration, baseUrl: fhirUrl, clock },
    writeRules: [subscriptions.writeRule, ...accountIdentifierRules()],
    reportFailure: (error) => logFailure(log, error),
  });
  const rolesNow = createRolesNow(organisations, ledger);
  const isStillAllowed = async (owner: Caller) => entrance === undefined || entrance.isStillAllowed(owner);
  const subscriptions = openSubscriptions({
    ...{ organisations, outgoing, baseUrl, server, isStillAllowed, rolesNow },
    consentOf: consentReference,
  });
  const entrance = await openEntrance({
    ...{ organisations, ledger, authenticate, baseUrl, fhirUrl, outgoing, clock, log },
    patients: createPatientDirectory({ server, vaultOf }),
    signInLimits: options.signInLimits,
  });
  await entrance?.register(host);
  allowOrigins(host, '/fhir', (origin) => entrance?.isOrigin(origin) === true);
  await host.register(subscriptions.plugin);
  await host.register(
    createFhirPlugin({
      ...{ vaultOf, server },
      authenticate: authenticateApps,
      ...(entrance === undefined ? {} : { oauth: entrance.endpoints }),
      operations: [
        ...[...createFhirOperations(conformance), ...BULK_OPERATIONS, ...floors.operations],
        ...subscriptions.operations,
      ],
      topics: subscriptions.topics,
      charge: rateLimits.charge,
      software: { name: 'Aceso', version },
    }),
    { prefix: '/fhir' },
  );
  const bulk = openBulk({
    ...{ organisations, ledger, folder, server, authenticate: authenticateApps },
    ownerNow: (owner) => ownerNow({ isStillAllowed, rolesNow }, owner),
  });
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
