import type { FastifyInstance, FastifyRequest } from 'fastify';
import { randomBytes } from '#crypto/platform';
import { createExclusive } from '../../jobs/exclusive.ts';
import { bytesToBase64url } from '../../std/bytes.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import { type Caller, isAdministrator } from '../caller.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import { parseResourceScope } from '../scopes.ts';
import type { ClientRegistration, ClientRegistry } from './client-registry.ts';
import { CODES } from './codes.ts';
import { INITIAL_TOKEN, nameOf } from './oauth-documents.ts';

const reject = rejecter(CODES);

/** Lets whoever holds it register one app, with no more than these scopes. */
interface InitialAccessToken {
  readonly custodian: string;
  readonly expiresAtMs: number;
}

const TTL_MS = 24 * 3_600_000;

/** Fields of RFC 7591 that this server takes from an app itself; others are left out, as §2 lets it. */
const TAKEN = new Set([
  ...['client_name', 'client_uri', 'redirect_uris', 'grant_types', 'token_endpoint_auth_method'],
  ...['jwks', 'jwks_uri', 'scope'],
]);

/**
 * Dynamic registration (RFC 7591), shut unless an administrator handed out an initial access token, which is good for one
 * registration within a day. Apps of users only, no scope that writes, and no name that another app of the organisation
 * has, since people go by it: an administrator registers those.
 */
export function registrationRoutes(
  app: FastifyInstance,
  options: {
    /** Path of the issuer. */
    base: string;
    clients: ClientRegistry;
    stores: readonly DocumentStore[];
    authenticate: (request: FastifyRequest) => Promise<Caller>;
    requireReachable: (custodian: string, url: string) => Promise<void>;
    clock: () => number;
  },
): void {
  const { base, clients, stores, authenticate, requireReachable, clock } = options;
  // Of two requests with one token at once only one finds it.
  const inTurn = createExclusive();

  app.post('/api/clients/registration-tokens', async (request, reply) => {
    const caller = await authenticate(request);
    const store = stores.find(({ custodian }) => custodian === caller.custodian);
    if (!isAdministrator(caller) || store === undefined) throw reject('NOT_ADMINISTRATOR');
    const token = bytesToBase64url(randomBytes(32));
    const expiresAtMs = clock() + TTL_MS;
    const kept: InitialAccessToken = { custodian: caller.custodian, expiresAtMs };
    await writeJson(store, INITIAL_TOKEN, nameOf(token), kept);
    return reply.code(201).send({ token, expiresAtMs });
  });

  /** The organisation whose token it is; the token is used up. */
  async function takeToken(header: string | undefined): Promise<string> {
    const token = /^Bearer ([A-Za-z0-9_-]{43})$/i.exec(header ?? '')?.[1];
    if (token === undefined) throw reject('REGISTRATION_CLOSED');
    return inTurn(async () => {
      for (const store of stores) {
        const found = await readJson<InitialAccessToken>(store, INITIAL_TOKEN, nameOf(token));
        if (found === undefined) continue;
        await writeJson(store, INITIAL_TOKEN, nameOf(token), undefined);
        if (found.expiresAtMs > clock()) return found.custodian;
      }
      throw reject('REGISTRATION_CLOSED');
    });
  }

  app.post(`${base}/register`, async (request, reply) => {
    const custodian = await takeToken(request.headers.authorization);
    try {
      const body = appRegistration(request.body);
      requireNewName(clients.list(custodian), body.client_name);
      if (typeof body.jwks_uri === 'string') await requireReachable(custodian, body.jwks_uri);
      const { custodian: _of, registeredAtMs, ...answer } = await clients.register(custodian, body);
      const issuedAt = Math.floor(registeredAtMs / 1000);
      const secretEnd = answer.client_secret === undefined ? {} : { client_secret_expires_at: 0 };
      return await reply.code(201).send({ ...answer, client_id_issued_at: issuedAt, ...secretEnd });
    } catch (error) {
      if (!isReject(error)) throw error;
      reply.refusalCode = error.code;
      // RFC 7591 §3.2.2.
      const description = `${error.message} ${String((error.data as { reason?: string } | undefined)?.reason ?? '')}`;
      return reply.code(400).send({ error: 'invalid_client_metadata', error_description: description.trim() });
    }
  });
}

/** As people read names: not by case, width, accents' encoding or what parts the words. */
function requireNewName(clients: readonly ClientRegistration[], name: unknown): void {
  const read = (text: string) =>
    text
      .normalize('NFKC')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]/gu, '');
  if (typeof name === 'string' && clients.some(({ client_name: known }) => read(known) === read(name)))
    throw reject('CLIENT_INVALID', { reason: 'client_name: another app of the organisation has it' });
}

function appRegistration(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw reject('CLIENT_INVALID', { reason: '/' });
  const taken = Object.fromEntries(Object.entries(body).filter(([name]) => TAKEN.has(name)));
  const { grant_types: grants, scope } = taken;
  if (Array.isArray(grants) && grants.includes('client_credentials'))
    throw reject('CLIENT_INVALID', { reason: 'grant_types: an administrator registers back-end services' });
  for (const one of typeof scope === 'string' ? scope.slice(0, 8192).split(' ') : []) {
    const parsed = parseResourceScope(one);
    if (parsed !== undefined && /[cud]/.test(parsed.permissions))
      throw reject('CLIENT_INVALID', { reason: 'scope: an administrator registers apps that write' });
  }
  return taken;
}
