import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import type { AttemptLimitOptions } from '../auth/sign-in/attempt-limits.ts';
import { createEnrolRoutes } from '../auth/sign-in/enrol-routes.ts';
import { createSignIn } from '../auth/sign-in/sign-in.ts';
import type { AppCallers } from '../auth/smart/app-caller.ts';
import type { PatientDirectory } from '../auth/smart/ports.ts';
import { createSmartServer, type SmartServer } from '../auth/smart/smart-server.ts';
import { holdsToken } from '../auth/tokens.ts';
import { createAttestation } from '../capabilities/membership/server/attestation.ts';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { addPasskeyScript, enrolScript, signInScript } from './build-sign-in-scripts.ts';
import { createPeoplePlugin } from './people-plugin.ts';
import { createServingStores } from './serving-stores.ts';

/** The way in for people and apps: sign-in, the authorization server, and the callers that its tokens stand for. */
export interface Entrance {
  /** Adds its routes, and a look at each request's beginning for vaults that serve by now. */
  register(host: FastifyInstance): Promise<void>;
  readonly callers: AppCallers;
  /** Whether somebody who is not here with a token may still act as they did with one. */
  isStillAllowed(caller: Caller): Promise<boolean>;
  /** Whether pages of this origin belong to a registered client. */
  isOrigin(origin: string): boolean;
  readonly jobs: readonly Job[];
  readonly endpoints: SmartServer['endpoints'];
}

/**
 * Opens the way in; undefined at a node without organisations. One whose vault is behind its anchor lets nobody in until
 * that serves, and then whoever comes next.
 */
export async function openEntrance(options: {
  organisations: readonly OrganisationContext[];
  ledger: Ledger;
  authenticate: Authenticate;
  /** Public address of the node, and of its FHIR service. */
  baseUrl: string;
  fhirUrl: string;
  outgoing: Outgoing;
  patients: PatientDirectory;
  /** How often signing in may fail. */
  signInLimits: AttemptLimitOptions;
  clock: () => number;
  log: FastifyBaseLogger;
}): Promise<Entrance | undefined> {
  const { organisations, ledger, authenticate, baseUrl, fhirUrl, outgoing, patients, clock, log } = options;
  const chain = ledger.genesisHash;
  const [first, ...others] = organisations.map(({ vault }) => vault);
  if (first === undefined) return undefined;
  const { stores, admit, isOpen } = createServingStores([first, ...others]);
  const attestation = createAttestation(ledger);
  const signIn = createSignIn({ stores, attestation, baseUrl, chain, limits: options.signInLimits, clock, log });
  const smart = createSmartServer({
    ...{
      stores,
      baseUrl,
      fhirUrl,
      signIn,
      patients,
      outgoing,
      authenticate,
      signInScript,
      addPasskeyScript,
      clock,
      log,
    },
    enrolment: signIn.enrolment,
    nameOf: (custodian) => organisationOf(organisations, custodian).name,
  });
  const admitServing = () => admit(smart.clients.load);
  await admitServing();
  return {
    async register(host) {
      host.addHook('onRequest', admitServing);
      await host.register(smart.plugin);
      await host.register(createEnrolRoutes({ enrolment: signIn.enrolment, script: enrolScript }));
      await host.register(createPeoplePlugin({ organisations, authenticate, people: signIn.people, baseUrl }));
    },
    callers: smart.callers,
    async isStillAllowed(caller) {
      const { kind, custodian, account, token } = caller;
      await admitServing();
      // A token of the organisation's own says no more than that; the ledger says whether its holder is still somebody.
      if (kind !== 'system' && attestation.attested(custodian, account) === undefined) return false;
      const { vault } = organisationOf(organisations, custodian);
      if (token !== undefined && !(await holdsToken(vault, token, clock(), attestation))) return false;
      return smart.callers.isStillAllowed(caller);
    },
    isOrigin: smart.clients.isOrigin,
    jobs: smart.jobs.map((job) => ({
      ...job,
      async run() {
        await admitServing();
        return isOpen() ? job.run() : undefined;
      },
    })),
    endpoints: smart.endpoints,
  };
}
