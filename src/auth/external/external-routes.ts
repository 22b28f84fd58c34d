import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { rejecter } from '../../std/reject.ts';
import { type Caller, isAdministrator } from '../caller.ts';
import type { SignIn } from '../sign-in/sign-in.ts';
import { CODES } from './codes.ts';
import type { ExternalSignIn } from './external-sign-in.ts';
import { metadataAddress } from './provider-metadata.ts';
import type { AllProviderSettings } from './provider-settings.ts';

const reject = rejecter(CODES);

const strict = { additionalProperties: false };
const LinkBody = Type.Object(
  { provider: Type.String({ maxLength: 32 }), subject: Type.String({ minLength: 1, maxLength: 256 }) },
  strict,
);
const LinkRemoval = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{64}$' }) }, strict);

type OfPerson = { Params: { account: string } };

/**
 * For administrators: `/api/sign-in-providers`, and who at a provider is whom here. Refused at once for an issuer that
 * the organisation's rules do not let this node ask. A secret goes in and never comes out.
 */
export function externalRoutes(
  app: FastifyInstance,
  options: {
    readonly external: ExternalSignIn;
    readonly signIn: SignIn;
    readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
    /** Throws a Reject when the organisation's rules do not let that address be asked. */
    readonly requireReachable: (custodian: string, url: string) => Promise<void>;
  },
): void {
  const { external, signIn, authenticate, requireReachable } = options;
  const { providers, links } = external;

  async function administered(request: FastifyRequest): Promise<string> {
    const caller = await authenticate(request);
    if (!isAdministrator(caller)) throw reject('EXTERNAL_ADMINISTRATOR_ONLY');
    return caller.custodian;
  }

  function shown(custodian: string, { revision, providers: all }: AllProviderSettings): object {
    return {
      revision,
      providers: all.map(({ client_secret: _secret, ...rest }) => ({
        ...rest,
        redirect_uri: external.redirectUri(custodian, rest.id),
      })),
    };
  }

  app.get('/api/sign-in-providers', async (request) => {
    const custodian = await administered(request);
    return shown(custodian, await providers.all(custodian));
  });
  app.put('/api/sign-in-providers', async (request) => {
    const custodian = await administered(request);
    const permit = (issuer: string) => requireReachable(custodian, metadataAddress(issuer));
    const next = await providers.replace(custodian, request.body, permit);
    request.log.info({ revision: next.revision }, 'sign-in providers changed');
    return shown(custodian, next);
  });

  app.get<OfPerson>('/api/people/:account/links', async (request) => {
    const custodian = await administered(request);
    return { links: await links.list(custodian, request.params.account) };
  });
  app.post<OfPerson>('/api/people/:account/links', async (request, reply) => {
    const custodian = await administered(request);
    const { account } = request.params;
    const body: unknown = request.body;
    if (!Value.Check(LinkBody, body)) throw reject('EXTERNAL_LINK_INVALID');
    const provider = await providers.find(custodian, body.provider);
    const person = await signIn.person(custodian, account);
    if (provider === undefined || person?.kind !== 'practitioner') throw reject('EXTERNAL_LINK_INVALID');
    return reply.code(201).send(await links.add(custodian, account, provider, body.subject));
  });
  app.post<OfPerson>('/api/people/:account/links/remove', async (request) => {
    const custodian = await administered(request);
    const body: unknown = request.body;
    if (!Value.Check(LinkRemoval, body)) throw reject('EXTERNAL_LINK_UNKNOWN');
    await links.remove(custodian, request.params.account, body.id);
    return {};
  });
}

/**
 * Where providers send the browser back to, below the issuer's path `base`. It goes on at its own interaction, whose
 * cookie no other path sees: only the browser that began the journey gets any further.
 */
export function externalCallback(
  app: FastifyInstance,
  { external, base }: { external: ExternalSignIn; base: string },
): void {
  app.get<{ Params: { custodian: string; provider: string } }>(
    '/external/callback/:custodian/:provider',
    async (request, reply) => {
      const { custodian, provider } = request.params;
      const session = external.sessionOf(custodian, provider, request.query);
      const query = request.url.slice(request.url.indexOf('?'));
      return reply.redirect(`${base}/interaction/${encodeURIComponent(session)}/external${query}`, 303);
    },
  );
}
