import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { createExclusive } from '../../jobs/exclusive.ts';
import { rejecter } from '../../std/reject.ts';
import { type DocumentStore, readJson, writeJson } from '../documents.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

const strict = { additionalProperties: false };
/** Name of a member of the ID token; some are addresses. */
const ClaimName = Type.String({ pattern: '^[\\x21-\\x7e]{1,128}$' });
/** `system|code`, as the ledger names roles. */
const RoleCode = Type.String({ pattern: '^[\\x21-\\x7b\\x7d\\x7e]{1,128}\\|[\\x21-\\x7b\\x7d\\x7e]{1,64}$' });

const Settings = Type.Object(
  {
    /** Names it in addresses. */
    id: Type.String({ pattern: '^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$' }),
    /** What people read on its button. */
    name: Type.String({ pattern: '^[^\\x00-\\x1f\\x7f]{1,64}$' }),
    /** Compared as it stands with what the provider and its tokens say (OpenID Connect Discovery 1.0 §4.3). */
    issuer: Type.String({ minLength: 8, maxLength: 512 }),
    client_id: Type.String({ pattern: '^[\\x20-\\x7e]{1,256}$' }),
    client_secret: Type.Optional(Type.String({ pattern: '^[\\x20-\\x7e]{8,512}$' })),
    /** The one algorithm that its ID tokens are signed with, whatever their header says. */
    id_token_signed_response_alg: Type.Union([
      Type.Literal('RS256'),
      Type.Literal('PS256'),
      Type.Literal('ES256'),
      Type.Literal('EdDSA'),
    ]),
    /** Asked for beside `openid`. */
    scope: Type.Optional(
      Type.String({ pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,64}(?: [\\x21\\x23-\\x5b\\x5d-\\x7e]{1,64}){0,7}$' }),
    ),
    /** The claim that links to an account; `sub` where it is not said, which alone never passes to somebody else. */
    subject_claim: Type.Optional(ClaimName),
    /** The claim that tells the organisation, and its value for this one. */
    organisation: Type.Object({ claim: ClaimName, value: Type.String({ minLength: 1, maxLength: 256 }) }, strict),
    /** The claims that tell roles, each a text or a list of texts, and what those stand for. */
    roles: Type.Object(
      {
        claims: Type.Array(ClaimName, { minItems: 1, maxItems: 4, uniqueItems: true }),
        map: Type.Record(Type.String({ pattern: '^[^\\x00-\\x1f\\x7f]{1,128}$' }), RoleCode, {
          minProperties: 1,
          maxProperties: 64,
        }),
      },
      strict,
    ),
  },
  strict,
);

const AllSettings = Type.Object(
  {
    /** Counts the changes, so that nobody writes over what they have not seen; 0 before the first. */
    revision: Type.Integer({ minimum: 0, maximum: 2 ** 40 }),
    providers: Type.Array(Settings, { maxItems: 8 }),
  },
  strict,
);

/** One OpenID provider that an organisation's people sign in through. */
export type ProviderSettings = Readonly<Static<typeof Settings>>;
export type AllProviderSettings = { readonly revision: number; readonly providers: readonly ProviderSettings[] };

/** How long ago somebody may have signed in at the provider, and an ID token may have been made, in seconds. */
export const MAX_AGE_SECONDS = 5 * 60;

const KIND = 'sign-in-providers';
const ID = 'all';
const NONE: AllProviderSettings = { revision: 0, providers: [] };

/** The providers of the node's organisations. */
export interface ProviderBook {
  all(custodian: string): Promise<AllProviderSettings>;
  find(custodian: string, id: string): Promise<ProviderSettings | undefined>;
  /**
   * Takes all providers in place of those whose revision it names. A secret that is left out stays what it was, as long
   * as it is for the same client of the same issuer. `permit` may refuse an issuer's address.
   * Throws Reject EXTERNAL_PROVIDERS_MALFORMED, EXTERNAL_PROVIDERS_CHANGED.
   */
  replace(custodian: string, body: unknown, permit: (issuer: string) => Promise<void>): Promise<AllProviderSettings>;
}

export function createProviderBook(stores: readonly DocumentStore[]): ProviderBook {
  const inTurn = createExclusive();
  // Asked at each use of a token; only this process writes them.
  const known = new Map<string, AllProviderSettings>();

  async function all(custodian: string): Promise<AllProviderSettings> {
    const store = stores.find((one) => one.custodian === custodian);
    if (store === undefined) return NONE;
    const found = known.get(custodian) ?? (await readJson<AllProviderSettings>(store, KIND, ID)) ?? NONE;
    // What was written while this was read is newer.
    if (!known.has(custodian)) known.set(custodian, found);
    return known.get(custodian) ?? found;
  }

  return {
    all,
    find: async (custodian, id) => (await all(custodian)).providers.find((one) => one.id === id),
    replace: (custodian, body, permit) =>
      inTurn(async () => {
        const given = checked(body);
        const before = await all(custodian);
        const store = stores.find((one) => one.custodian === custodian);
        if (store === undefined || given.revision !== before.revision) throw reject('EXTERNAL_PROVIDERS_CHANGED');
        const providers = given.providers.map((one) => withSecret(one, before.providers));
        for (const { issuer } of providers) await permit(issuer);
        const next = { revision: before.revision + 1, providers };
        await writeJson(store, KIND, ID, next);
        known.set(custodian, next);
        return next;
      }),
  };
}

function checked(body: unknown): AllProviderSettings {
  if (!Value.Check(AllSettings, body)) {
    const fault = [...Value.Errors(AllSettings, body)][0];
    throw reject('EXTERNAL_PROVIDERS_MALFORMED', { reason: (fault?.instancePath || '/').slice(0, 200) });
  }
  const ids = new Set(body.providers.map(({ id }) => id));
  if (ids.size < body.providers.length) throw reject('EXTERNAL_PROVIDERS_MALFORMED', { reason: 'two of the same id' });
  const wrong = body.providers.find(({ issuer }) => !isIssuer(issuer));
  if (wrong !== undefined)
    throw reject('EXTERNAL_PROVIDERS_MALFORMED', { reason: `issuer of ${wrong.id}: https, without query or fragment` });
  return body;
}

function withSecret(given: ProviderSettings, before: readonly ProviderSettings[]): ProviderSettings {
  if (given.client_secret !== undefined) return given;
  const same = before.find(({ id }) => id === given.id);
  const secret = same?.issuer === given.issuer && same.client_id === given.client_id ? same.client_secret : undefined;
  if (secret === undefined) throw reject('EXTERNAL_PROVIDERS_MALFORMED', { reason: `client_secret of ${given.id}` });
  return { ...given, client_secret: secret };
}

function isIssuer(text: string): boolean {
  const url = URL.parse(text);
  return isSafeAddress(text) && url?.search === '' && url.hash === '' && !/[?#]/.test(text);
}

/** Over TLS; without it only on the very machine, where nobody is on the way. */
export function isSafeAddress(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || text.length > 2048 || url.username !== '' || url.password !== '') return false;
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname));
}

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost']);
