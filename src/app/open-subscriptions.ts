import type { Caller } from '../auth/caller.ts';
import { isPrivacyOfficer } from '../capabilities/access/server/access-server.ts';
import { auditView } from '../capabilities/audit/server/audit-view.ts';
import { eventId, factsOf } from '../capabilities/audit/server/event-facts.ts';
import { type ConsentOf, namesFor } from '../capabilities/audit/server/event-names.ts';
import { renderEvent } from '../capabilities/audit/server/render-event.ts';
import type { FhirServer } from '../fhir/context.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { createSubscriptions, type Subscriptions } from '../subscriptions/subscriptions.ts';
import type { RolesNow } from './roles-now.ts';

/** Subscriptions of a node's organisations, with accesses as the audit shows them. */
export function openSubscriptions(options: {
  readonly organisations: readonly OrganisationContext[];
  readonly server: () => FhirServer;
  readonly outgoing: Outgoing;
  /** Public address of the node, without a slash at its end. */
  readonly baseUrl: string;
  /** Whether a person and an app may still have subscriptions. */
  readonly isStillAllowed: (owner: Caller) => Promise<boolean>;
  readonly rolesNow: RolesNow;
  readonly consentOf: ConsentOf;
}): Subscriptions {
  const { organisations, server, outgoing, baseUrl, isStillAllowed, rolesNow, consentOf } = options;
  const [fhirUrl, auditUrl] = [`${baseUrl}/fhir`, `${baseUrl}/audit`];
  return createSubscriptions({
    ...{ organisations, server, outgoing, baseUrl: fhirUrl },
    socket: { url: `${fhirUrl.replace(/^http/, 'ws')}/ws`, path: '/fhir/ws' },
    ports: {
      isStillAllowed,
      rolesNow,
      async mayFollow(caller, account) {
        const organisation = organisationOf(organisations, caller.custodian);
        return auditView(organisation, caller, isPrivacyOfficer, 'r', account).of !== 'nothing';
      },
      async auditEvent({ vault }, entry) {
        const organisation = organisationOf(organisations, vault.custodian);
        const facts = factsOf(entry);
        const names = await namesFor(organisation, [facts], consentOf);
        const source = { custodian: organisation.account, name: organisation.name, fhirUrl, auditUrl };
        return {
          address: `${auditUrl}/AuditEvent/${eventId(facts)}`,
          text: JSON.stringify(renderEvent(facts, names, source)),
        };
      },
    },
  });
}
