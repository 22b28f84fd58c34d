import type { FastifyPluginAsync } from 'fastify';
import { isAdministrator } from '../auth/caller.ts';
import { createExclusive } from '../jobs/exclusive.ts';
import { parseRules, type RuleStore, readRules, replaceRules } from '../outgoing/rules.ts';
import type { Authenticate } from '../server/authenticate.ts';
import { isReject, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);

/**
 * `/api/outgoing`: which origins this node may ask for an organisation, for its administrator. GET answers the rules, PUT
 * takes all of them with the revision that they were read at. Ranges of special addresses lead into the operator's own
 * network, so `authenticateOperator` must know only the tokens of this run, which lie beside the root key.
 */
export function createOutgoingPlugin(deps: {
  readonly storeOf: (organisation: string) => RuleStore;
  readonly authenticate: Authenticate;
  readonly authenticateOperator: Authenticate;
}): FastifyPluginAsync {
  const { storeOf, authenticate, authenticateOperator } = deps;
  // A change is read, compared, written: two at once would each write over the other's.
  const exclusive = createExclusive();

  async function storeFor(request: Parameters<Authenticate>[0]): Promise<RuleStore> {
    const caller = await authenticate(request);
    if (!isAdministrator(caller)) throw reject('ADMINISTRATOR_ONLY');
    return storeOf(caller.custodian);
  }

  const isOperator = (request: Parameters<Authenticate>[0]): Promise<boolean> =>
    authenticateOperator(request).then(isAdministrator, (error) => {
      if (isReject(error)) return false;
      throw error;
    });

  return async (app) => {
    app.get('/api/outgoing', async (request) => readRules(await storeFor(request)));
    app.put('/api/outgoing', async (request) => {
      const store = await storeFor(request);
      const given = parseRules(request.body);
      return exclusive(() => replaceRules(store, given, () => isOperator(request)));
    });
  };
}
