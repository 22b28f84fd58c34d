import type { FastifyInstance } from 'fastify';
import type { JsonObject } from '../../std/canonical-json.ts';
import { isReject, rejecter } from '../../std/reject.ts';
import type { EngineRpc } from '../cometbft/engine/engine-rpc.ts';
import { MAX_CALL_BYTES, parseRelayCall, relayErrorText } from '../cometbft/relay/relay-call.ts';
import { createCallRate } from './call-rate.ts';
import { CODES } from './codes.ts';
import type { RequireMember } from './member-routes.ts';

const reject = rejecter(CODES);

const CALLS_PER_SECOND = 50;
const ENGINE_TIMEOUT_MS = 5_000;

/**
 * POST /ledger/engine: one JSON-RPC request of a member, put to this node's engine, whose own RPC listens to this
 * process alone. Answers {jsonrpc, id, result} or what the engine refused with as {jsonrpc, id, error}. Nothing rests on
 * these answers being true: light clients check headers, commits and validators.
 */
export function addEngineRelay(
  app: FastifyInstance,
  options: { engine: Pick<EngineRpc, 'call'>; requireMember: RequireMember; clock: () => number },
): void {
  const { engine, requireMember, clock } = options;
  const takes = createCallRate({ perSecond: CALLS_PER_SECOND, clock });

  // In a scope of its own, where a body is its exact bytes: those are what was signed.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post('/ledger/engine', { bodyLimit: MAX_CALL_BYTES }, async ({ method, url, headers, body }, reply) => {
      const bodyBytes = body instanceof Uint8Array ? body : new Uint8Array();
      const member = requireMember({ method, url, headers, bodyBytes });
      if (!takes(member)) throw reject('ENGINE_CALLS_TOO_MANY');
      const call = parseRelayCall(bodyBytes);
      if (call === undefined) throw reject('ENGINE_CALL_INVALID');
      reply.type('application/json');
      try {
        const answer = await engine.call(call.method, call.params, ENGINE_TIMEOUT_MS);
        const result = call.method === 'status' ? trimStatus(answer) : answer;
        return JSON.stringify({ jsonrpc: '2.0', id: call.id, result });
      } catch (error) {
        if (!isReject(error) || error.code !== 'ENGINE_REFUSED') throw error;
        // The light client reads from these words whether a height is yet to come (light/provider/http/http.go).
        const { message = '' } = error.data;
        return relayErrorText(call.id, String(message));
      }
    });
  });
}

/** Where the chain stands, without addresses, versions and the validator's key: another member has no use for those. */
function trimStatus({ node_info, sync_info }: JsonObject): JsonObject {
  const network = (node_info as JsonObject | undefined)?.network ?? '';
  return { node_info: { network }, sync_info: sync_info ?? {} };
}
