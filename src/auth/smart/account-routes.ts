import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import { rejecter } from '../../std/reject.ts';
import { type Caller, isAdministrator } from '../caller.ts';
import type { DocumentStore } from '../documents.ts';
import type { PasskeyHolder } from '../sign-in/passkey-book.ts';
import type { Person } from '../sign-in/sign-in.ts';
import { accountPage, type NamedApp, organisationsPage, signedOutPage } from './account-page.ts';
import type { AllowedApps } from './allowed-apps.ts';
import { sessionOf } from './browser-session.ts';
import type { ClientRegistry } from './client-registry.ts';
import { CODES } from './codes.ts';
import { formOf, requireOwnForm, sendPage } from './interaction-step.ts';
import { ACCOUNT_PATH, ownPageRequest } from './own-page.ts';
import type { Standing } from './standing.ts';

const reject = rejecter(CODES);

interface AccountOptions {
  readonly clients: ClientRegistry;
  readonly standing: Standing;
  readonly allowed: AllowedApps;
  /** Ends sessions, grants and tokens of an account. */
  readonly signOutEverywhere: (holder: PasskeyHolder) => Promise<void>;
}

function createNamed({ clients, allowed }: AccountOptions): (holder: PasskeyHolder) => Promise<readonly NamedApp[]> {
  return async (holder) => {
    const apps = await allowed.list(holder);
    // An app that was removed since can do nothing.
    return apps.flatMap((app) => {
      const client = clients.client(app.client_id);
      return client === undefined ? [] : [{ ...app, client_name: client.client_name }];
    });
  };
}

/**
 * What people allowed, for themselves: who is signed in at this browser sees it, ends it and signs out. Forms are this
 * origin's own, as those of the sign-in are, and no other site's form carries the cookie (SameSite=Lax).
 */
export function accountRoutes(
  app: FastifyInstance,
  options: AccountOptions & {
    readonly provider: () => Promise<Provider>;
    /** One for each organisation that serves. */
    readonly stores: readonly Pick<DocumentStore, 'custodian'>[];
    readonly nameOf: (custodian: string) => string;
    readonly issuer: string;
    readonly fhirUrl: string;
  },
): void {
  const { provider, standing, allowed, signOutEverywhere, stores, nameOf, issuer, fhirUrl } = options;
  const { origin, pathname: base } = new URL(issuer);
  const at = `${base}${ACCOUNT_PATH}`;
  const namedApps = createNamed(options);

  async function here(request: FastifyRequest, reply: FastifyReply) {
    const session = await sessionOf(await provider(), request, reply);
    return { session, person: await standing.personBy(session.accountId, session.acr) };
  }

  async function signedIn(request: FastifyRequest, reply: FastifyReply): Promise<Person> {
    requireOwnForm(request, origin);
    const { person } = await here(request, reply);
    if (person === undefined) throw reject('SIGN_IN_EXPIRED');
    return person;
  }

  app.get(ACCOUNT_PATH, async (request, reply) => {
    const { person } = await here(request, reply);
    const ways = stores.map(({ custodian }) => ({
      name: nameOf(custodian),
      href: `${base}/authorize?${ownPageRequest(custodian, issuer, fhirUrl)}`,
    }));
    const [only, ...others] = ways;
    if (person === undefined && only !== undefined && others.length === 0) return reply.redirect(only.href, 303);
    if (person === undefined) return sendPage(reply, organisationsPage(ways), [], false);
    const facts = { at, who: person.label, organisation: nameOf(person.custodian), apps: await namedApps(person) };
    return sendPage(reply, accountPage(facts), [], false);
  });
  app.post(`${ACCOUNT_PATH}/apps/end`, async (request, reply) => {
    const person = await signedIn(request, reply);
    await allowed.end(person, formOf(request).get('client_id') ?? '');
    return reply.redirect(at, 303);
  });
  app.post(`${ACCOUNT_PATH}/sign-out`, async (request, reply) => {
    await signedIn(request, reply);
    const { session } = await here(request, reply);
    await session.destroy();
    return sendPage(reply, signedOutPage(at), [], false);
  });
  app.post(`${ACCOUNT_PATH}/sign-out-everywhere`, async (request, reply) => {
    await signOutEverywhere(await signedIn(request, reply));
    return sendPage(reply, signedOutPage(at), [], false);
  });
}

type OfPerson = { Params: { account: string } };

/** The same for administrators about their people and patients, and for whoever holds an own token of the account. */
export function accountApi(
  app: FastifyInstance,
  options: AccountOptions & { readonly authenticate: (request: FastifyRequest) => Promise<Caller> },
): void {
  const { allowed, signOutEverywhere, authenticate } = options;
  const namedApps = createNamed(options);

  async function holderOf(request: FastifyRequest): Promise<PasskeyHolder> {
    const caller = await authenticate(request);
    const { account } = request.params as OfPerson['Params'];
    const isOwn = caller.account === account && caller.grant === undefined;
    if (!isOwn && !isAdministrator(caller)) throw reject('NOT_ADMINISTRATOR');
    if (!/^[0-9a-f]{32}$/.test(account)) throw reject('APP_NOT_ALLOWED');
    return { custodian: caller.custodian, account };
  }

  app.get<OfPerson>('/api/people/:account/apps', async (request) => ({
    apps: await namedApps(await holderOf(request)),
  }));
  app.post<OfPerson>('/api/people/:account/apps/end', async (request) => {
    const holder = await holderOf(request);
    const { client_id: clientId } = (request.body ?? {}) as { client_id?: unknown };
    if (typeof clientId !== 'string') throw reject('APP_NOT_ALLOWED');
    await allowed.end(holder, clientId);
    return {};
  });
  app.post<OfPerson>('/api/people/:account/sign-out', async (request) => {
    const holder = await holderOf(request);
    await signOutEverywhere(holder);
    request.log.info('an account was signed out everywhere');
    return {};
  });
}
