import type { FastifyPluginAsync } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import type { Job } from '../../../jobs/job.ts';
import type { Ledger } from '../../../ledger/ledger.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { CONSENT_BODY_BYTES, DocumentRequest, GrantRequest, RevokeRequest } from '../api/endpoints.ts';
import type { Policy } from '../contract/policy.ts';
import { reject } from './codes.ts';
import { consentReference, keepConsent } from './consent-document.ts';
import { entitledAccount } from './entitled-caller.ts';
import { grantConsent } from './grant-consent.ts';
import { createLocalRevocations, type LocalRevocations } from './local-revocations.ts';
import { revokeConsent } from './revoke-consent.ts';

export interface ConsentServer {
  readonly plugin: FastifyPluginAsync;
  /** Policies that a custodian obeys a revocation of before the ledger has it. */
  revokedLocally(custodian: string, account: string): Promise<ReadonlySet<string>>;
  readonly jobs: readonly Job[];
}

/** Documents, grants and revocations of consent, and what is in force. */
export function createConsentServer(deps: {
  organisations: readonly OrganisationContext[];
  ledger: Ledger;
  authenticate: Authenticate;
}): ConsentServer {
  const { organisations, ledger, authenticate } = deps;
  const revocations = new Map(organisations.map((one) => [one.account, createLocalRevocations(one)]));
  const localOf = (custodian: string): LocalRevocations => {
    const found = revocations.get(custodian);
    if (found === undefined) throw new Error('revocations of an organisation that is not of this node');
    return found;
  };
  const plugin: FastifyPluginAsync = async (app) => {
    app.post('/api/consents/documents', { bodyLimit: CONSENT_BODY_BYTES }, async (request) => {
      const caller = await authenticate(request);
      const { patientId, consent } = bodyOf(DocumentRequest, request.body);
      const organisation = organisationOf(organisations, caller.custodian);
      const account = await entitledAccount(organisation, caller, patientId);
      const { id, version, leaf } = (await keepConsent(organisation, caller, { patientId, account, consent })).row;
      return { id, version, leaf };
    });
    app.post('/api/consents', { bodyLimit: CONSENT_BODY_BYTES }, async (request) => {
      const caller = await authenticate(request);
      const body = bodyOf(GrantRequest, request.body);
      const organisation = organisationOf(organisations, caller.custodian);
      const account = await entitledAccount(organisation, caller, body.patientId);
      return grantConsent(organisation, caller, account, body);
    });
    app.post('/api/consents/revoke', { bodyLimit: CONSENT_BODY_BYTES }, async (request) => {
      const caller = await authenticate(request);
      const body = bodyOf(RevokeRequest, request.body);
      const organisation = organisationOf(organisations, caller.custodian);
      const account = await entitledAccount(organisation, caller, body.patientId);
      return revokeConsent(organisation, caller, account, body, localOf(organisation.account));
    });
    app.get<{ Params: { id: string } }>('/api/patients/:id/policies', async (request) => {
      const caller = await authenticate(request);
      const organisation = organisationOf(organisations, caller.custodian);
      const account = await entitledAccount(organisation, caller, request.params.id);
      const held = ledger.query('consent.policiesOf', { account }) as unknown as HeldPolicies;
      const revoked = await localOf(organisation.account).of(account);
      const policies = await Promise.all(held.policies.map((policy) => policyView(organisation, policy, revoked)));
      return { account, policies, delegations: held.delegations };
    });
  };
  const bring: Job = {
    name: 'revocations',
    intervalMs: 2000,
    run: async () => {
      for (const local of revocations.values()) await local.bring();
    },
  };
  return { plugin, revokedLocally: (custodian, account) => localOf(custodian).of(account), jobs: [bring] };
}

interface HeldPolicies {
  readonly policies: readonly Policy[];
  readonly delegations: readonly unknown[];
}

/** A policy as it stands on the ledger, with where its document can be read and whether this custodian obeys its end already. */
async function policyView(organisation: OrganisationContext, policy: Policy, revoked: ReadonlySet<string>) {
  const resource = await consentReference(organisation, policy.id);
  return {
    ...policy,
    ...(resource === undefined ? {} : { resource }),
    ...(revoked.has(policy.id) ? { revokedHere: true } : {}),
  };
}

function bodyOf<Schema extends TSchema>(schema: Schema, body: unknown): Static<Schema> {
  if (!Value.Check(schema, body)) throw reject('CONSENT_REQUEST_INVALID');
  return body as Static<Schema>;
}
