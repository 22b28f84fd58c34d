import { type Adapter, type AdapterPayload, errors } from 'oidc-provider';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import { SESSION_SECONDS } from './browser-session.ts';
import { type Expiring, isExpired, kindOf, nameOf, SESSION_UID } from './oauth-documents.ts';

/** Models whose tokens end with their grant (RFC 6749 §4.1.2: a code used twice, RFC 9700 §4.14.2: a refresh token). */
const OF_GRANTS = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

interface Stored extends Expiring {
  readonly payload: AdapterPayload;
}

export interface OAuthStoreOptions {
  /** One for each organisation; what belongs to none of them lies in the first. */
  readonly stores: readonly [DocumentStore, ...DocumentStore[]];
  /** Organisation (member account) of a client. */
  readonly organisationOf: (clientId: string) => string | undefined;
  /** Clients are registrations: they are looked up, and never written here. */
  readonly client: (clientId: string) => Promise<AdapterPayload | undefined>;
  readonly clock: () => number;
  /** Names of what is being used up or written once at this moment: two requests at once must not both be the first. */
  readonly held: Set<string>;
}

/** The provider's models as documents of the vaults. */
export function createOAuthStore(options: OAuthStoreOptions): (model: string) => Adapter {
  const { stores, organisationOf, client, clock, held } = options;

  async function locate(kind: string, name: string): Promise<{ store: DocumentStore; stored: Stored } | undefined> {
    for (const store of stores) {
      const stored = await readJson<Stored>(store, kind, name);
      if (stored !== undefined) return { store, stored };
    }
    return undefined;
  }

  function storeFor({ clientId, params }: AdapterPayload): DocumentStore {
    const asked = clientId ?? (params?.client_id as string | undefined);
    const organisation = asked === undefined ? undefined : organisationOf(asked);
    return stores.find(({ custodian }) => custodian === organisation) ?? stores[0];
  }

  function adapter(model: string): Adapter {
    const kind = kindOf(model);

    async function find(id: string): Promise<AdapterPayload | undefined> {
      const { stored } = (await locate(kind, nameOf(id))) ?? {};
      if (stored === undefined || isExpired(stored, clock())) return undefined;
      const { payload } = stored;
      // So a grant's end is one document's, and ends every token of it at once, also those a crash left behind.
      if (OF_GRANTS.has(model) && payload.grantId !== undefined) {
        if ((await locate(kindOf('Grant'), nameOf(payload.grantId))) === undefined) return undefined;
      }
      return { ...payload, jti: id };
    }

    return {
      find: (id) => (model === 'Client' ? client(id) : find(id)),
      async upsert(id, payload, expiresInSeconds) {
        if (model === 'Client') throw new Error('clients are registered elsewhere');
        const name = nameOf(id);
        const { jti: _token, ...kept } = payload;
        // Each use writes a session anew; its end stays where the last proof put it.
        const endMs = model === 'Session' ? sessionEndMs(payload) : Number.POSITIVE_INFINITY;
        const stored: Stored = {
          payload: kept,
          ...(expiresInSeconds === undefined
            ? {}
            : { expiresAtMs: Math.min(endMs, clock() + expiresInSeconds * 1000) }),
        };
        if (model !== 'ReplayDetection') {
          if (model === 'Session' && payload.uid !== undefined) {
            await writeJson(stores[0], SESSION_UID, nameOf(payload.uid), { ...stored, payload: { jti: id } });
          }
          return writeJson(storeFor(payload), kind, name, stored);
        }
        // The provider looks before it writes; of two assertions that are the same, one may be in between.
        await once(
          `${kind}/${name}`,
          async () => {
            const before = await locate(kind, name);
            if (before !== undefined && !isExpired(before.stored, clock())) throw usedAssertion();
            await writeJson(storeFor({ clientId: payload.iss as string }), kind, name, stored);
          },
          usedAssertion,
        );
      },
      async consume(id) {
        const name = nameOf(id);
        await once(
          `${kind}/${name}`,
          async () => {
            const found = await locate(kind, name);
            if (found === undefined) throw new errors.InvalidGrant('not found');
            const { store, stored } = found;
            if (stored.payload.consumed !== undefined) throw new errors.InvalidGrant('already used');
            const payload = { ...stored.payload, consumed: Math.floor(clock() / 1000) };
            await writeJson(store, kind, name, { ...stored, payload });
          },
          () => new errors.InvalidGrant('already used'),
        );
      },
      async destroy(id) {
        const name = nameOf(id);
        const found = await locate(kind, name);
        if (found === undefined) return;
        const { uid } = found.stored.payload;
        if (model === 'Session' && uid !== undefined) await writeJson(stores[0], SESSION_UID, nameOf(uid), undefined);
        await writeJson(found.store, kind, name, undefined);
      },
      async revokeByGrantId(grantId) {
        const grant = await locate(kindOf('Grant'), nameOf(grantId));
        if (grant !== undefined) await writeJson(grant.store, kindOf('Grant'), nameOf(grantId), undefined);
      },
      async findByUid(uid) {
        const id = (await readJson<Stored>(stores[0], SESSION_UID, nameOf(uid)))?.payload.jti;
        return id === undefined ? undefined : find(id);
      },
      findByUserCode: async () => undefined,
    };
  }

  /** Runs a task alone under its name; whoever comes meanwhile is too late. */
  async function once(name: string, task: () => Promise<void>, tooLate: () => Error): Promise<void> {
    if (held.has(name)) throw tooLate();
    held.add(name);
    try {
      await task();
    } finally {
      held.delete(name);
    }
  }

  return adapter;
}

function sessionEndMs({ loginTs }: AdapterPayload): number {
  return typeof loginTs === 'number' ? (loginTs + SESSION_SECONDS) * 1000 : Number.POSITIVE_INFINITY;
}

function usedAssertion(): Error {
  return new errors.InvalidClient('client assertion tokens must only be used once');
}
