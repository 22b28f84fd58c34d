import type { FastifyPluginAsync } from 'fastify';
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Caller } from '../../../auth/caller.ts';
import type { RegistrationPort } from '../../../fhir/ports.ts';
import type { Job } from '../../../jobs/job.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { createExclusive } from '../../../server/exclusive.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { rejecter } from '../../../std/reject.ts';
import { claimAccount } from './claim-account.ts';
import { issueClaimCode } from './claim-code.ts';
import { CODES } from './codes.ts';
import { createRegistration } from './registration.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;
const Base64url = Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength: 16_384 });

const ClaimBody = Type.Object(
  {
    custodian: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    account: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    code: Type.String({ minLength: 1, maxLength: 64 }),
    body: Base64url,
    signature: Base64url,
    sealingPublicKey: Base64url,
  },
  strict,
);

export interface MembershipServer {
  readonly registration: RegistrationPort;
  readonly plugin: FastifyPluginAsync;
  readonly jobs: readonly Job[];
}

/** Registration of patients, claim codes and claims. */
export function createMembershipServer(deps: {
  organisations: readonly OrganisationContext[];
  authenticate: Authenticate;
}): MembershipServer {
  const { organisations, authenticate } = deps;
  const registration = createRegistration(organisations);
  const exclusively = createExclusive();
  const plugin: FastifyPluginAsync = async (app) => {
    app.post<{ Params: { patientId: string } }>('/api/accounts/:patientId/claim-code', async (request) => {
      const caller = authenticate(request);
      const organisation = organisationOf(organisations, caller.custodian);
      const account = patientAccount(organisation, caller, request.params.patientId);
      const { code, expiresAtMs } = await issueClaimCode(organisation, account);
      const { account: custodian, signer, ledger } = organisation;
      return { code, expiresAtMs, account, custodian, approverKey: signer.keyId, genesis: ledger.genesisHash };
    });
    // Without a token: the code is what lets in, and it has few tries.
    app.post('/api/accounts/claim', async (request) => {
      const body: unknown = request.body;
      if (!Value.Check(ClaimBody, body)) throw reject('CLAIM_TRANSACTION_WRONG');
      const claim: Static<typeof ClaimBody> = body;
      const organisation = organisationOf(organisations, claim.custodian);
      const { committed, tagKey } = await exclusively(() => claimAccount(organisation, claim));
      return { transaction: committed.outcome.id, code: committed.outcome.code, tagKey };
    });
  };
  const refill: Job = {
    name: 'account reserve',
    intervalMs: 5000,
    run: () => Promise.all(registration.reserves.map((reserve) => reserve.refill())),
  };
  return { registration, plugin, jobs: [refill] };
}

function patientAccount({ vault, account: custodian }: OrganisationContext, caller: Caller, patientId: string): string {
  if (caller.kind === 'patient' || caller.organisation !== custodian) throw reject('STAFF_ONLY');
  const account = vault.accountOf('Patient', patientId);
  if (account === undefined) throw reject('PATIENT_UNKNOWN');
  return account;
}
