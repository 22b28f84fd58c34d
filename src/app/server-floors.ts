import type { FastifyPluginAsync } from 'fastify';
import { createAccessServer, isPrivacyOfficer, PRIVACY_OFFICER } from '../capabilities/access/server/access-server.ts';
import { createCustodianPort, createMemberPort } from '../capabilities/access/server/exchange-ports.ts';
import { createAccessRequests } from '../capabilities/access/server/exchange-requests.ts';
import type { RestrictionPort } from '../capabilities/access/server/scope-limit.ts';
import { versionFacts } from '../capabilities/access/server/version-facts.ts';
import { createAccountingAnswer } from '../capabilities/audit/server/accounting-answer.ts';
import { createAuditServer } from '../capabilities/audit/server/audit-server.ts';
import { createJournalLook } from '../capabilities/audit/server/journal-look.ts';
import { consentReference } from '../capabilities/consent/server/consent-document.ts';
import { createConsentServer } from '../capabilities/consent/server/consent-server.ts';
import { createEvaluateOperation } from '../capabilities/consent/server/evaluate-operation.ts';
import { createMembershipServer } from '../capabilities/membership/server/membership-server.ts';
import { issueJournalReceipt } from '../capabilities/records/server/issue-receipt.ts';
import { createReceiptOperations } from '../capabilities/records/server/receipt-operations.ts';
import { createRecordsServer } from '../capabilities/records/server/records-server.ts';
import { receiptToBytes } from '../chain/receipt/receipt.ts';
import { createExchange } from '../exchange/exchange.ts';
import type { FhirOperation } from '../fhir/operations/operation.ts';
import type { AccessPort, RegistrationPort } from '../fhir/ports.ts';
import type { Job } from '../jobs/job.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { withOwnSubscriptions } from '../subscriptions/own-subscriptions.ts';

/** What the server floors are wired with. */
export interface FloorDependencies {
  readonly organisations: readonly OrganisationContext[];
  readonly ledger: Ledger;
  readonly authenticate: Authenticate;
  /** For what apps may use too; `authenticate` unless it is given. */
  readonly authenticateApps?: Authenticate;
  readonly clock: () => number;
  /** Address at which the node reaches its own routes. */
  readonly ownUrl: string;
  /** Address under which others reach the node; `ownUrl` unless it is given. */
  readonly baseUrl?: string;
  /** Addresses of other members' nodes. */
  readonly peers: readonly string[];
  readonly fetch: typeof fetch;
  /** What the searches behind the scopes of apps let through. */
  readonly restriction?: RestrictionPort;
}

/** What they give in return: the ports that other rooms define, routes, and work that goes on beside. */
export interface ServerFloors {
  readonly access: AccessPort;
  readonly registration: RegistrationPort;
  readonly plugins: readonly FastifyPluginAsync[];
  /** FHIR operations of the capabilities. */
  readonly operations: readonly FhirOperation[];
  readonly jobs: readonly Job[];
  close(): void;
}

/** The server floors of all capabilities, wired. */
export function createServerFloors(deps: FloorDependencies): ServerFloors {
  const membership = createMembershipServer(deps);
  const consent = createConsentServer(deps);
  const look = createJournalLook();
  const accessServer = createAccessServer({
    ...deps,
    look,
    revokedLocally: consent.revokedLocally,
    answerReport: createAccountingAnswer(consentReference),
  });
  const vaultOf = (custodian: string) => organisationOf(deps.organisations, custodian).vault;
  // All that asks for a decision asks this one.
  const access = withOwnSubscriptions(accessServer.access, vaultOf);
  const audit = createAuditServer({
    ...deps,
    look,
    authenticate: deps.authenticateApps ?? deps.authenticate,
    isPrivacyOfficer,
    baseUrl: deps.baseUrl ?? deps.ownUrl,
    consentOf: consentReference,
    receiptOf: async ({ vault }, entry) => receiptToBytes(await issueJournalReceipt(deps.ledger, vault, entry)),
  });
  const records = createRecordsServer({ ...deps, access, look });
  const exchange = createExchange({
    ...deps,
    members: createMemberPort(deps.ledger),
    custodian: createCustodianPort({ ledger: deps.ledger, revokedLocally: consent.revokedLocally }),
    chain: deps.ledger.genesisHash,
  });
  const requests = createAccessRequests({ ...deps, exchange });
  const evaluate = createEvaluateOperation({
    ...deps,
    revokedLocally: consent.revokedLocally,
    versionFacts,
    officerRole: PRIVACY_OFFICER,
  });
  return {
    access,
    registration: membership.registration,
    plugins: [
      ...[membership.plugin, consent.plugin, accessServer.plugin, records.plugin, exchange.plugin, requests.plugin],
      audit.plugin,
    ],
    operations: [...createReceiptOperations(deps.ledger), evaluate],
    jobs: [...membership.jobs, ...consent.jobs, ...accessServer.jobs, ...records.jobs, ...exchange.jobs],
    close: accessServer.close,
  };
}
