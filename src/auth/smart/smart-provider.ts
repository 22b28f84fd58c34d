import Provider, {
  type AdapterPayload,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import type { Outgoing } from '../../outgoing/outgoing.ts';
import { pathBelow } from '../../std/loopback-address.ts';
import { isReject } from '../../std/reject.ts';
import type { DocumentStore } from '../documents.ts';
import { sourcePrefix } from '../sign-in/source-prefix.ts';
import type { AllowedApps } from './allowed-apps.ts';
import { SESSION_SECONDS } from './browser-session.ts';
import { createKeySetFetch, MAX_KEY_SET_BYTES } from './client-keys.ts';
import { type ClientRegistry, clientOrigins, isService } from './client-registry.ts';
import { type InteractionMemory, interactionAdapter } from './interaction-memory.ts';
import { contextOf, contextParameters } from './launch-context.ts';
import { createOAuthStore } from './oauth-store.ts';
import { errorPage } from './pages.ts';
import type { PatientDirectory } from './ports.ts';
import { allowedResourceScopes, LAUNCH_SCOPES } from './registered-scopes.ts';
import { signInCheck } from './sign-in-check.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Standing } from './standing.ts';

/** Lives of what is issued, in seconds. Short for what opens records: revocation is looked up at each use all the same. */
const TTL = {
  AccessToken: 15 * 60,
  AuthorizationCode: 60,
  ClientCredentials: 5 * 60,
  Grant: 90 * 86_400,
  IdToken: 60 * 60,
  Interaction: 15 * 60,
  RefreshToken: 90 * 86_400,
  Session: SESSION_SECONDS,
} as const;

/** Longest life of a back-end service's assertion, in seconds (SMART App Launch 2.2, "Authentication JWT Claims"). */
const ASSERTION_SECONDS = 5 * 60;
const CLOCK_TOLERANCE_SECONDS = 15;
/** Longest parameter of an authorization request, in characters, and longest `scope`, as it may be registered. */
const MAX_PARAMETER = 2048;
const MAX_SCOPE = 8192;

export interface SmartProviderOptions {
  /** Address of the issuer, with its path, without a slash at its end. */
  readonly issuer: string;
  /** Address of the FHIR service: the one audience of every token. */
  readonly fhirUrl: string;
  /** One for each organisation. */
  readonly stores: readonly [DocumentStore, ...DocumentStore[]];
  readonly clients: ClientRegistry;
  /** See oauth-store.ts; one for all providers of a process, since keys rotate while codes are exchanged. */
  readonly held: Set<string>;
  /** One for all providers of a process, likewise. */
  readonly interactions: InteractionMemory;
  readonly clock: () => number;
  readonly patients: PatientDirectory;
  readonly standing: Standing;
  readonly allowed: AllowedApps;
  readonly keys: SigningKeys;
  readonly outgoing: Outgoing;
  readonly log: { error(detail: object, message: string): void };
}

/**
 * The OAuth 2.0 authorization server and OpenID provider (oidc-provider), restricted to what SMART App Launch 2.2 asks
 * for: code with PKCE S256, refresh tokens that turn over at each use, `private_key_jwt` by RS384 or ES384.
 */
export function createSmartProvider(options: SmartProviderOptions): Provider {
  const { issuer, log } = options;
  const provider = new Provider(issuer, configurationOf(options));
  // The address that the operator named counts, not a header's; the plugin sets the protocol.
  provider.proxy = true;
  provider.use(smartParameters(options));
  provider.on('server_error', (_ctx, error) => {
    log.error({ name: error.name, frames: framesOf(error) }, 'authorization server failed');
  });
  return provider;
}

function configurationOf(options: SmartProviderOptions): Configuration {
  const { fhirUrl, stores, clients, standing, patients, keys, issuer, held, interactions, clock } = options;
  const mountPath = new URL(issuer).pathname;
  const policy = interactionPolicy.base();
  policy.get('login')?.checks.add(signInCheck(options));
  const documents = createOAuthStore({
    ...{ stores, clock, held },
    organisationOf: (clientId) => clients.client(clientId)?.custodian,
    client: async (clientId) => clients.metadata(clientId),
  });
  const underWay = interactionAdapter(interactions, clock, () => sourcePrefix(currentRequest()?.ip ?? ''));
  return {
    adapter: (model: string) => (model === 'Interaction' ? underWay : documents(model)),
    jwks: { keys: keys.keys.map(({ jwk }) => jwk) },
    cookies: {
      keys: [...keys.cookieKeys],
      names: { session: 'aceso_session', interaction: 'aceso_interaction', resume: 'aceso_resume' },
      long: { httpOnly: true, sameSite: 'lax', signed: true },
      short: { httpOnly: true, sameSite: 'lax', signed: true },
    },
    scopes: [...LAUNCH_SCOPES],
    claims: { openid: ['sub'], fhirUser: ['fhirUser'], profile: ['fhirUser'] },
    // `fhirUser` is read from the ID token (SMART App Launch 2.2, "Scopes for requesting identity data").
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['RS384', 'ES384'],
      idTokenSigningAlgValues: ['RS256'],
    },
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    pkce: { required: () => true },
    ttl: { ...TTL },
    rotateRefreshToken: true,
    allowOmittingSingleRegisteredRedirectUri: false,
    extraParams: {
      // The library looks at each of these here, also where it is not said; so does whoever bounds the others.
      aud: (ctx, value) => {
        requireShort(ctx.oidc.params ?? {});
        requireAudience(value, fhirUrl);
      },
      launch: null,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: mayIntrospect },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => fhirUrl,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, client) => {
          if (resource !== fhirUrl) throw new errors.InvalidTarget();
          const registration = clients.client(client.clientId);
          if (registration === undefined) throw new errors.InvalidTarget();
          const asked = scopesInQuestion(ctx);
          const kind = isService(registration) ? 'service' : 'app';
          return {
            audience: fhirUrl,
            scope: [
              ...allowedResourceScopes(registration.scope, asked, kind),
              ...(kind === 'app' ? LAUNCH_SCOPES : []),
            ].join(' '),
            accessTokenFormat: 'opaque',
          };
        },
      },
    },
    issueRefreshToken: (_ctx, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (source.scopes.has('offline_access') || source.scopes.has('online_access')),
    // A launch's patient is chosen anew, so no grant of before answers for it.
    loadExistingGrant: async (ctx) => {
      const grantId = ctx.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    interactions: { policy, url: (_ctx, { uid }) => `${mountPath}/interaction/${uid}` },
    findAccount: async (ctx, subject, token) => {
      const grantId = (token as { grantId?: string } | undefined)?.grantId;
      // A code or a refresh token stands on the sign-in of its grant; at the start there is the browser's session.
      const mark = token === undefined ? ctx.oidc.session?.acr : grantId && (await contextOf(stores, grantId))?.by;
      const person = await standing.personBy(subject, mark);
      if (person === undefined) return undefined;
      return {
        accountId: subject,
        async claims(_use, scope) {
          const isAsked = /(?:^| )(?:fhirUser|profile)(?: |$)/.test(scope);
          const user = isAsked ? await patients.userOf(person) : undefined;
          return { sub: subject, ...(user === undefined ? {} : { fhirUser: `${fhirUrl}/${user}` }) };
        },
      };
    },
    clientBasedCORS: (_ctx, origin, client) => {
      const registration = clients.client(client.clientId);
      return registration !== undefined && clientOrigins(registration).includes(origin);
    },
    assertJwtClientAuthClaimsAndHeader: async (_ctx, claims, _header, client) => {
      requireShortAssertion(claims);
      await requireKeysAllowed(options, client.clientId);
    },
    fetch: keySetFetch(options),
    fetchResponseBodyLimits: { jwks_uri: MAX_KEY_SET_BYTES },
    renderError: (ctx, { error, error_description }) => {
      ctx.type = 'html';
      ctx.body = errorPage(error, error_description);
    },
    routes: {
      authorization: '/authorize',
      token: '/token',
      introspection: '/introspect',
      revocation: '/revoke',
      jwks: '/jwks',
    },
  };
}

/** What an app sends is kept until somebody signed in, and sent back to it: `state` and `nonce` before all. */
function requireShort(parameters: object): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    const length = typeof value === 'string' ? value.length : JSON.stringify(value).length;
    const most = name === 'scope' ? MAX_SCOPE : MAX_PARAMETER;
    if (length > most) throw new errors.InvalidRequest(`${name} has more than ${most} characters`);
  }
}

/** What the provider answers at this moment; undefined outside of its routes. */
function currentRequest(): KoaContextWithOIDC | undefined {
  return Provider.ctx as KoaContextWithOIDC | undefined;
}

/**
 * A token is issued for this service only, and the app must say so (SMART App Launch 2.2, parameter `aud`), under any of
 * the names that a local node has; the token's own audience is always the one.
 */
function requireAudience(value: string | undefined, fhirUrl: string): void {
  if (value === undefined || pathBelow(`${value.replace(/\/$/, '')}/`, fhirUrl) !== '')
    throw new errors.InvalidRequest(`aud must be the address of the FHIR service, ${fhirUrl}`);
}

/**
 * Scopes that a grant is about: those of the request, or of the code or refresh token that is exchanged, none of which
 * has more than was granted.
 */
function scopesInQuestion(ctx: KoaContextWithOIDC): string {
  const { params, entities } = ctx.oidc;
  const { AuthorizationCode: code, RefreshToken: refresh } = entities;
  return [params?.scope, code?.scope, refresh?.scope].filter((one) => typeof one === 'string').join(' ');
}

/** RFC 7662 §2.2: a client learns of its own tokens; a resource server of the organisation, of those of its organisation. */
function mayIntrospect(_ctx: unknown, client: { clientId: string }, token: { clientId?: string | undefined }): boolean {
  return token.clientId === client.clientId;
}

function requireShortAssertion(claims: AdapterPayload): void {
  const now = Math.floor(Date.now() / 1000);
  const { exp = 0, iat, iss, sub } = claims as { exp?: number; iat?: number; iss?: string; sub?: string };
  if (iss !== sub) throw new errors.InvalidClientAuth('iss and sub must both be the client_id');
  if (exp > now + ASSERTION_SECONDS + CLOCK_TOLERANCE_SECONDS)
    throw new errors.InvalidClientAuth('exp is more than five minutes off');
  if (iat !== undefined && iat > now + CLOCK_TOLERANCE_SECONDS)
    throw new errors.InvalidClientAuth('iat is in the future');
}

/** The library asks for nothing but key sets, and with a client in hand. */
function keySetFetch({ clients, outgoing, clock }: SmartProviderOptions): NonNullable<Configuration['fetch']> {
  const fetchKeySet = createKeySetFetch(outgoing, clock);
  return async (url, init) => {
    const clientId = currentRequest()?.oidc.client?.clientId;
    const custodian = clientId === undefined ? undefined : clients.client(clientId)?.custodian;
    if (custodian === undefined || (init?.method ?? 'GET').toUpperCase() !== 'GET') throw new Error('no client asks');
    return fetchKeySet(custodian, String(url));
  };
}

/** Keys that were fetched are taken only for as long as the organisation's rules let them be fetched. */
async function requireKeysAllowed({ clients, outgoing }: SmartProviderOptions, clientId: string): Promise<void> {
  const { custodian, jwks_uri: keys } = clients.client(clientId) ?? {};
  if (custodian === undefined || keys === undefined) return;
  try {
    await outgoing.requireAllowed(custodian, keys);
  } catch (error) {
    if (!isReject(error)) throw error;
    throw new errors.InvalidClientAuth('its jwks_uri may not be asked for keys');
  }
}

/** What SMART adds to OAuth: the answers of token and introspection tell the context of the launch. */
function smartParameters({ stores, allowed }: SmartProviderOptions) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    const { body } = ctx as { body: unknown };
    if (typeof body !== 'object' || body === null) return;
    const { entities, route } = ctx.oidc ?? {};
    const grantId = entities?.AccessToken?.grantId ?? entities?.RefreshToken?.grantId;
    if (grantId === undefined) return;
    const isToken = route === 'token' && 'access_token' in body;
    if (!isToken && (route !== 'introspection' || !('active' in body) || body.active !== true)) return;
    const { scope } = body as { scope?: unknown };
    const scopes = typeof scope === 'string' ? scope.split(' ') : [];
    const kept = await contextOf(stores, grantId);
    if (kept !== undefined) Object.assign(body, contextParameters(kept.context, scopes));
    // Whom the user is, is told to who asked for it (SMART App Launch 2.2, "Token Introspection": as in the ID token).
    if (!isToken && !scopes.includes('openid')) delete (body as { sub?: unknown }).sub;
    if (isToken) await allowed.used(grantId);
  };
}

function framesOf({ stack = '' }: Error): string[] {
  return stack.split('\n').filter((line) => /^\s+at /.test(line));
}
