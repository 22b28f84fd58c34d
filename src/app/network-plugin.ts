import type { FastifyPluginAsync } from 'fastify';
import type { ServedLedger } from '../ledger/http/member-routes.ts';
import type { Authenticate } from '../server/authenticate.ts';
import type { NodeFile } from './node-folder.ts';
import type { Consortium } from './open-consortium.ts';

/** A validator by the contract's query. */
interface ListedValidator {
  readonly account: string;
  readonly power: number;
  readonly node: string;
}

/**
 * `GET /api/network`, for whoever has a token: the ledger's health, its validators and whether this node's engine is
 * connected to theirs, snapshots, and how many of the log's first entries are still to be fetched. What it says of others
 * is what this node sees.
 */
export function createNetworkPlugin(deps: {
  readonly ledger: ServedLedger;
  readonly node: NodeFile;
  readonly consortium: Consortium | undefined;
  readonly authenticate: Authenticate;
}): FastifyPluginAsync {
  const { ledger, node, consortium, authenticate } = deps;
  const own = node.organisations.map(({ account }) => account);
  return async (app) => {
    app.get('/api/network', async (request) => {
      await authenticate(request);
      const { height, logSize } = ledger.head();
      const peers = (await consortium?.engine.rpc.peers().catch(() => [])) ?? [];
      const listed = ledger.query('membership.validators', {}) as unknown as readonly ListedValidator[];
      const validators = listed.map(({ account, power, node: id }) => {
        const known = node.consortium?.peers.find((one) => one.account === account);
        const presence = own.includes(account) ? 'own' : peers.includes(id) ? 'connected' : 'missing';
        const { name, url } = known ?? {};
        return {
          ...{ account, power, presence },
          ...(name === undefined ? {} : { name }),
          ...(url === undefined ? {} : { url }),
        };
      });
      return {
        ledger: { ...ledger.health(), height, logSize },
        validators,
        peers: peers.length,
        snapshots: (await ledger.snapshotHeights?.()) ?? [],
        missingEntries: consortium?.ledger.missingEntries() ?? 0,
      };
    });
  };
}
