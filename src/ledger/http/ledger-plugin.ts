import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify';
import { Value } from 'typebox/value';
import { base64urlToBytes } from '../../std/bytes.ts';
import { canonicalText } from '../../std/canonical-json.ts';
import { isReject, type Reject, rejecter } from '../../std/reject.ts';
import { rejectStatus } from '../../std/reject-status.ts';
import { CODES } from '../codes.ts';
import type { EngineRpc } from '../cometbft/engine/engine-rpc.ts';
import { addEngineRelay } from './engine-relay.ts';
import { addMemberRoutes, type RequireMember, type ServedLedger } from './member-routes.ts';
import { SubmitForm } from './wire.ts';

const reject = rejecter(CODES);

/** A transaction of 64 KiB in base64url, and the JSON around it. */
const SUBMIT_BODY_BYTES = 96 * 1024;

export interface LedgerPluginOptions {
  readonly requireMember: RequireMember;
  /** The engine that members' light clients ask through this node; see `addEngineRelay`. */
  readonly engine?: Pick<EngineRpc, 'call'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * What a node tells others of its ledger. To anybody: GET /ledger/genesis, /ledger/head, /ledger/health,
 * /ledger/transactions/:id, POST /ledger/transactions. A patient's wallet is no member, and any member relays what it
 * signed: a transaction carries its own signatures, and its outcome is found by its id alone, which tells nothing to who
 * does not hold the transaction. To members, who sign each request: all of `addMemberRoutes`, and the engine's relay.
 * Errors are {code, message, data}.
 */
export function createLedgerPlugin(ledger: ServedLedger, options: LedgerPluginOptions): FastifyPluginAsync {
  const { requireMember, engine, clock } = options;
  return async (app: FastifyInstance) => {
    app.setErrorHandler((error, _request, reply) => {
      if (!isReject(error)) throw error;
      return sendReject(reply, error);
    });
    const genesisText = canonicalText(ledger.genesis);
    app.get('/ledger/genesis', async (_request, reply) => reply.type('application/json').send(genesisText));
    app.get('/ledger/head', async () => ({ ...(await ledger.signedHead()), timeMs: ledger.head().timeMs }));
    app.get('/ledger/health', async () => ledger.health());
    app.get<{ Params: { id: string } }>('/ledger/transactions/:id', async ({ params }) => {
      if (!/^[0-9a-f]{64}$/.test(params.id)) throw reject('LEDGER_REQUEST_INVALID', { parameter: 'id' });
      const committed = await ledger.find(params.id);
      if (committed === undefined) throw reject('LEDGER_NOT_FOUND');
      return committed;
    });
    app.post('/ledger/transactions', { bodyLimit: SUBMIT_BODY_BYTES }, async ({ body }) => {
      const wire = Value.Check(SubmitForm, body) ? base64urlToBytes(body.wire) : undefined;
      if (wire === undefined) throw reject('LEDGER_REQUEST_INVALID', { parameter: 'wire' });
      return ledger.submit(wire);
    });
    addMemberRoutes(app, ledger, requireMember);
    if (engine !== undefined) addEngineRelay(app, { engine, requireMember, clock });
  };
}

function sendReject(reply: FastifyReply, refusal: Reject): FastifyReply {
  const { code, message, data } = refusal;
  // RFC 9110 §15.5.2; nothing here asks for any other scheme.
  if (refusal.kind === 'unauthenticated') reply.header('www-authenticate', 'Aceso-Member');
  return reply.code(rejectStatus(refusal)).send({ code, message, data });
}
