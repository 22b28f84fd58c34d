import { connect, type Socket } from 'node:net';

/** One request as its bytes go over the wire (`httpRequest`). */
export type WireRequest = Uint8Array;

/**
 * An HTTP/1.1 connection that is kept alive and carries one request at a time. Bare, because the clients share the
 * machine with the server they measure: node:http would cost as much again as the server does.
 */
export interface HttpClient {
  /** Sends a request; resolves to status and body. Throws when the connection ends. */
  send(request: WireRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Bytes of a request; bodies are JSON unless `type` says otherwise. */
export function httpRequest(options: {
  url: string;
  method: 'GET' | 'POST' | 'PUT';
  path: string;
  token?: string;
  body?: string | Uint8Array;
  type?: string;
}): WireRequest {
  const { url, method, path, token, body, type = 'application/json' } = options;
  const bytes = Buffer.from(body ?? '');
  const lines = [`${method} ${path} HTTP/1.1`, `Host: ${new URL(url).host}`, 'Accept: application/json'];
  if (token !== undefined) lines.push(`Authorization: Bearer ${token}`);
  if (method !== 'GET') lines.push(`Content-Type: ${type}`, `Content-Length: ${bytes.length}`);
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

/** Connects to the host and port of `url`. */
export async function connectHttp(url: string): Promise<HttpClient> {
  const { hostname, port } = new URL(url);
  const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  let received: Buffer = Buffer.alloc(0);
  let waiting: { resolve(answer: HttpAnswer): void; reject(error: Error): void } | undefined;
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const parsed = parseAnswer(received);
    if (parsed === undefined) return;
    received = received.subarray(parsed.sizeBytes);
    const settled = waiting;
    waiting = undefined;
    settled?.resolve(parsed.answer);
  });
  const fail = (error: Error): void => waiting?.reject(error);
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));
  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      }),
    close: () => socket.destroy(),
  };
}

function parseAnswer(bytes: Buffer): { answer: HttpAnswer; sizeBytes: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without Content-Length: ${head.slice(0, 200)}`);
  const sizeBytes = headEnd + 4 + Number(length);
  if (bytes.length < sizeBytes) return undefined;
  const answer = { status: Number(head.slice(9, 12)), body: Buffer.from(bytes.subarray(headEnd + 4, sizeBytes)) };
  return { answer, sizeBytes };
}

/** What a load came to. Latencies in milliseconds, ascending. */
export interface Load {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
}

/**
 * `clients` connections, each sending its next request when the last is answered, until `count` are. Throws at the first
 * answer that has not `status`: a benchmark of refusals would be a fine one.
 */
export async function closedLoop(options: {
  url: string;
  clients: number;
  count: number;
  status: number;
  request(index: number): WireRequest;
}): Promise<Load> {
  const { url, count, status, request } = options;
  const clients = await Promise.all(Array.from({ length: options.clients }, () => connectHttp(url)));
  const latenciesMs: number[] = [];
  let next = 0;
  const startMs = performance.now();
  try {
    await Promise.all(
      clients.map(async (client) => {
        while (next < count) {
          const bytes = request(next++);
          const sentMs = performance.now();
          const answer = await client.send(bytes);
          latenciesMs.push(performance.now() - sentMs);
          if (answer.status !== status) throw new Error(`${answer.status}: ${answer.body.toString().slice(0, 500)}`);
        }
      }),
    );
    const perSecond = (count * 1000) / (performance.now() - startMs);
    return { perSecond, latenciesMs: latenciesMs.sort((a, b) => a - b) };
  } finally {
    for (const client of clients) client.close();
  }
}
