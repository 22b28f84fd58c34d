import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { equalSecret, randomBytes } from '#crypto/platform';
import { bytesToBase64url, utf8, utf8ToText } from '../../../std/bytes.ts';
import { readBounded } from '../../../std/read-bounded.ts';
import type { LedgerFetch } from '../../http/ledger-client.ts';
import { MAX_CALL_BYTES, parseRelayCall, type RelayCall, relayCallText, relayErrorText } from './relay-call.ts';

/** Longest that a member's node may take; the engine's own light client waits for ever. */
const PEER_TIMEOUT_MS = 10_000;
/** A commit of ten thousand validators, and then some. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64;

/** A member's node, and `fetch` that signs in the name of an organisation here. */
export interface RelayPeer {
  /** Address without `/ledger`. */
  readonly url: string;
  readonly fetch: LedgerFetch;
}

export interface PeerRpc {
  /** `http://127.0.0.1:PORT/SECRET` for each peer, in their order: `rpc_servers` of this node's engine. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/**
 * Members' engines as this node's own engine asks them when it synchronises its state: for each peer a server on
 * loopback that passes the calls of `parseRelayCall` on to `POST <peer>/ledger/engine`, signed. The Go client posts
 * JSON-RPC to the address as it was given, path and all (rpc/jsonrpc/client/http_json_client.go), so a random path keeps
 * other users of this machine from calling in the organisation's name.
 */
export async function createPeerRpc(options: {
  peers: readonly RelayPeer[];
  log: { warn(details: object, message: string): void };
}): Promise<PeerRpc> {
  const { peers, log } = options;
  const closing = new AbortController();
  const servers: Server[] = [];
  async function close(): Promise<void> {
    closing.abort();
    await Promise.all(servers.map(closeServer));
  }
  try {
    const urls: string[] = [];
    for (const peer of peers) {
      const path = `/${bytesToBase64url(randomBytes(32))}`;
      const relay = createRelay(peer, closing.signal, log);
      const server = createServer(
        { maxHeaderSize: 8 * 1024, requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
        (request, response) => void answer(request, response, path, relay),
      );
      server.maxConnections = MAX_CONNECTIONS;
      servers.push(server);
      urls.push(`http://127.0.0.1:${await listenOnLoopback(server)}${path}`);
    }
    return { urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Relay = (call: RelayCall) => Promise<string>;

async function answer(request: IncomingMessage, response: ServerResponse, path: string, relay: Relay): Promise<void> {
  try {
    if (request.method !== 'POST' || !equalSecret(utf8(request.url ?? ''), utf8(path))) {
      response.writeHead(404, { connection: 'close' }).end();
      return;
    }
    const body = await readBounded(request, MAX_CALL_BYTES);
    if (body === undefined) {
      response.destroy();
      return;
    }
    const call = parseRelayCall(body);
    const text = call === undefined ? relayErrorText(idOf(body), 'not relayed to other members') : await relay(call);
    response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  } catch {
    // The caller went away, or the server is closing.
    response.destroy();
  }
}

/** Puts calls to a peer; what does not come back is a JSON-RPC error, so that the engine tries again or asks another. */
function createRelay(
  { url, fetch: request }: RelayPeer,
  closing: AbortSignal,
  log: { warn(details: object, message: string): void },
): Relay {
  const address = `${url.replace(/\/+$/, '')}/ledger/engine`;
  let isFailing = false;
  return async (call) => {
    let code = 'unreachable';
    let mayPass = true;
    try {
      const response = await request(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: relayCallText(call),
        signal: AbortSignal.any([closing, AbortSignal.timeout(PEER_TIMEOUT_MS)]),
      });
      const bytes = await readBounded(response.body, MAX_ANSWER_BYTES);
      if (response.ok && bytes !== undefined) {
        isFailing = false;
        return utf8ToText(bytes);
      }
      mayPass = response.status === 429 || response.status === 503;
      code = bytes === undefined ? 'too large' : `${response.status} ${codeOf(bytes)}`;
    } catch (error) {
      if (closing.aborted) throw error;
    }
    if (!isFailing) log.warn({ peer: url, answer: code }, 'a member’s node does not relay its engine’s answers');
    isFailing = true;
    // The words by which the light client knows that it may try again (light/provider/http/http.go, regexpTimedOut).
    return relayErrorText(call.id, `${mayPass ? 'Timeout exceeded' : 'Refused'}: ${code}`);
  };
}

/** A refusal's code; nothing else of what a peer wrote gets into the log. */
function codeOf(bytes: Uint8Array): string {
  return /"code":"([A-Z][A-Z0-9_]{1,63})"/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 4096)))?.[1] ?? '';
}

/** Id of a call that is not relayed, so that the answer finds its caller. */
function idOf(body: Uint8Array): number {
  try {
    const { id } = JSON.parse(utf8ToText(body)) as { id?: unknown };
    return Number.isSafeInteger(id) ? (id as number) : -1;
  } catch {
    return -1;
  }
}

function listenOnLoopback(server: Server): Promise<number> {
  return new Promise((resolve, fail) => {
    server.once('error', fail);
    server.listen({ host: '127.0.0.1', port: 0 }, () => resolve((server.address() as AddressInfo).port));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
