import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import { Value } from 'typebox/value';
import { isAdministrator } from '../auth/caller.ts';
import { CODES as SIGN_IN_CODES } from '../auth/sign-in/codes.ts';
import { ENROL_PATH } from '../auth/sign-in/enrol-routes.ts';
import type { Invitation, People } from '../auth/sign-in/people.ts';
import { revokeTokensOf } from '../auth/tokens.ts';
import {
  HireRequest,
  type InvitationAnswer,
  type PasskeyList,
  PasskeyRemoval,
  type PeopleList,
} from '../capabilities/membership/api.ts';
import { RoleCodesSchema } from '../capabilities/membership/contract/schemas.ts';
import {
  dismissPractitioner,
  isOwnPractitioner,
  registerPractitioner,
} from '../capabilities/membership/server/registration.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import { isReject, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const rejectSignIn = rejecter(SIGN_IN_CODES);

type OfPerson = { Params: { account: string } };

/** `/api/people`: those who sign in as somebody of an organisation, for its administrator. */
export function createPeoplePlugin(deps: {
  readonly organisations: readonly OrganisationContext[];
  readonly authenticate: Authenticate;
  readonly people: People;
  /** Public address of the node, which links lead to. */
  readonly baseUrl: string;
}): FastifyPluginAsync {
  const { organisations, authenticate, people, baseUrl } = deps;

  /** The organisation whose administrator asks. */
  async function administered(request: FastifyRequest): Promise<OrganisationContext> {
    const caller = await authenticate(request);
    if (!isAdministrator(caller)) throw reject('ADMINISTRATOR_ONLY');
    return organisationOf(organisations, caller.custodian);
  }

  /** Ends tokens and sign-in. Somebody who was only ever given a token (`POST /api/tokens`) has no sign-in to end. */
  async function dismissHere({ account: custodian, vault }: OrganisationContext, account: string): Promise<void> {
    await revokeTokensOf(vault, account);
    await people.dismiss(custodian, account).catch((error: unknown) => {
      if (!isReject(error) || error.code !== 'PERSON_UNKNOWN') throw error;
    });
  }

  function answer(account: string, { code, expiresAtMs }: Invitation): InvitationAnswer {
    // Behind the #: no server, proxy or log between sees the code.
    return { account, link: `${baseUrl}${ENROL_PATH}#${code}`, expiresAtMs };
  }

  return async (app) => {
    app.get('/api/people', async (request): Promise<PeopleList> => {
      const { account } = await administered(request);
      return { people: await people.list(account) };
    });
    app.post('/api/people', async (request) => {
      const organisation = await administered(request);
      const body: unknown = request.body;
      if (!Value.Check(HireRequest, body)) throw rejectSignIn('PERSON_INVALID');
      const roleCodes = [...new Set(body.roleCodes)];
      if (!Value.Check(RoleCodesSchema, roleCodes)) throw rejectSignIn('PERSON_INVALID');
      // A crash between the two leaves an account on the ledger that nobody uses.
      const account = await registerPractitioner(organisation, { roleCodes });
      const { label, purposes } = body;
      return answer(account, await people.add(organisation.account, { account, label, purposes }));
    });
    app.post<OfPerson>('/api/people/:account/enrolment', async (request) => {
      const organisation = await administered(request);
      const { account } = request.params;
      return answer(account, await people.invite(organisation.account, account));
    });
    app.post<OfPerson>('/api/people/:account/dismiss', async (request) => {
      const organisation = await administered(request);
      const { account } = request.params;
      // Here first: it holds from now on, also while the ledger stands still, and may be repeated when it moves.
      if (isOwnPractitioner(organisation, account)) await dismissHere(organisation, account);
      else await people.dismiss(organisation.account, account);
      await dismissPractitioner(organisation, account);
      return {};
    });
    app.get<OfPerson>('/api/people/:account/passkeys', async (request): Promise<PasskeyList> => {
      const organisation = await administered(request);
      return { passkeys: await people.passkeysOf(organisation.account, request.params.account) };
    });
    app.post<OfPerson>('/api/people/:account/passkeys/remove', async (request) => {
      const organisation = await administered(request);
      const body: unknown = request.body;
      if (!Value.Check(PasskeyRemoval, body)) throw rejectSignIn('PASSKEY_UNKNOWN');
      await people.removePasskey(organisation.account, request.params.account, body.id);
      return {};
    });
  };
}
