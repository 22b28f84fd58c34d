import type { FastifyPluginAsync } from 'fastify';
import type { Ledger } from '../ledger/ledger.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { NODE_PAGE_POLICY, nodePage } from './node-page.ts';

/** What the node says of itself to anybody: that it lives, whether the ledger moves, and where things are. */
export function createNodePlugin(deps: {
  node: string;
  version: string;
  ledger: Ledger;
  organisations: readonly OrganisationContext[];
}): FastifyPluginAsync {
  const { node, version, ledger, organisations } = deps;
  return async (app) => {
    app.get('/health', async () => {
      const { height, logSize } = ledger.head();
      return { node, version, ledger: { ...ledger.health(), height, logSize } };
    });
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
