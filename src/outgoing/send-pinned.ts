import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { readBounded } from '../std/read-bounded.ts';
import { isReject, type Reject, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { Deadline } from './deadline.ts';
import type { OutgoingAnswer } from './outgoing.ts';
import type { Target } from './target.ts';

const reject = rejecter(CODES);

const MAX_HEADER_BYTES = 16_384;

/** Of our own and without options: one that nobody gave a proxy, and that keeps no connection for another origin. */
const AGENTS = {
  http: new HttpAgent({ keepAlive: false }),
  https: new HttpsAgent({ keepAlive: false, maxCachedSessions: 0 }),
};

/** All that is needed to ask: nothing in it is looked up any more. */
export interface PinnedRequest {
  readonly target: Target;
  /** IP address that was checked. */
  readonly address: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** Of the answer's body. */
  readonly maxBytes: number;
  /** In place of those that Node trusts, as PEM. */
  readonly authorities: readonly string[] | undefined;
}

/**
 * Asks exactly the address given, for the host that the certificate must name. Redirects are not followed, the answer is
 * bounded while it is read. Throws Reject OUTGOING_UNREACHABLE, OUTGOING_TLS_FAILED, OUTGOING_REDIRECTED,
 * OUTGOING_ANSWER_TOO_LARGE, OUTGOING_ANSWER_UNFIT, and the deadline's.
 */
export async function sendPinned(pinned: PinnedRequest, deadline: Deadline): Promise<OutgoingAnswer> {
  const { target, address, method, headers, body, maxBytes, authorities } = pinned;
  const { scheme, host, port, path, origin } = target;
  const common = {
    ...{ method, headers, path, port, host: address, agent: AGENTS[scheme], signal: deadline.signal },
    ...{ maxHeaderSize: MAX_HEADER_BYTES, insecureHTTPParser: false },
  };
  // Said outright: the environment of the process can turn verification off for who says nothing.
  const trust = {
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    ...(authorities && { ca: [...authorities] }),
  } as const;
  const servername = isIP(host) === 0 ? host : '';
  const message = scheme === 'https' ? requestHttps({ ...common, ...trust, servername }) : requestHttp(common);
  let isConnected = false;
  let isSecure = scheme === 'http';
  message.once('socket', (socket) => {
    socket.once('connect', () => {
      isConnected = true;
    });
    socket.once('secureConnect', () => {
      isSecure = true;
    });
  });
  try {
    const response = await deadline.within(
      new Promise<IncomingMessage>((resolve, fail) => {
        message.once('response', resolve);
        // Without a listener Node drops the connection and tells nobody.
        message.once('upgrade', (_response, socket) => {
          socket.destroy();
          fail(reject('OUTGOING_ANSWER_UNFIT', { origin }));
        });
        // Stays: a connection that breaks after the answer began has nobody else to tell.
        message.on('error', fail);
        message.end(body);
      }),
    );
    return await deadline.within(readAnswer(response, maxBytes, origin));
  } catch (error) {
    const refusal = deadline.refusal();
    if (refusal !== undefined) throw refusal;
    throw isReject(error) ? error : failure(error, isConnected && !isSecure, origin);
  } finally {
    message.destroy();
  }
}

async function readAnswer(response: IncomingMessage, maxBytes: number, origin: string): Promise<OutgoingAnswer> {
  const { statusCode: status = 0, headers: received } = response;
  if (status >= 300 && status < 400) throw reject('OUTGOING_REDIRECTED', { origin });
  const encoding = received['content-encoding'] ?? 'identity';
  const framing = received['transfer-encoding'] ?? 'chunked';
  if (encoding.toLowerCase() !== 'identity' || framing.toLowerCase() !== 'chunked')
    throw reject('OUTGOING_ANSWER_UNFIT', { origin });
  const isTooLarge = Number(received['content-length'] ?? 0) > maxBytes;
  const body = isTooLarge ? undefined : await readBounded(response, maxBytes);
  if (body === undefined) throw reject('OUTGOING_ANSWER_TOO_LARGE', { origin });
  const headers = Object.entries(received).map(([name, value]) => [name, [value].flat().join(', ')]);
  return { status, headers: Object.fromEntries(headers), body };
}

function failure(error: unknown, isHandshake: boolean, origin: string): Reject {
  const { code = '' } = error as { code?: string };
  if (code === 'HPE_HEADER_OVERFLOW') return reject('OUTGOING_ANSWER_TOO_LARGE', { origin });
  if (code.startsWith('HPE_')) return reject('OUTGOING_ANSWER_UNFIT', { origin });
  return reject(isHandshake ? 'OUTGOING_TLS_FAILED' : 'OUTGOING_UNREACHABLE', { origin });
}
