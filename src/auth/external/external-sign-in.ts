import { Type } from 'typebox';
import { Value } from 'typebox/value';
import type { Outgoing } from '../../outgoing/outgoing.ts';
import { rejecter } from '../../std/reject.ts';
import type { DocumentStore } from '../documents.ts';
import { createAttemptLimits } from '../sign-in/attempt-limits.ts';
import { createAttempt } from '../sign-in/attempts.ts';
import type { Person, SignIn } from '../sign-in/sign-in.ts';
import { createAskProvider } from './ask-provider.ts';
import { claimedIdentity, commonRoles } from './claimed-identity.ts';
import { exchangeCode } from './code-exchange.ts';
import { CODES } from './codes.ts';
import type { VerifyIdToken } from './id-token.ts';
import { createLinks, type Links, linkId, subjectClaim } from './links.ts';
import { createMetadata, type ProviderMetadata } from './provider-metadata.ts';
import { createProviderBook, MAX_AGE_SECONDS, type ProviderBook, type ProviderSettings } from './provider-settings.ts';
import { createSignInStates } from './sign-in-state.ts';

const reject = rejecter(CODES);

/** Members of the provider's answer; each at most once (RFC 6749 §4.1.2, RFC 9207 §2), others are ignored. */
const Answer = Type.Object({
  state: Type.String({ minLength: 1, maxLength: 1024 }),
  code: Type.Optional(Type.String({ minLength: 1, maxLength: 2048 })),
  error: Type.Optional(Type.String({ maxLength: 256 })),
  iss: Type.Optional(Type.String({ maxLength: 512 })),
});

/**
 * Signing in through an OpenID provider of the organisation's (OpenID Connect Core, code flow, as RFC 9700 wants it).
 * `session` is the OAuth interaction's uid: whoever calls has seen that the browser is the one it belongs to.
 * Throws Rejects of codes.ts and SIGN_IN_TOO_OFTEN.
 */
export interface ExternalSignIn {
  /** Those that an organisation's page offers. */
  offered(custodian: string): Promise<readonly Pick<ProviderSettings, 'id' | 'name'>[]>;
  /** Where to send the browser. */
  begin(custodian: string, provider: string, session: string): Promise<string>;
  /** The session that an answer at a provider's redirect URI is for; nothing of it is used yet. */
  sessionOf(custodian: string, provider: string, answer: unknown): string;
  /** `answer` is the parsed query of the redirect URI. */
  finish(session: string, answer: unknown, from: string): Promise<{ readonly person: Person; readonly link: string }>;
  /**
   * The person as far as a link goes: with the roles that the provider told at its last sign-in and the ledger attests
   * now. Undefined once the link, its provider or the last common role is gone. Without a link the person as they are.
   */
  limited(person: Person, link: string | undefined): Promise<Person | undefined>;
  /** Where a provider sends the browser back to; to be registered there. */
  redirectUri(custodian: string, provider: string): string;
  readonly providers: ProviderBook;
  readonly links: Links;
}

export function createExternalSignIn(options: {
  readonly stores: readonly DocumentStore[];
  readonly outgoing: Outgoing;
  readonly signIn: SignIn;
  readonly clock: () => number;
  /** Address of the authorization server. */
  readonly issuer: string;
}): ExternalSignIn {
  const { stores, outgoing, signIn, clock, issuer } = options;
  const providers = createProviderBook(stores);
  const links = createLinks(stores, clock);
  const ask = createAskProvider(outgoing);
  const metadataOf = createMetadata(ask, clock);
  const states = createSignInStates(clock);
  const attempt = createAttempt(createAttemptLimits(), clock);

  // Each provider has one of its own, so that an answer of one is never taken to another that says no `iss` (RFC 9700 §4.4.2.2).
  const redirectUri = (custodian: string, provider: string) => `${issuer}/external/callback/${custodian}/${provider}`;

  async function requireProvider(custodian: string, id: string): Promise<ProviderSettings> {
    const provider = await providers.find(custodian, id);
    if (provider === undefined) throw reject('EXTERNAL_PROVIDER_UNKNOWN');
    return provider;
  }

  function opened(answer: unknown) {
    const journey = Value.Check(Answer, answer) ? states.open(answer.state) : undefined;
    if (journey === undefined) throw reject('EXTERNAL_ANSWER_FOREIGN');
    return { journey, answer: answer as { state: string; code?: string; iss?: string } };
  }

  async function limited(person: Person, id: string | undefined): Promise<Person | undefined> {
    if (id === undefined) return person;
    const link = await links.find(person.custodian, id);
    if (link?.account !== person.account || person.kind !== 'practitioner') return undefined;
    const provider = await providers.find(person.custodian, link.provider);
    if (provider === undefined || provider.issuer !== link.issuer || subjectClaim(provider) !== link.claim)
      return undefined;
    const roles = commonRoles(provider, link.claimed, person.roles);
    return roles.length === 0 ? undefined : { ...person, roles };
  }

  // Loaded with the first answer: most nodes have no provider.
  let check: Promise<VerifyIdToken> | undefined;
  function idTokenCheck(): Promise<VerifyIdToken> {
    check ??= import('./id-token.ts').then(({ createIdTokenCheck }) => createIdTokenCheck(ask, clock));
    return check;
  }

  // Answers that are looked at; of two at once that are the same the provider is asked about one.
  const underWay = new Set<string>();

  async function finish(session: string, given: unknown) {
    const made = opened(given);
    if (made.journey.session !== session) throw reject('EXTERNAL_ANSWER_FOREIGN');
    const { state } = made.answer;
    if (states.isSpent(state) || underWay.has(state)) throw reject('EXTERNAL_ANSWER_USED');
    underWay.add(state);
    try {
      const proved = await personOf(made);
      // Last of all: what an answer that proves nothing used up would fill the memory that everybody's answers need.
      if (!states.spend(state, proved.person.account)) throw reject('EXTERNAL_ANSWER_USED');
      return proved;
    } finally {
      underWay.delete(state);
    }
  }

  /** Who the provider says it is. */
  async function personOf({ journey, answer }: ReturnType<typeof opened>) {
    const { custodian, nonce, verifier } = journey;
    const provider = await requireProvider(custodian, journey.provider);
    const metadata = await metadataOf(custodian, provider);
    requireIssuer(metadata, answer.iss);
    const { code } = answer;
    if (code === undefined) throw reject('EXTERNAL_DECLINED');
    const token = await exchangeCode(ask, custodian, {
      ...{ provider, metadata, code, verifier, redirectUri: redirectUri(custodian, provider.id) },
    });
    const verify = await idTokenCheck();
    const claims = await verify(custodian, token, { provider, metadata, nonce });
    const { subject, claimed } = claimedIdentity(provider, claims);
    const link = linkId(provider, subject);
    const account = (await links.use(custodian, link, claimed))?.account;
    const person = account === undefined ? undefined : await signIn.person(custodian, account);
    if (person === undefined) throw reject('EXTERNAL_SUBJECT_UNKNOWN');
    const allowed = await limited(person, link);
    if (allowed === undefined) throw reject('EXTERNAL_ROLE_MISSING');
    return { person: allowed, link };
  }

  return {
    providers,
    links,
    redirectUri,
    limited,
    async offered(custodian) {
      return (await providers.all(custodian)).providers.map(({ id, name }) => ({ id, name }));
    },
    async begin(custodian, id, session) {
      const provider = await requireProvider(custodian, id);
      const { authorization_endpoint: endpoint } = await metadataOf(custodian, provider);
      const { state, nonce, challenge } = states.begin({ session, custodian, provider: id });
      const url = new URL(endpoint);
      const parameters = {
        ...{ response_type: 'code', client_id: provider.client_id, redirect_uri: redirectUri(custodian, id) },
        ...{ scope: ['openid', ...(provider.scope ?? '').split(' ').filter(isOther)].join(' '), state, nonce },
        ...{ code_challenge: challenge, code_challenge_method: 'S256', max_age: String(MAX_AGE_SECONDS) },
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.href;
    },
    sessionOf(custodian, provider, answer) {
      const { journey } = opened(answer);
      if (journey.custodian !== custodian || journey.provider !== provider) throw reject('EXTERNAL_ISSUER_WRONG');
      return journey.session;
    },
    finish: (session, answer, from) => attempt(session, from, () => finish(session, answer)),
  };
}

/** RFC 9207 §2.4: said where the provider says that it says so, and right wherever it is said. */
function requireIssuer(metadata: ProviderMetadata, iss: string | undefined): void {
  const isSaid = iss !== undefined || metadata.authorization_response_iss_parameter_supported === true;
  if (isSaid && iss !== metadata.issuer) throw reject('EXTERNAL_ISSUER_WRONG');
}

function isOther(scope: string): boolean {
  return scope !== '' && scope !== 'openid';
}
