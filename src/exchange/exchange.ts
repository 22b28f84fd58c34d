import type { FastifyPluginAsync } from 'fastify';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { createReplayGuard } from '../auth/replay-guard.ts';
import { createExclusive, type Exclusive } from '../jobs/exclusive.ts';
import type { Job } from '../jobs/job.ts';
import { type OrganisationContext, organisationOf } from '../server/organisation.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import { createReleaseCollector, type ReleaseCollector } from './collect-release.ts';
import { createNodeDirectory } from './directory.ts';
import { CALL_PATHS, createExchangeCall } from './exchange-call.ts';
import { createFetchText } from './fetch-text.ts';
import { answerIntroduction, askIntroduction } from './introduction.ts';
import type { CustodianPort, Introduction, IntroductionRequest, MemberPort } from './ports.ts';
import { createReleaseDesk } from './release-desk.ts';
import { type CallName, readStatement, signAnswer, signedForm } from './statement.ts';

const reject = rejecter(CODES);
const strict = { additionalProperties: false } as const;

/** Most statements of one member that are remembered, and so may be made within ten minutes. */
const MAX_REMEMBERED = 4096;

/** A statement, base64url; the largest holds a sealed introduction. */
const CallForm = signedForm(48 * 1024);
const Account = Type.String({ pattern: '^[0-9a-f]{32}$' });
const Permit = Type.String({ pattern: '^[0-9a-f]{64}$' });
const OfferBody = Type.Object({ account: Account, permit: Permit }, strict);
const CountersignBody = Type.Object(
  { account: Account, permit: Permit, key: Account, countersignature: Type.String({ pattern: '^[0-9a-f]{128}$' }) },
  strict,
);

/** Release of records between organisations, both sides. */
export interface Exchange extends Pick<ReleaseCollector, 'collect'> {
  introduce(organisation: OrganisationContext, custodian: string, request: IntroductionRequest): Promise<Introduction>;
  readonly plugin: FastifyPluginAsync;
  readonly jobs: readonly Job[];
}

export interface ExchangeOptions {
  readonly organisations: readonly OrganisationContext[];
  readonly members: MemberPort;
  readonly custodian: CustodianPort;
  /** Address at which the node reaches its own routes. */
  readonly ownUrl: string;
  /** Addresses of other members' nodes. */
  readonly peers: readonly string[];
  /** Genesis hash. */
  readonly chain: string;
  readonly fetch: typeof fetch;
  readonly clock: () => number;
}

/** POST /exchange/:custodian/{tags, releases, releases/countersign}, and the calls of the same at other nodes. */
export function createExchange(options: ExchangeOptions): Exchange {
  const { organisations, members, custodian: port, ownUrl, peers, chain, clock } = options;
  const fetchText = createFetchText(options.fetch);
  const local = organisations.map(({ account }) => account);
  const directory = createNodeDirectory({ local, ownUrl, peers, chain, fetchText, clock });
  const call = createExchangeCall({ directory, members, fetchText });
  const collector = createReleaseCollector({ call });
  const desk = createReleaseDesk({ members, port });
  // A replay after a restart costs no secrecy: every answer that tells something is sealed to the member that asked.
  const guard = createReplayGuard({
    maxRemembered: MAX_REMEMBERED,
    replayed: () => reject('EXCHANGE_REPLAYED'),
    tooMany: () => reject('EXCHANGE_TOO_MANY_CALLS'),
  });
  const desks = new Map<string, Exclusive>(local.map((account) => [account, createExclusive()]));

  /** What each call does, once its statement holds. */
  const handlers: Readonly<
    Record<CallName, (custodian: OrganisationContext, member: string, body: JsonObject) => Promise<JsonObject>>
  > = {
    tags: (custodian, member, body) => answerIntroduction({ port, members }, custodian, member, body),
    async offer(custodian, member, body) {
      if (!Value.Check(OfferBody, body)) throw reject('EXCHANGE_CALL_MALFORMED');
      return desk.offer(custodian, member, body);
    },
    async countersign(custodian, member, body) {
      if (!Value.Check(CountersignBody, body)) throw reject('EXCHANGE_CALL_MALFORMED');
      return { sealed: await desk.countersign(custodian, member, body) };
    },
  };

  const plugin: FastifyPluginAsync = async (app) => {
    for (const name of Object.keys(CALL_PATHS) as CallName[]) {
      app.post<{ Params: { custodian: string } }>(`/exchange/:custodian/${CALL_PATHS[name]}`, async (request) => {
        const signed: unknown = request.body;
        if (!Value.Check(CallForm, signed)) throw reject('EXCHANGE_CALL_MALFORMED');
        const custodian = organisationOf(organisations, request.params.custodian);
        const nowMs = clock();
        const expected = { call: name, chain, audience: custodian.account, nowMs, keysOf: members.keysOf };
        const statement = readStatement(signed, expected);
        guard.take(statement, nowMs);
        // One by one for each custodian: two countersignatures must not both find a permit unused.
        const work = () => handlers[name](custodian, statement.member, statement.body);
        const answer = await (desks.get(custodian.account) as Exclusive)(work);
        return signAnswer(custodian.signer, signed, answer);
      });
    }
  };

  const upkeep: Job = {
    name: 'releases',
    intervalMs: 60_000,
    run: async () => {
      for (const organisation of organisations) {
        await collector.resume(organisation);
        await desk.prune(organisation);
      }
    },
  };
  return {
    plugin,
    jobs: [upkeep],
    collect: collector.collect,
    introduce: (organisation, custodian, request) =>
      askIntroduction({ call, members }, organisation, custodian, request),
  };
}
