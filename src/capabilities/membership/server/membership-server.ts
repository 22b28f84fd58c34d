import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { Value } from 'typebox/value';
import { type Caller, isAdministrator } from '../../../auth/caller.ts';
import { revokeToken } from '../../../auth/tokens.ts';
import type { RegistrationPort } from '../../../fhir/ports.ts';
import { createExclusive } from '../../../jobs/exclusive.ts';
import type { Job } from '../../../jobs/job.ts';
import type { Authenticate } from '../../../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../../../server/organisation.ts';
import { rejecter } from '../../../std/reject.ts';
import { ClaimRequest, type ClaimSlip, TokenRequest, TokenRevocation } from '../api.ts';
import { claimAccount } from './claim-account.ts';
import { createClaimTries, issueClaimCode } from './claim-code.ts';
import { CODES } from './codes.ts';
import { hirePractitioner } from './hire-practitioner.ts';
import { openProposals, submitMemberMessage } from './member-message.ts';
import { createRegistration } from './registration.ts';

const reject = rejecter(CODES);
export interface MembershipServer {
  readonly registration: RegistrationPort;
  readonly plugin: FastifyPluginAsync;
  readonly jobs: readonly Job[];
}

/** Registration of patients, claim codes and claims, tokens of staff, votes of the organisation. */
export function createMembershipServer(deps: {
  organisations: readonly OrganisationContext[];
  authenticate: Authenticate;
}): MembershipServer {
  const { organisations, authenticate } = deps;
  const registration = createRegistration(organisations);
  const exclusively = createExclusive();
  const tries = createClaimTries();
  /** The organisation whose administrator asks. */
  const administered = async (request: FastifyRequest): Promise<OrganisationContext> => {
    const caller = await authenticate(request);
    const organisation = organisationOf(organisations, caller.custodian);
    if (!isAdministrator(caller)) throw reject('ADMINISTRATOR_NEEDED');
    return organisation;
  };
  const plugin: FastifyPluginAsync = async (app) => {
    app.post<{ Params: { patientId: string } }>('/api/accounts/:patientId/claim-code', async (request) => {
      const caller = await authenticate(request);
      const organisation = organisationOf(organisations, caller.custodian);
      const { patientId } = request.params;
      const account = await patientAccount(organisation, caller, patientId);
      const { code, expiresAtMs } = await issueClaimCode(organisation, account);
      const { account: custodian, signer, ledger } = organisation;
      const here = { custodian, approverKey: signer.keyId, genesis: ledger.genesisHash };
      return { code, expiresAtMs, patient: patientId, account, ...here } satisfies ClaimSlip;
    });
    // Without a token: the code is what lets in.
    app.post('/api/accounts/claim', async (request) => {
      const body: unknown = request.body;
      if (!Value.Check(ClaimRequest, body)) throw reject('CLAIM_TRANSACTION_WRONG');
      const organisation = organisationOf(organisations, body.custodian);
      return exclusively(() => claimAccount(organisation, body, { from: request.ip, tries }));
    });
    app.post('/api/members/messages', async (request) =>
      submitMemberMessage(await administered(request), request.body),
    );
    app.get('/api/members/proposals', async (request) => openProposals(await administered(request)));
    app.post('/api/tokens', async (request) => {
      const organisation = await administered(request);
      const body: unknown = request.body;
      if (!Value.Check(TokenRequest, body)) throw reject('TOKEN_REQUEST_INVALID');
      return hirePractitioner(organisation, body);
    });
    app.post('/api/tokens/revoke', async (request) => {
      const { vault } = await administered(request);
      const body: unknown = request.body;
      if (!Value.Check(TokenRevocation, body)) throw reject('TOKEN_REQUEST_INVALID');
      await revokeToken(vault, body.token);
      return {};
    });
  };
  const refill: Job = {
    name: 'account reserve',
    intervalMs: 5000,
    run: () => Promise.all(registration.reserves.map((reserve) => reserve.refill())),
  };
  return { registration, plugin, jobs: [refill] };
}

async function patientAccount(
  { vault, account: custodian }: OrganisationContext,
  caller: Caller,
  patientId: string,
): Promise<string> {
  if (caller.kind === 'patient' || caller.organisation !== custodian) throw reject('STAFF_ONLY');
  const account = await vault.accountOf('Patient', patientId);
  if (account === undefined) throw reject('PATIENT_UNKNOWN');
  return account;
}
