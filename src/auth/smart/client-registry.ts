import type { AllClientMetadata } from 'oidc-provider';
import type { Static } from 'typebox';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { randomBytes } from '#crypto/platform';
import { bytesToBase64url } from '../../std/bytes.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, listJson, writeJson } from '../documents.ts';
import { isWeakKey } from './client-keys.ts';
import { CODES } from './codes.ts';
import { isNative, launchFault, redirectFault } from './redirect-uris.ts';
import { LAUNCH_SCOPES, scopesFault } from './registered-scopes.ts';

const reject = rejecter(CODES);

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
/** What people are shown: no controls, no marks that turn the order of letters round, nothing invisible but single spaces. */
const NAME = /^[^\p{C}\p{Z}]+(?: [^\p{C}\p{Z}]+)*$/u;
const Account = Type.String({ pattern: '^[0-9a-f]{32}$' });

/** What an administrator says of an app or a back-end service; names of RFC 7591 where it has one. */
export const ClientRegistrationBody = Type.Object(
  {
    client_name: text(128),
    client_uri: Type.Optional(Type.String({ pattern: '^https://', maxLength: 1024 })),
    /** Where an EHR launches it. */
    launch_uri: Type.Optional(Type.String({ pattern: '^https?://', maxLength: 1024 })),
    redirect_uris: Type.Optional(Type.Array(text(1024), { maxItems: 16 })),
    grant_types: Type.Optional(
      Type.Array(
        Type.Union([
          Type.Literal('authorization_code'),
          Type.Literal('refresh_token'),
          Type.Literal('client_credentials'),
        ]),
        { minItems: 1, maxItems: 3 },
      ),
    ),
    token_endpoint_auth_method: Type.Union([
      Type.Literal('none'),
      Type.Literal('client_secret_basic'),
      Type.Literal('private_key_jwt'),
    ]),
    jwks: Type.Optional(
      Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1, maxItems: 16 }) }),
    ),
    jwks_uri: Type.Optional(text(1024)),
    /** All that it may be granted, parted by spaces. */
    scope: text(8192),
    /** Origins of browsers' pages that may call this server, beside those of its redirect URIs (CORS). */
    origins: Type.Optional(Type.Array(Type.String({ pattern: '^https?://[^/]+$', maxLength: 256 }), { maxItems: 16 })),
    /** For a back-end service: who acts, and for which purposes of use (HL7 v3 ActReason). */
    actor: Type.Optional(
      Type.Object(
        {
          organisation: Type.Optional(Account),
          roles: Type.Optional(Type.Array(text(256), { maxItems: 16 })),
          purposes: Type.Array(Type.String({ pattern: '^[A-Z]{1,16}$' }), { minItems: 1, maxItems: 8 }),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export type ClientRegistrationRequest = Static<typeof ClientRegistrationBody>;

/** A client as it is kept. */
export interface ClientRegistration extends ClientRegistrationRequest {
  readonly client_id: string;
  /** Kept sealed, since a client proves by it that it is the same; shown once. */
  readonly client_secret?: string;
  /** Member account of the organisation that it is registered with. */
  readonly custodian: string;
  readonly registeredAtMs: number;
}

const KIND = 'client';
/** Most clients of one organisation. */
const MAX_CLIENTS = 1000;

export interface ClientRegistry {
  client(clientId: string): ClientRegistration | undefined;
  /** The client as the provider takes it. */
  metadata(clientId: string): (AllClientMetadata & { client_id: string }) | undefined;
  /** Of one organisation, in order of registration. */
  list(custodian: string): readonly ClientRegistration[];
  /** Throws Reject CLIENT_INVALID {reason}, CLIENTS_TOO_MANY. */
  register(custodian: string, body: unknown): Promise<ClientRegistration>;
  /** Its tokens are worth nothing from then on. Throws Reject CLIENT_UNKNOWN. */
  remove(custodian: string, clientId: string): Promise<void>;
  /** Whether a page of this origin belongs to a registered client. */
  isOrigin(origin: string): boolean;
  /** Reads an organisation's clients: once, before any of them is asked for. */
  load(store: DocumentStore): Promise<void>;
}

/** The clients of a node's organisations, held in memory beside their documents; none before they are loaded. */
export function createClientRegistry(
  stores: readonly DocumentStore[],
  options: { clock: () => number; requireValid: (metadata: AllClientMetadata) => Promise<void> },
): ClientRegistry {
  const clients = new Map<string, ClientRegistration>();
  const storeOf = (custodian: string): DocumentStore => {
    const store = stores.find((one) => one.custodian === custodian);
    if (store === undefined) throw reject('CLIENT_UNKNOWN');
    return store;
  };
  let origins: ReadonlySet<string> | undefined;
  return {
    client: (clientId) => clients.get(clientId),
    metadata(clientId) {
      const found = clients.get(clientId);
      return found === undefined ? undefined : clientMetadata(found);
    },
    list: (custodian) =>
      [...clients.values()]
        .filter((one) => one.custodian === custodian)
        .sort((a, b) => a.registeredAtMs - b.registeredAtMs),
    async register(custodian, body) {
      const request = checkedRegistration(body);
      if ([...clients.values()].filter((one) => one.custodian === custodian).length >= MAX_CLIENTS)
        throw reject('CLIENTS_TOO_MANY');
      const registration: ClientRegistration = {
        ...request,
        client_id: bytesToBase64url(randomBytes(16)),
        ...(request.token_endpoint_auth_method === 'client_secret_basic'
          ? { client_secret: bytesToBase64url(randomBytes(32)) }
          : {}),
        custodian,
        registeredAtMs: options.clock(),
      };
      try {
        await options.requireValid(clientMetadata(registration));
      } catch (error) {
        throw reject('CLIENT_INVALID', { reason: reasonOf(error) });
      }
      await writeJson(storeOf(custodian), KIND, registration.client_id, registration);
      clients.set(registration.client_id, registration);
      origins = undefined;
      return registration;
    },
    async remove(custodian, clientId) {
      if (clients.get(clientId)?.custodian !== custodian) throw reject('CLIENT_UNKNOWN');
      await writeJson(storeOf(custodian), KIND, clientId, undefined);
      clients.delete(clientId);
      origins = undefined;
    },
    isOrigin(origin) {
      origins ??= new Set([...clients.values()].flatMap(clientOrigins));
      return origins.has(origin);
    },
    async load(store) {
      for (const { value } of await listJson<ClientRegistration>(store, KIND)) clients.set(value.client_id, value);
      origins = undefined;
    },
  };
}

/** Whether it acts for itself (SMART Backend Services) and for no user. */
export function isService({ grant_types = ['authorization_code'] }: ClientRegistrationRequest): boolean {
  return grant_types.includes('client_credentials');
}

/** Origins of pages that speak for a client: of its redirect URIs, and those that were named. */
export function clientOrigins({ redirect_uris = [], origins = [] }: ClientRegistration): string[] {
  return [...redirect_uris.flatMap((uri) => URL.parse(uri)?.origin ?? []), ...origins].filter((one) => one !== 'null');
}

function checkedRegistration(body: unknown): ClientRegistrationRequest {
  if (!Value.Check(ClientRegistrationBody, body)) {
    const fault = [...Value.Errors(ClientRegistrationBody, body)][0];
    throw reject('CLIENT_INVALID', { reason: `${fault?.instancePath || '/'} ${fault?.message ?? ''}`.slice(0, 200) });
  }
  const fault = scopesFault(body.scope) ?? methodFault(body) ?? textFault(body) ?? keyFault(body);
  if (fault !== undefined) throw reject('CLIENT_INVALID', { reason: fault });
  return body;
}

function textFault(body: ClientRegistrationRequest): string | undefined {
  const { client_name: name, redirect_uris: redirects = [], launch_uri: launch, client_uri: page, origins = [] } = body;
  const faults = [
    ['client_name', NAME.test(name) ? undefined : 'visible characters, and single spaces between them'] as const,
    ...redirects.map((uri) => ['redirect_uris', redirectFault(uri)] as const),
    ['launch_uri', launch === undefined ? undefined : launchFault(launch)] as const,
    ['client_uri', page === undefined ? undefined : launchFault(page)] as const,
    ...origins.map((one) => ['origins', URL.parse(one)?.origin === one ? undefined : 'not an origin'] as const),
  ];
  const [field, fault] = faults.find(([, found]) => found !== undefined) ?? [];
  return field === undefined ? undefined : `${field}: ${fault}`;
}

function keyFault({ jwks }: ClientRegistrationRequest): string | undefined {
  return jwks?.keys.some(isWeakKey) ? 'jwks: RSA keys have 2048 to 8192 bits and the exponent 65537' : undefined;
}

/** SMART App Launch 2.2: a service proves itself by a key and acts for nobody else; an app has somewhere to send a user back to. */
function methodFault(body: ClientRegistrationRequest): string | undefined {
  const { token_endpoint_auth_method: method, jwks, jwks_uri: uri, redirect_uris: redirects = [] } = body;
  if (method === 'private_key_jwt' && (jwks === undefined) === (uri === undefined))
    return 'jwks or jwks_uri, one of the two';
  if (method !== 'private_key_jwt' && (jwks !== undefined || uri !== undefined)) return 'jwks without private_key_jwt';
  if (!isService(body)) {
    if (body.actor !== undefined) return 'actor of a client that acts for users';
    return redirects.length === 0 ? 'redirect_uris' : undefined;
  }
  if (body.grant_types?.length !== 1) return 'client_credentials beside other grant_types';
  if (method !== 'private_key_jwt') return 'client_credentials without private_key_jwt';
  if (body.actor === undefined) return 'actor of a back-end service';
  return redirects.length > 0 ? 'redirect_uris of a back-end service' : undefined;
}

/** The registration in the terms of OpenID Connect Dynamic Client Registration, as the provider takes it. */
function clientMetadata(registration: ClientRegistration): AllClientMetadata & { client_id: string } {
  const service = isService(registration);
  const launchScopes = registration.scope
    .split(' ')
    .filter((one) => LAUNCH_SCOPES.includes(one))
    .join(' ');
  const { client_id, client_name, client_uri, client_secret, jwks, jwks_uri, redirect_uris = [] } = registration;
  const { token_endpoint_auth_method, grant_types = ['authorization_code', 'refresh_token'] } = registration;
  return {
    client_id,
    client_name,
    ...(client_uri === undefined ? {} : { client_uri }),
    ...(client_secret === undefined ? {} : { client_secret }),
    ...(jwks === undefined ? {} : { jwks: jwks as NonNullable<AllClientMetadata['jwks']> }),
    ...(jwks_uri === undefined ? {} : { jwks_uri }),
    token_endpoint_auth_method,
    grant_types: service ? ['client_credentials'] : grant_types,
    response_types: service ? [] : ['code'],
    redirect_uris: [...redirect_uris],
    application_type: redirect_uris.some(isNative) ? 'native' : 'web',
    ...(launchScopes === '' ? {} : { scope: launchScopes }),
  };
}

function reasonOf(error: unknown): string {
  const { error_description: description, message } = error as { error_description?: string; message?: string };
  return (description ?? message ?? 'invalid').replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
