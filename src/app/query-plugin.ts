import type { FastifyPluginAsync } from 'fastify';
import type { Ledger } from '../ledger/ledger.ts';
import type { Authenticate } from '../server/authenticate.ts';
import type { JsonObject } from '../std/canonical-json.ts';
import { rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';

const reject = rejecter(CODES);
const PLAIN = /^[\x20-\x7e]{0,256}$/;

/** `GET /api/query/:name?…`: named queries of the contracts at the latest committed state; pseudonymous, like all of it. */
export function createQueryPlugin(ledger: Ledger, authenticate: Authenticate): FastifyPluginAsync {
  return async (app) => {
    app.get<{ Params: { name: string } }>('/api/query/:name', async (request) => {
      await authenticate(request);
      const argument: Record<string, string> = {};
      for (const [name, value] of Object.entries(request.query as Record<string, unknown>)) {
        if (typeof value !== 'string' || !PLAIN.test(name) || !PLAIN.test(value)) throw reject('QUERY_MALFORMED');
        argument[name] = value;
      }
      return ledger.query(request.params.name, argument as JsonObject);
    });
  };
}
