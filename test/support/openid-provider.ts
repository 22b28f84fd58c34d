import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { decodeJwt, type JWTPayload, SignJWT } from 'jose';
import Provider, { type JWK, type KoaContextWithOIDC } from 'oidc-provider';

/*
 * Somebody else's OpenID provider (oidc-provider with its own memory) on 127.0.0.1, where everybody is signed in as one
 * account at once. What it answers can be spoilt on the way out.
 */

export interface OpenIdProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Claims of the one account; to be changed by tests. */
  readonly claims: Record<string, unknown>;
  /** What is done to an ID token before it is sent; undefined for nothing. */
  spoilToken: ((claims: JWTPayload, sign: SignIdToken) => Promise<string>) | undefined;
  /** What is changed in the metadata. */
  metadata: Record<string, unknown>;
  /** Address of the one redirect URI that is registered. */
  redirectUri: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
}

/** Signs with the provider's own key, or another one, under a header of one's choice. */
export type SignIdToken = (claims: JWTPayload, header?: Record<string, unknown>, key?: KeyObject) => Promise<string>;

const CLIENT_ID = 'aceso at the hospital';
const CLIENT_SECRET = 'a secret: of two parts & 40 characters, no less';

// One for all: making one takes a moment.
const ITS_KEY = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

export async function startOpenIdProvider(t: TestContext): Promise<OpenIdProvider> {
  let handle: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const server = createServer((request, response) => handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const privateKey = ITS_KEY;
  const jwk: JWK = { ...(privateKey.export({ format: 'jwk' }) as JWK), kid: 'its-key', use: 'sig' };
  const state: OpenIdProvider = {
    ...{ issuer, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, claims: {}, metadata: {}, asked: [] },
    ...{ spoilToken: undefined, redirectUri: 'https://unused.example/' },
  };
  const sign: SignIdToken = (claims, header = {}, key = privateKey) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'its-key', ...header }).sign(key);
  const provider = new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: [
      {
        ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET, redirect_uris: [state.redirectUri] },
        ...{ token_endpoint_auth_method: 'client_secret_basic' },
      },
    ],
    cookies: { keys: ['only for tests'] },
    claims: { openid: ['sub', 'hospital', 'jobs', 'staff_number'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub, ...state.claims }) }),
    loadExistingGrant: async (ctx) => {
      const { client, account } = ctx.oidc;
      if (client === undefined || account === undefined) return undefined;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: account.accountId });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  // The node's address is not known before it runs.
  provider.Client.prototype.redirectUriAllowed = (uri: string) => uri === state.redirectUri;
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await next();
    const body = ctx.body as { id_token?: string } | undefined;
    if (ctx.oidc?.route === 'discovery') Object.assign(ctx.body as object, state.metadata);
    if (ctx.oidc?.route === 'token' && body?.id_token !== undefined && state.spoilToken !== undefined)
      body.id_token = await state.spoilToken(decodeJwt(body.id_token), sign);
  });
  const callback = provider.callback();
  handle = (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    state.asked.push(path);
    if (!path.startsWith('/interaction/')) return void callback(request, response);
    const login = { accountId: 'subject-of-ada' };
    void provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  };
  return state;
}

/** A key that nobody published. */
export function strangerKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** An ID token without a signature. */
export function unsigned(claims: JWTPayload): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}
