import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify';
import { Value } from 'typebox/value';
import { base64urlToBytes, bytesToBase64url } from '../../std/bytes.ts';
import { canonicalText } from '../../std/canonical-json.ts';
import { isReject, type Reject, rejecter } from '../../std/reject.ts';
import { rejectStatus } from '../../std/reject-status.ts';
import { CODES } from '../codes.ts';
import type { Ledger } from '../ledger.ts';
import type { SignedBlockSource } from '../signed-blocks.ts';
import { type BlocksForm, MAX_BLOCKS, MAX_WAIT_MS, SubmitForm, signedBlockToForm } from './wire.ts';

const reject = rejecter(CODES);

/** A transaction of 64 KiB in base64url, and the JSON around it. */
const SUBMIT_BODY_BYTES = 96 * 1024;
/** Followers that wait for a new block at once; further ones are answered right away. */
const MAX_WAITING = 256;

/**
 * What a node tells others of its ledger: everything here is on every member's copy, so nothing needs a token.
 * GET /ledger/genesis, /ledger/head, /ledger/health, /ledger/blocks?from&limit&waitMs, /ledger/transactions/:id,
 * /ledger/leaves/:index; POST /ledger/transactions. Errors are {code, message, data}.
 */
export function createLedgerPlugin(ledger: Ledger & SignedBlockSource): FastifyPluginAsync {
  const waiting = new Set<() => void>();

  async function blocks(from: number, limit: number, waitMs: number): Promise<BlocksForm> {
    if (ledger.head().height < from && waitMs > 0 && waiting.size < MAX_WAITING) await newBlock(waitMs);
    const signed = await ledger.signedBlocks(from, limit);
    const { head, signature } = await ledger.operatorHead();
    return { blocks: signed.map(signedBlockToForm), head, signature };
  }

  function newBlock(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      waiting.add(done);
    });
  }

  return async (app: FastifyInstance) => {
    const unsubscribe = ledger.subscribe(() => {
      for (const done of [...waiting]) done();
    });
    // Waiting followers must not hold up the end.
    app.addHook('preClose', async () => {
      unsubscribe();
      for (const done of [...waiting]) done();
    });
    app.setErrorHandler((error, _request, reply) => {
      if (!isReject(error)) throw error;
      return sendReject(reply, error);
    });
    const genesisText = canonicalText(ledger.genesis);
    app.get('/ledger/genesis', async (_request, reply) => reply.type('application/json').send(genesisText));
    app.get('/ledger/head', async () => ({ ...(await ledger.signedHead()), timeMs: ledger.head().timeMs }));
    app.get('/ledger/health', async () => ledger.health());
    app.get<{ Querystring: Record<string, string | undefined> }>('/ledger/blocks', async ({ query }) => {
      const from = integer(query.from, 1, Number.MAX_SAFE_INTEGER);
      const limit = integer(query.limit ?? '64', 1, MAX_BLOCKS);
      return blocks(from, limit, integer(query.waitMs ?? '0', 0, MAX_WAIT_MS));
    });
    app.get<{ Params: { id: string } }>('/ledger/transactions/:id', async ({ params }) => {
      if (!/^[0-9a-f]{64}$/.test(params.id)) throw reject('LEDGER_REQUEST_INVALID', { parameter: 'id' });
      const committed = await ledger.find(params.id);
      if (committed === undefined) throw reject('LEDGER_NOT_FOUND');
      return committed;
    });
    app.get<{ Params: { index: string } }>('/ledger/leaves/:index', async ({ params }) => {
      const leaf = await ledger.leaf(integer(params.index, 0, Number.MAX_SAFE_INTEGER));
      if (leaf === undefined) throw reject('LEDGER_NOT_FOUND');
      return { leaf: bytesToBase64url(leaf) };
    });
    app.post('/ledger/transactions', { bodyLimit: SUBMIT_BODY_BYTES }, async ({ body }) => {
      const wire = Value.Check(SubmitForm, body) ? base64urlToBytes(body.wire) : undefined;
      if (wire === undefined) throw reject('LEDGER_REQUEST_INVALID', { parameter: 'wire' });
      return ledger.submit(wire);
    });
  };
}

function sendReject(reply: FastifyReply, refusal: Reject): FastifyReply {
  const { code, message, data } = refusal;
  return reply.code(rejectStatus(refusal)).send({ code, message, data });
}

function integer(text: string | undefined, minimum: number, maximum: number): number {
  const value = text !== undefined && /^(0|[1-9][0-9]{0,15})$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) throw reject('LEDGER_REQUEST_INVALID', { minimum, maximum });
  return value;
}
