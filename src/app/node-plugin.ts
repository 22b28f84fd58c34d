import type { FastifyPluginAsync } from 'fastify';
import type { Ledger } from '../ledger/ledger.ts';
import { CODES } from '../server/codes.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { createReadiness, type Readiness } from '../server/readiness.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { type Reject, rejecter } from '../std/reject.ts';
import { NODE_PAGE_POLICY, nodePage } from './node-page.ts';

const reject = rejecter(CODES);

/** One obstacle in an answer: its code, what the code means, and what it is about. */
function obstacleToJson({ code, message, data }: Reject): JsonObject {
  return { code, message, ...data };
}

/**
 * What the node says of itself to anybody: that it lives (`/health`), whether requests are to be sent to it (`/ready`;
 * `/ready/care` leaves the ledger out, since care goes on without it), and where things are.
 */
export function createNodePlugin(deps: {
  node: string;
  version: string;
  ledger: Ledger;
  organisations: readonly OrganisationContext[];
  /** The parts alone decide unless it is given. */
  readiness?: Readiness;
}): FastifyPluginAsync {
  const { node, version, ledger, organisations } = deps;
  const readiness = deps.readiness ?? createReadiness({ ledger, organisations });
  if (deps.readiness === undefined) readiness.started();
  const answerReady = (options: { readonly ledger: boolean }) => {
    const reasons = readiness.obstacles(options).map(obstacleToJson);
    if (reasons.length > 0) throw reject('NODE_NOT_READY', { reasons });
    return { status: 'ready' };
  };
  return async (app) => {
    app.get('/health', async () => {
      const { height, logSize } = ledger.head();
      return { node, version, ledger: { ...ledger.health(), height, logSize } };
    });
    app.get('/ready', async () => answerReady({ ledger: true }));
    app.get('/ready/care', async () => answerReady({ ledger: false }));
    app.get('/', async (request, reply) => {
      const genesis = ledger.genesisHash;
      if (/\btext\/html\b/.test(request.headers.accept ?? '')) {
        const page = nodePage({
          version,
          genesis,
          organisations,
          status: ledger.health().status,
          height: ledger.head().height,
        });
        return reply.header('content-security-policy', NODE_PAGE_POLICY).type('text/html; charset=utf-8').send(page);
      }
      return {
        ...{ name: 'Aceso', version, node, genesis },
        organisations: organisations.map(({ slug, name, account }) => ({ slug, name, account })),
        ...{ fhir: '/fhir/metadata', ledger: '/ledger/head', verify: '/verify', health: '/health' },
      };
    });
  };
}
