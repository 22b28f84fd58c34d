import type Provider from 'oidc-provider';
import { rejecter } from '../../std/reject.ts';
import type { Caller } from '../caller.ts';
import { CODES } from '../codes.ts';
import { type DocumentStore, readJson } from '../documents.ts';
import type { ResourceScope } from '../scopes.ts';
import type { ClientRegistry } from './client-registry.ts';
import { contextNamed, contextOf } from './launch-context.ts';
import { type Expiring, isExpired, kindOf, nameOf } from './oauth-documents.ts';
import { resourceScopes } from './registered-scopes.ts';
import type { Standing } from './standing.ts';
import { subjectOf } from './subject.ts';

const reject = rejecter(CODES);

export interface AppCallers {
  /**
   * Who stands behind an app's token, as things are now: the token, its grant, its client and its user are each looked
   * up, so what was revoked ends at once. Undefined for no token of an app. Throws Reject PURPOSE_NOT_ALLOWED.
   */
  callerOf(token: string, purpose: string | undefined): Promise<Caller | undefined>;
  /**
   * Whether somebody who came by an app once may still act by it: for what goes on when no token is at hand. The app is
   * registered, the user's grant was not withdrawn, and the user and what they signed in by are still what they were.
   */
  isStillAllowed(caller: Caller): Promise<boolean>;
}

/** Texts of scopes that are remembered parsed. */
const MAX_PARSED = 1000;
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export function createAppCallers(options: {
  provider: () => Promise<Provider>;
  clients: ClientRegistry;
  stores: readonly DocumentStore[];
  standing: Standing;
  fhirUrl: string;
  clock: () => number;
}): AppCallers {
  const { provider, clients, stores, standing, fhirUrl, clock } = options;
  const parsed = new Map<string, readonly ResourceScope[]>();

  function scopesOf(text: string): readonly ResourceScope[] {
    let scopes = parsed.get(text);
    if (scopes === undefined) {
      if (parsed.size >= MAX_PARSED) parsed.clear();
      scopes = resourceScopes(text);
      parsed.set(text, scopes);
    }
    return scopes;
  }

  async function ofUser(token: string, purpose: string | undefined): Promise<Caller | undefined> {
    const found = await (await provider()).AccessToken.find(token);
    if (found === undefined || found.aud !== fhirUrl || found.grantId === undefined) return undefined;
    const client = clients.client(found.clientId ?? '');
    const kept = await contextOf(stores, found.grantId);
    if (client === undefined || kept === undefined) return undefined;
    const person = await standing.personBy(found.accountId, kept.by);
    if (person?.custodian !== client.custodian) return undefined;
    const { patient } = kept.context;
    const { custodian, account, kind, organisation, roles } = person;
    return {
      ...{ custodian, account, kind, organisation, roles },
      purpose: allowedPurpose(person.purposes, purpose),
      client: client.client_id,
      grant: {
        scopes: scopesOf(found.scope ?? ''),
        id: nameOf(found.grantId),
        ...(patient === undefined ? {} : { patient }),
      },
    };
  }

  async function ofService(token: string, purpose: string | undefined): Promise<Caller | undefined> {
    const found = await (await provider()).ClientCredentials.find(token);
    if (found === undefined || found.aud !== fhirUrl) return undefined;
    const client = clients.client(found.clientId ?? '');
    if (client?.actor === undefined) return undefined;
    const { custodian, client_id, actor } = client;
    return {
      custodian,
      account: custodian,
      kind: 'system',
      organisation: actor.organisation ?? custodian,
      roles: actor.roles ?? [],
      purpose: allowedPurpose(actor.purposes, purpose),
      client: client_id,
      grant: { scopes: scopesOf(found.scope ?? '') },
    };
  }

  return {
    async callerOf(token, purpose) {
      if (!TOKEN.test(token)) return undefined;
      return (await ofUser(token, purpose)) ?? ofService(token, purpose);
    },
    async isStillAllowed({ client, custodian, account, kind, grant }) {
      if (client !== undefined && clients.client(client)?.custodian !== custodian) return false;
      if (kind === 'system') return true;
      // Of a token of the organisation's own; an app's for a user always names the grant.
      if (client === undefined || grant?.id === undefined) return client === undefined;
      const { store, kept } = (await contextNamed(stores, grant.id)) ?? {};
      const known = store && (await readJson<Expiring>(store, kindOf('Grant'), grant.id));
      if (kept === undefined || known === undefined || isExpired(known, clock())) return false;
      return (await standing.personBy(subjectOf({ custodian, account }), kept.by)) !== undefined;
    },
  };
}

function allowedPurpose(purposes: readonly string[], declared: string | undefined): string {
  const purpose = declared ?? purposes[0];
  if (purpose === undefined || !purposes.includes(purpose)) throw reject('PURPOSE_NOT_ALLOWED');
  return purpose;
}
