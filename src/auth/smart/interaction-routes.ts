import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import type { Interaction } from 'oidc-provider';
import { isReject, rejecter } from '../../std/reject.ts';
import type { ExternalSignIn } from '../external/external-sign-in.ts';
import { parseResourceScope } from '../scopes.ts';
import type { Person, SignIn } from '../sign-in/sign-in.ts';
import type { ClientRegistration, ClientRegistry } from './client-registry.ts';
import { CODES } from './codes.ts';
import type { DocumentStore } from './documents.ts';
import { endLaunch, findLaunch, keepContext, type LaunchContext } from './launch-context.ts';
import { consentPage, type PatientChoice, pagePolicy, signInPage } from './pages.ts';
import { callerOfPerson, type PatientDirectory } from './ports.ts';
import { allowedResourceScopes, LAUNCH_SCOPES } from './registered-scopes.ts';
import { personFromSubject, subjectOf } from './subject.ts';

const reject = rejecter(CODES);

export interface InteractionOptions {
  readonly provider: () => Promise<Provider>;
  readonly clients: ClientRegistry;
  readonly stores: readonly DocumentStore[];
  readonly signIn: SignIn;
  readonly external: ExternalSignIn;
  readonly patients: PatientDirectory;
  readonly nameOf: (custodian: string) => string;
  readonly clock: () => number;
  /** Scheme, host and port of the node. */
  readonly origin: string;
  readonly fhirUrl: string;
  /** Path of the issuer. */
  readonly base: string;
}

/** A grant lives as long as its refresh tokens may. */
const GRANT_MS = 90 * 86_400_000;

interface Step {
  readonly interaction: Interaction;
  readonly client: ClientRegistration;
  /** As the app asked. */
  readonly asked: readonly string[];
  /** Those of them that are offered. */
  readonly scopes: readonly string[];
}

/**
 * The pages between an app's request and its answer: sign-in, then consent with the choice of a patient. Each belongs to
 * the browser that began it, by a signed cookie that other sites cannot send along with a POST (SameSite=Lax), and takes
 * forms of this origin only.
 */
export function interactionRoutes(app: FastifyInstance, options: InteractionOptions): void {
  const { provider, clients, stores, signIn, external, patients, nameOf, clock, origin, fhirUrl, base } = options;

  async function stepOf(request: FastifyRequest, reply: FastifyReply): Promise<Step> {
    const { uid } = request.params as { uid: string };
    let interaction: Interaction;
    try {
      interaction = await (await provider()).interactionDetails(request.raw, reply.raw);
    } catch (error) {
      if ((error as Error).name === 'SessionNotFound') throw reject('SIGN_IN_EXPIRED');
      throw error;
    }
    const client = clients.client(String(interaction.params.client_id));
    if (interaction.uid !== uid || client === undefined) throw reject('SIGN_IN_EXPIRED');
    if (request.method === 'POST') requireOwnForm(request, origin);
    const asked = String(interaction.params.scope ?? '');
    const registered = client.scope.split(' ');
    // Apps ask for `launch` and `launch/patient` at once, to be launched either way.
    const isMeant = (one: string) => one !== 'launch' || typeof interaction.params.launch === 'string';
    const scopes = [
      ...asked.split(' ').filter((one) => LAUNCH_SCOPES.includes(one) && registered.includes(one) && isMeant(one)),
      ...allowedResourceScopes(client.scope, asked, 'app'),
    ];
    return { interaction, client, asked: asked.split(' '), scopes: [...new Set(scopes)] };
  }

  async function personOf({ interaction, client }: Step): Promise<Person> {
    const subject = interaction.session?.accountId;
    const known = subject === undefined ? undefined : await personFromSubject(signIn, subject);
    const person = known && (await external.limited(known, linkOf(interaction)));
    if (person === undefined || person.custodian !== client.custodian) throw reject('SIGN_IN_EXPIRED');
    return person;
  }

  async function finish(request: FastifyRequest, reply: FastifyReply, result: object): Promise<string> {
    const options = { mergeWithLastSubmission: false };
    return (await provider()).interactionResult(request.raw, reply.raw, result as never, options);
  }

  /** Somebody of another organisation has no account that the app's organisation attests. */
  async function signedIn(
    request: FastifyRequest,
    reply: FastifyReply,
    step: Step,
    person: Person,
    by: { readonly amr: readonly string[]; readonly acr?: string },
  ): Promise<string> {
    if (person.custodian !== step.client.custodian) throw reject('SIGN_IN_EXPIRED');
    return finish(request, reply, { login: { accountId: subjectOf(person), ...by, remember: false } });
  }

  app.get<{ Querystring: { search?: string } }>('/interaction/:uid', async (request, reply) => {
    const step = await stepOf(request, reply);
    if (step.interaction.prompt.name === 'login') return showSignIn(reply, step);
    return showConsent(reply, step, request.query.search);
  });

  app.post('/interaction/:uid/passkey/options', async (request, reply) => {
    const { interaction } = await stepOf(request, reply);
    return { options: await signIn.passkeyOptions(interaction.uid) };
  });
  app.post('/interaction/:uid/passkey', async (request, reply) => {
    const step = await stepOf(request, reply);
    const person = await signIn.passkey(step.interaction.uid, request.body, request.ip);
    return { location: await signedIn(request, reply, step, person, { amr: ['hwk'] }) };
  });
  app.post<{ Body: URLSearchParams }>('/interaction/:uid/wallet', async (request, reply) => {
    const step = await stepOf(request, reply);
    try {
      const person = await signIn.wallet(step.interaction.uid, formOf(request).get('signed') ?? '', request.ip);
      return await reply.redirect(await signedIn(request, reply, step, person, { amr: ['swk'] }), 303);
    } catch (error) {
      if (!isReject(error)) throw error;
      return showSignIn(reply.code(400), step, error.message);
    }
  });
  // A link and no form: a browser would hold every redirect on the provider's side against this page's policy.
  app.get<{ Params: { provider: string } }>('/interaction/:uid/external/:provider', (request, reply) =>
    orSignInPage(request, reply, ({ interaction, client }) =>
      external.begin(client.custodian, request.params.provider, interaction.uid),
    ),
  );
  app.get('/interaction/:uid/external', (request, reply) =>
    orSignInPage(request, reply, async (step) => {
      const { person, link } = await external.finish(step.interaction.uid, request.query, request.ip);
      return signedIn(request, reply, step, person, { amr: [], acr: `${BY_LINK}${link}` });
    }),
  );

  /** Sends the browser on, or shows the page that it came from and why. */
  async function orSignInPage(
    request: FastifyRequest,
    reply: FastifyReply,
    next: (step: Step) => Promise<string>,
  ): Promise<FastifyReply> {
    const step = await stepOf(request, reply);
    if (step.interaction.prompt.name !== 'login') throw reject('SIGN_IN_EXPIRED');
    try {
      return await reply.redirect(await next(step), 303);
    } catch (error) {
      if (!isReject(error)) throw error;
      request.log.info({ code: error.code, reason: error.data.reason }, 'external sign-in refused');
      return showSignIn(reply.code(400), step, error.message);
    }
  }

  app.post('/interaction/:uid/abort', async (request, reply) => {
    await stepOf(request, reply);
    const result = { error: 'access_denied', error_description: 'the user did not allow it' };
    return reply.redirect(await finish(request, reply, result), 303);
  });

  async function showSignIn(reply: FastifyReply, { interaction, client }: Step, fault?: string): Promise<FastifyReply> {
    const { statement } = await signIn.walletChallenge(interaction.uid);
    const facts = {
      ...{ uid: interaction.uid, base, appName: client.client_name, organisation: nameOf(client.custodian), statement },
      providers: await external.offered(client.custodian),
      ...(fault === undefined ? {} : { fault }),
    };
    return sendPage(reply, signInPage(facts), formTargets(client), true);
  }

  async function showConsent(
    reply: FastifyReply,
    step: Step,
    search: string | undefined,
    fault?: string,
  ): Promise<FastifyReply> {
    const { interaction, client, scopes } = step;
    const person = await personOf(step);
    const fixed = await fixedPatient(step, person);
    const mustChoose = fixed === undefined && needsPatient(step);
    const name = typeof search === 'string' ? search.slice(0, 64).trim() : '';
    const found = mustChoose && name !== '' ? await patients.search(callerOfPerson(person), name) : [];
    const html = consentPage({
      ...{ uid: interaction.uid, base, appName: client.client_name, organisation: nameOf(client.custodian) },
      ...{ who: person.label, scopes, search: name },
      ...(mustChoose ? { patients: found } : {}),
      ...(fixed === undefined ? {} : { fixedPatient: fixed }),
      ...(fault === undefined ? {} : { fault }),
    });
    return sendPage(reply, html, formTargets(client), false);
  }

  /** Patients are in the context of themselves, and a launch says whom it is for; nobody chooses then. */
  async function fixedPatient(step: Step, person: Person): Promise<PatientChoice | undefined> {
    const launch = await launchOf(step, person);
    if (launch?.patient !== undefined) return patients.find(callerOfPerson(person), launch.patient.id);
    const { custodian } = step.client;
    return person.kind === 'patient' ? patients.ofAccount(custodian, person.account) : undefined;
  }

  async function launchOf(step: Step, person: Person): Promise<LaunchContext | undefined> {
    const handle = launchHandle(step);
    if (handle === undefined) return undefined;
    const by = { clientId: step.client.client_id, account: person.account, nowMs: clock() };
    return findLaunch(storeOf(step.client), handle, by);
  }

  function storeOf({ custodian }: ClientRegistration): DocumentStore {
    const store = stores.find((one) => one.custodian === custodian);
    if (store === undefined) throw reject('SIGN_IN_EXPIRED');
    return store;
  }

  app.post('/interaction/:uid/consent', async (request, reply) => {
    const step = await stepOf(request, reply);
    const { interaction, client, asked, scopes } = step;
    if (interaction.prompt.name !== 'consent') throw reject('SIGN_IN_EXPIRED');
    const person = await personOf(step);
    const form = formOf(request);
    const chosen = form.getAll('scope');
    const granted = scopes.filter((one) => chosen.includes(one) || isPartOfSigningIn(one));
    const context = await contextFor(step, person, form.get('patient') ?? undefined);
    if (context === undefined) return showConsent(reply.code(400), step, '', 'Choose a patient first.');
    const { Grant } = await provider();
    const grant = new Grant({ accountId: subjectOf(person), clientId: client.client_id });
    const isLaunch = (one: string) => LAUNCH_SCOPES.includes(one);
    grant.addOIDCScope(granted.filter(isLaunch).join(' '));
    grant.addResourceScope(fhirUrl, granted.join(' '));
    // What is neither granted nor refused would be asked for again.
    const refused = asked.filter((one) => !granted.includes(one));
    if (refused.length > 0) {
      grant.rejectOIDCScope(refused.filter(isLaunch).join(' '));
      grant.rejectResourceScope(fhirUrl, refused.join(' '));
    }
    const grantId = await grant.save();
    const link = linkOf(interaction);
    await keepContext(storeOf(client), grantId, {
      context: { ...context, ...(link === undefined ? {} : { link }) },
      expiresAtMs: clock() + GRANT_MS,
    });
    return reply.redirect(await finish(request, reply, { consent: { grantId } }), 303);
  });

  /** The launch's context, or that of the chosen patient; undefined when one is to be chosen and was not. */
  async function contextFor(
    step: Step,
    person: Person,
    patientId: string | undefined,
  ): Promise<LaunchContext | undefined> {
    const { client } = step;
    const caller = callerOfPerson(person);
    const handle = launchHandle(step);
    if (handle !== undefined) {
      const context = await launchOf(step, person);
      // Who prepared the launch saw the patient; that this user may too is asked here.
      const isVisible =
        context?.patient === undefined || (await patients.find(caller, context.patient.id)) !== undefined;
      if (context === undefined || !isVisible) throw reject('LAUNCH_INVALID');
      await endLaunch(storeOf(client), handle);
      return context;
    }
    if (person.kind === 'patient') {
      const own = await patients.ofAccount(client.custodian, person.account);
      return own === undefined ? {} : { patient: { id: own.id, account: person.account } };
    }
    if (!needsPatient(step)) return {};
    const found = patientId === undefined ? undefined : await patients.find(caller, patientId);
    return found === undefined ? undefined : { patient: { id: found.id, account: found.account } };
  }
}

/** How somebody signed in: `external:` and the link that an external provider's word stands on. */
const BY_LINK = 'external:';

function linkOf({ session }: Interaction): string | undefined {
  return session?.acr?.startsWith(BY_LINK) ? session.acr.slice(BY_LINK.length) : undefined;
}

function launchHandle({ interaction, scopes }: Step): string | undefined {
  const { launch } = interaction.params;
  return typeof launch === 'string' && scopes.includes('launch') ? launch : undefined;
}

/** `patient/` scopes mean nothing without a patient, whether the app asks for `launch/patient` or not. */
function needsPatient(step: Step): boolean {
  const { scopes } = step;
  if (launchHandle(step) !== undefined) return false;
  return scopes.some((one) => one === 'launch/patient' || parseResourceScope(one)?.context === 'patient');
}

function isPartOfSigningIn(scope: string): boolean {
  return LAUNCH_SCOPES.includes(scope) && scope !== 'offline_access' && scope !== 'online_access';
}

/** Forms of other sites are refused even where a browser sends the cookie along (RFC 6749 §10.12). */
function requireOwnForm(request: FastifyRequest, origin: string): void {
  const { origin: from, 'sec-fetch-site': site } = request.headers;
  if ((from !== undefined && from !== origin) || (site !== undefined && site !== 'same-origin'))
    throw reject('CHOICE_INVALID');
}

function formOf(request: FastifyRequest): URLSearchParams {
  if (request.body === undefined || request.body === null) return new URLSearchParams();
  if (!(request.body instanceof URLSearchParams)) throw reject('CHOICE_INVALID');
  return request.body;
}

/** Where the app's answer goes: a browser holds a form's redirects against the page's policy. */
function formTargets({ redirect_uris = [] }: ClientRegistration): string[] {
  return redirect_uris.flatMap((uri) => {
    const url = URL.parse(uri);
    return url === null ? [] : [url.origin === 'null' ? url.protocol : url.origin];
  });
}

function sendPage(reply: FastifyReply, html: string, targets: readonly string[], scripts: boolean): FastifyReply {
  return (
    reply
      .header('content-security-policy', pagePolicy([...new Set(targets)], { scripts }))
      .header('x-frame-options', 'DENY')
      // With `no-referrer` a browser says `Origin: null` of a form of our own, which is then no proof of anything.
      .header('referrer-policy', 'same-origin')
      .type('text/html; charset=utf-8')
      .send(html)
  );
}
