import type { FastifyBaseLogger, FastifyPluginAsync } from 'fastify';
import type { Caller } from '../auth/caller.ts';
import { createEnrolRoutes } from '../auth/sign-in/enrol-routes.ts';
import { createSignIn } from '../auth/sign-in/sign-in.ts';
import type { AppCallers } from '../auth/smart/app-caller.ts';
import type { DocumentStore } from '../auth/smart/documents.ts';
import type { PatientDirectory } from '../auth/smart/ports.ts';
import { createSmartServer, type SmartServer } from '../auth/smart/smart-server.ts';
import { createAttestation } from '../capabilities/membership/server/attestation.ts';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { addPasskeyScript, enrolScript, signInScript } from './build-sign-in-scripts.ts';
import { createPeoplePlugin } from './people-plugin.ts';

/** The way in for people and apps: sign-in, the authorization server, and the callers that its tokens stand for. */
export interface Entrance {
  readonly plugins: readonly FastifyPluginAsync[];
  readonly callers: AppCallers;
  /** Whether somebody who is not here with a token may still act as they did with one. */
  isStillAllowed(caller: Caller): Promise<boolean>;
  /** Whether pages of this origin belong to a registered client. */
  isOrigin(origin: string): boolean;
  readonly jobs: readonly Job[];
  readonly endpoints: SmartServer['endpoints'];
}

/**
 * Opens the way in over the vaults that serve now; undefined when none does. An organisation whose vault is behind its
 * anchor lets nobody in until the node is started again.
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
  clock: () => number;
  log: FastifyBaseLogger;
}): Promise<Entrance | undefined> {
  const { organisations, ledger, authenticate, baseUrl, fhirUrl, outgoing, patients, clock, log } = options;
  const stores = organisations.filter(({ vault }) => vault.status() === 'serving').map(({ vault }) => vault);
  if (!hasFirst(stores)) return undefined;
  const attestation = createAttestation(ledger);
  const signIn = createSignIn({ stores, attestation, baseUrl, chain: ledger.genesisHash, clock, log });
  const smart = await createSmartServer({
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
  return {
    plugins: [
      smart.plugin,
      createEnrolRoutes({ enrolment: signIn.enrolment, script: enrolScript }),
      createPeoplePlugin({ organisations, authenticate, people: signIn.people, baseUrl }),
    ],
    callers: smart.callers,
    async isStillAllowed(caller) {
      const { kind, custodian, account } = caller;
      // A token of the organisation's own says no more than that; the ledger says whether its holder is still somebody.
      if (kind !== 'system' && attestation.attested(custodian, account) === undefined) return false;
      return smart.callers.isStillAllowed(caller);
    },
    isOrigin: smart.clients.isOrigin,
    jobs: smart.jobs,
    endpoints: smart.endpoints,
  };
}

function hasFirst(stores: readonly DocumentStore[]): stores is [DocumentStore, ...DocumentStore[]] {
  return stores.length > 0;
}
