import { Agent, type IncomingMessage, request } from 'node:http';
import { bytesToBase64 } from '../../../std/bytes.ts';
import type { Json, JsonObject } from '../../../std/canonical-json.ts';
import { rejecter } from '../../../std/reject.ts';
import { CODES } from './codes.ts';
import { type BroadcastResult, ENGINE_VERDICTS, type EngineRpc } from './engine-rpc.ts';
import { MAX_BATCH, MAX_REQUEST_BYTES } from './rpc-limits.ts';

const reject = rejecter(CODES);

/** Connections for broadcasts. */
const LANES = 64;

const DEFAULT_TIMEOUT_MS = 10_000;
/** CometBFT gives up writing an answer after 11 s (node.go, startRPC). */
const BROADCAST_TIMEOUT_MS = 11_000;
/** A block of 16 MiB in base64, with room. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** CometBFT closes a connection that was idle for 10 s; ours are let go before. */
const IDLE_MS = 5_000;

/** An answer of JSON-RPC (rpc/jsonrpc/types/types.go, RPCResponse). */
interface RpcAnswer {
  readonly id?: Json;
  readonly result?: Json;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: string };
}

/** The RPC of the engine behind a unix socket. It need not be there yet. */
export function createEngineRpc({ socketPath }: { readonly socketPath: string }): EngineRpc {
  const agent = new Agent({ keepAlive: true, maxSockets: 32, timeout: IDLE_MS });
  // Of their own, so that no question about the engine's state waits behind them.
  const broadcasts = new Agent({ keepAlive: true, maxSockets: LANES, timeout: IDLE_MS });
  const post = (body: string, timeoutMs: number) => postJson({ agent, socketPath, body, timeoutMs });
  const postBatch = (body: string) =>
    postJson({ agent: broadcasts, socketPath, body, timeoutMs: BROADCAST_TIMEOUT_MS });

  const call: EngineRpc['call'] = async (method, params = {}, timeoutMs = DEFAULT_TIMEOUT_MS) => {
    const answer = (await post(JSON.stringify({ jsonrpc: '2.0', id: 0, method, params }), timeoutMs)) as RpcAnswer;
    if (answer.error !== undefined) throw reject('ENGINE_REFUSED', { method, message: errorText(answer.error) });
    // `/commit` of a height that is not there answers null.
    if (!isObject(answer.result)) throw reject('ENGINE_REFUSED', { method, message: 'no result' });
    return answer.result;
  };

  return {
    call,
    broadcast: async (wires, mode = 'sync') => {
      // CometBFT works through a batch in order, so where each waits for a verdict they are spread.
      const most = mode === 'async' ? MAX_BATCH : Math.min(MAX_BATCH, Math.ceil(wires.length / LANES));
      const sent = batches(wires, mode, most).map((batch) => broadcastBatch(postBatch, batch));
      return (await Promise.all(sent)).flat();
    },
    signedHeader: async (height) => {
      const { signed_header: signed } = await call('commit', { height: String(height) });
      if (!isObject(signed) || !isObject(signed.header) || !isObject(signed.commit)) {
        throw reject('ENGINE_REFUSED', { method: 'commit', message: 'no commit' });
      }
      return { header: signed.header, commit: signed.commit };
    },
    peers: async () => {
      const { peers } = await call('net_info');
      return (peers as readonly { readonly node_info: { readonly id: string } }[]).map((peer) => peer.node_info.id);
    },
    status: async () => {
      const { sync_info: sync } = (await call('status')) as { readonly sync_info: Readonly<Record<string, Json>> };
      return {
        height: Number(sync.latest_block_height),
        catchingUp: sync.catching_up === true,
        earliestHeight: Number(sync.earliest_block_height),
      };
    },
    close: () => {
      agent.destroy();
      broadcasts.destroy();
    },
  };
}

type Mode = 'sync' | 'async';

function broadcastRequest(wire: Uint8Array, mode: Mode, id: number): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"broadcast_tx_${mode}","params":{"tx":"${bytesToBase64(wire)}"}}`;
}

/** Requests in batches of at most `most` that CometBFT takes, each with its place in the batch as its id. */
function batches(wires: readonly Uint8Array[], mode: Mode, most: number): string[][] {
  const out: string[][] = [];
  let sizeBytes = 0;
  for (const wire of wires) {
    let batch = out.at(-1);
    // With the rest of a request around it, a transaction of n bytes takes less than 1.5 n + 128.
    sizeBytes += 1.5 * wire.length + 128;
    if (batch === undefined || batch.length >= most || sizeBytes > MAX_REQUEST_BYTES) {
      batch = [];
      out.push(batch);
      sizeBytes = 1.5 * wire.length + 128;
    }
    batch.push(broadcastRequest(wire, mode, batch.length));
  }
  return out;
}

async function broadcastBatch(
  post: (body: string) => Promise<Json>,
  batch: readonly string[],
): Promise<BroadcastResult[]> {
  const answer = await post(`[${batch.join(',')}]`);
  // A batch of one is answered without the array (http_server.go, writeRPCResponseHTTP).
  const answers = (Array.isArray(answer) ? answer : [answer]) as readonly RpcAnswer[];
  const results: (BroadcastResult | undefined)[] = batch.map(() => undefined);
  for (const one of answers) if (typeof one.id === 'number') results[one.id] = broadcastResult(one);
  return results.map((result) => {
    if (result === undefined) throw reject('ENGINE_REFUSED', { method: 'broadcast_tx', message: 'no answer' });
    return result;
  });
}

/** The application's verdict, or the engine's own by the words of mempool/errors.go: it has no codes for them. */
function broadcastResult({ result, error }: RpcAnswer): BroadcastResult {
  if (isObject(result)) return { code: Number(result.code), log: String(result.log ?? '') };
  const log = error === undefined ? 'no result' : errorText(error);
  if (log.includes('tx already exists in cache')) return { code: ENGINE_VERDICTS.inCache, log };
  if (log.includes('mempool is')) return { code: ENGINE_VERDICTS.full, log };
  if (log.includes('Tx too large') || log.includes('tx pre check')) return { code: ENGINE_VERDICTS.tooLarge, log };
  return { code: ENGINE_VERDICTS.failed, log };
}

function errorText({ message, data }: NonNullable<RpcAnswer['error']>): string {
  return data === undefined || data === '' ? message : `${message}: ${data}`;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Posting {
  readonly agent: Agent;
  readonly socketPath: string;
  readonly body: string;
  readonly timeoutMs: number;
}

/** Posts and parses. An idle connection that the engine closed as we wrote is tried once more, on a new one. */
async function postJson(posting: Posting): Promise<Json> {
  try {
    return await postOnce(posting);
  } catch (error) {
    if (!(error instanceof StaleConnection)) throw error;
    return await postOnce(posting);
  }
}

class StaleConnection extends Error {}

function postOnce({ agent, socketPath, body, timeoutMs }: Posting): Promise<Json> {
  return new Promise((resolve, fail) => {
    const unreachable = (reason: string) => reject('ENGINE_UNREACHABLE', { reason });
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request({ agent, socketPath, method: 'POST', path: '/', headers }, (answer) => {
      readAnswer(answer).then(resolve, (error: Error) => fail(unreachable(error.message)));
    });
    const timer = setTimeout(() => outgoing.destroy(new Error('no answer in time')), timeoutMs);
    outgoing.on('close', () => clearTimeout(timer));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const stale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      fail(stale ? new StaleConnection() : unreachable(error.code ?? error.message));
    });
    outgoing.end(body);
  });
}

async function readAnswer(answer: IncomingMessage): Promise<Json> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of answer as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > MAX_ANSWER_BYTES) {
      answer.destroy();
      throw new Error('the answer is too large');
    }
    parts.push(part);
  }
  const json = JSON.parse(Buffer.concat(parts).toString('utf8')) as Json;
  if (typeof json !== 'object' || json === null) throw new Error('no answer of JSON-RPC');
  return json;
}
