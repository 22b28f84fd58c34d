import type { FastifyPluginAsync } from 'fastify';
import type { Ledger } from '../ledger/ledger.ts';
import type { OrganisationContext } from '../server/organisation.ts';

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
    app.get('/', async () => ({
      name: 'Aceso',
      version,
      node,
      genesis: ledger.genesisHash,
      organisations: organisations.map(({ slug, name, account }) => ({ slug, name, account })),
      fhir: '/fhir/metadata',
      ledger: '/ledger/head',
      verify: '/verify',
      health: '/health',
    }));
  };
}
