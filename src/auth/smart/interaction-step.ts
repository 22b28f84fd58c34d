import type { FastifyReply, FastifyRequest } from 'fastify';
import type Provider from 'oidc-provider';
import type { Interaction } from 'oidc-provider';
import { rejecter } from '../../std/reject.ts';
import type { DocumentStore } from '../documents.ts';
import type { ExternalSignIn } from '../external/external-sign-in.ts';
import type { Enrolment } from '../sign-in/enrolment.ts';
import type { Person, SignIn } from '../sign-in/sign-in.ts';
import type { AllowedApps } from './allowed-apps.ts';
import { isFresh } from './browser-session.ts';
import type { ClientRegistration, ClientRegistry } from './client-registry.ts';
import { CODES } from './codes.ts';
import { pagePolicy } from './pages.ts';
import type { PatientDirectory } from './ports.ts';
import { allowedResourceScopes, LAUNCH_SCOPES } from './registered-scopes.ts';
import type { Standing } from './standing.ts';

const reject = rejecter(CODES);

export interface InteractionOptions {
  readonly provider: () => Promise<Provider>;
  readonly clients: ClientRegistry;
  readonly stores: readonly DocumentStore[];
  readonly signIn: SignIn;
  readonly enrolment: Enrolment;
  readonly external: ExternalSignIn;
  readonly patients: PatientDirectory;
  readonly standing: Standing;
  readonly allowed: AllowedApps;
  readonly nameOf: (custodian: string) => string;
  readonly clock: () => number;
  /** Scheme, host and port of the node. */
  readonly origin: string;
  readonly fhirUrl: string;
  /** Path of the issuer. */
  readonly base: string;
}

/** Where somebody is between an app's request and its answer. */
export interface Step {
  readonly interaction: Interaction;
  readonly client: ClientRegistration;
  /** As the app asked. */
  readonly asked: readonly string[];
  /** Those of them that are offered. */
  readonly scopes: readonly string[];
}

/** What every route of the way looks at first, and how it ends. */
export interface InteractionSteps {
  /** Throws Reject SIGN_IN_EXPIRED for another browser's or an ended one, CHOICE_INVALID for a form of another site. */
  stepOf(request: FastifyRequest, reply: FastifyReply): Promise<Step>;
  /** Who signed in, as attested now. Throws Reject SIGN_IN_EXPIRED. */
  personOf(step: Step): Promise<Person>;
  /** Whether they proved it a moment ago, so that a consent may be given by it. */
  isProofFresh(step: Step): Promise<boolean>;
  /** Where the browser goes on with that result. */
  finish(request: FastifyRequest, reply: FastifyReply, result: object): Promise<string>;
}

export function createInteractionSteps(options: InteractionOptions): InteractionSteps {
  const { provider, clients, standing, origin, clock } = options;

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
    const person = await standing.personBy(interaction.session?.accountId, interaction.session?.acr);
    if (person === undefined || person.custodian !== client.custodian) throw reject('SIGN_IN_EXPIRED');
    return person;
  }

  async function isProofFresh({ interaction: { session } }: Step): Promise<boolean> {
    const { Session } = await provider();
    const known = session?.uid === undefined ? undefined : await Session.findByUid(session.uid);
    return known !== undefined && isFresh(known, clock());
  }

  async function finish(request: FastifyRequest, reply: FastifyReply, result: object): Promise<string> {
    const options = { mergeWithLastSubmission: false };
    return (await provider()).interactionResult(request.raw, reply.raw, result as never, options);
  }

  return { stepOf, personOf, isProofFresh, finish };
}

/** Forms of other sites are refused even where a browser sends the cookie along (RFC 6749 §10.12). */
export function requireOwnForm(request: FastifyRequest, origin: string): void {
  const { origin: from, 'sec-fetch-site': site } = request.headers;
  if ((from !== undefined && from !== origin) || (site !== undefined && site !== 'same-origin'))
    throw reject('CHOICE_INVALID');
}

export function formOf(request: FastifyRequest): URLSearchParams {
  if (request.body === undefined || request.body === null) return new URLSearchParams();
  if (!(request.body instanceof URLSearchParams)) throw reject('CHOICE_INVALID');
  return request.body;
}

/** Where the app's answer goes: a browser holds a form's redirects against the page's policy. */
export function formTargets({ redirect_uris = [] }: ClientRegistration): string[] {
  return redirect_uris.flatMap((uri) => {
    const url = URL.parse(uri);
    return url === null ? [] : [url.origin === 'null' ? url.protocol : url.origin];
  });
}

export function sendPage(
  reply: FastifyReply,
  html: string,
  targets: readonly string[],
  scripts: boolean,
): FastifyReply {
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
