import type { FastifyPluginAsync } from 'fastify';
import { createAccessServer } from '../capabilities/access/server/access-server.ts';
import { createConsentServer } from '../capabilities/consent/server/consent-server.ts';
import { createMembershipServer } from '../capabilities/membership/server/membership-server.ts';
import { createRecordsServer } from '../capabilities/records/server/records-server.ts';
import { createExchange } from '../exchange/exchange.ts';
import type { AccessPort, RegistrationPort } from '../fhir/ports.ts';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Authenticate } from '../server/authenticate.ts';
import type { OrganisationContext } from '../server/organisation.ts';

/** What the server floors are wired with. */
export interface FloorDependencies {
  readonly organisations: readonly OrganisationContext[];
  readonly ledger: Ledger;
  readonly authenticate: Authenticate;
  /** Address of this node, without a slash at its end; known once it listens. */
  readonly baseUrl: () => string;
  readonly fetch: typeof fetch;
  readonly clock: () => number;
}

export interface ServerFloors {
  readonly access: AccessPort;
  readonly registration: RegistrationPort;
  readonly plugins: readonly FastifyPluginAsync[];
  readonly jobs: readonly Job[];
}
