import { Reject, type RejectKind, rejecter } from '../std/reject.ts';
import { CODES } from './codes.ts';
import type { CliContext } from './command.ts';

const reject = rejecter(CODES);

/** A node's HTTP API as one of its callers sees it. */
export interface Client {
  readonly url: string;
  /** The same node for another caller, or for none. */
  as(token: string | undefined, purpose?: string): Client;
  /** The same caller for another purpose of use (HL7 v3 ActReason). */
  withPurpose(purpose: string): Client;
  /** JSON of a 2xx answer; throws the Reject that the node answered with. */
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  put(path: string, body: unknown): Promise<unknown>;
  delete(path: string): Promise<unknown>;
  /** Exact bytes of a 2xx answer. */
  bytes(path: string): Promise<Uint8Array>;
  /** Exact bytes of the answer to a JSON body. */
  postBytes(path: string, body: unknown): Promise<Uint8Array>;
  /** Sends bytes as they are. */
  send(path: string, body: Uint8Array, contentType: string): Promise<unknown>;
}

/** A client of the node at `url`. Throws Reject NODE_UNREACHABLE when it does not answer. */
export function createClient(
  context: Pick<CliContext, 'fetch'>,
  url: string,
  token?: string,
  purpose?: string,
): Client {
  const call = async (
    method: string,
    path: string,
    body?: Uint8Array | string,
    contentType?: string,
  ): Promise<Response> => {
    const headers: Record<string, string> = { accept: '*/*' };
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (purpose !== undefined) headers['aceso-purpose'] = purpose;
    if (contentType !== undefined) headers['content-type'] = contentType;
    const request: RequestInit = { method, headers, ...(body === undefined ? {} : { body: body as string }) };
    const response = await context.fetch(url + path, request).catch((error: Error) => {
      throw reject('NODE_UNREACHABLE', { reason: (error.cause as { code?: string } | undefined)?.code ?? 'unknown' });
    });
    if (!response.ok) throw await refusalOf(response);
    return response;
  };
  const json = async (response: Promise<Response>): Promise<unknown> => {
    const text = await (await response).text();
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    url,
    withPurpose: (other) => createClient(context, url, token, other),
    as: (other, otherPurpose) => createClient(context, url, other, otherPurpose),
    get: (path) => json(call('GET', path)),
    post: (path, body) => json(call('POST', path, JSON.stringify(body), 'application/json')),
    put: (path, body) => json(call('PUT', path, JSON.stringify(body), 'application/json')),
    delete: (path) => json(call('DELETE', path)),
    bytes: async (path) => new Uint8Array(await (await call('GET', path)).arrayBuffer()),
    postBytes: async (path, body) =>
      new Uint8Array(await (await call('POST', path, JSON.stringify(body), 'application/json')).arrayBuffer()),
    send: (path, body, contentType) => json(call('POST', path, body, contentType)),
  };
}

const KIND_BY_STATUS: Readonly<Record<number, RejectKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'denied',
  404: 'unknown',
  409: 'conflict',
  410: 'unknown',
  412: 'conflict',
  413: 'limit',
  422: 'invalid',
  429: 'limit',
};

/** The node's refusal, from its own error body or from an OperationOutcome (R4 §2.36). */
async function refusalOf(response: Response): Promise<Reject> {
  const kind = KIND_BY_STATUS[response.status] ?? 'unavailable';
  const body = await response.text().catch(() => '');
  const { code, sentence, data } = errorBody(body);
  return new Reject(
    code ?? `HTTP_${response.status}`,
    { kind, sentence: sentence ?? 'The node refused the request.' },
    data,
  );
}

interface ErrorBody {
  readonly code?: string;
  readonly sentence?: string;
  readonly data: Record<string, never>;
}

function errorBody(text: string): ErrorBody {
  try {
    const body = JSON.parse(text) as {
      code?: string;
      message?: string;
      data?: Record<string, never>;
      issue?: readonly { diagnostics?: string; details?: { text?: string; coding?: readonly { code?: string }[] } }[];
    };
    const issue = body.issue?.[0];
    const code = body.code ?? issue?.details?.coding?.[0]?.code;
    const message = body.message ?? issue?.diagnostics ?? issue?.details?.text;
    // The node's sentence begins with its code, which the line shows anyway.
    const sentence = code !== undefined && message?.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
    return {
      ...(code === undefined ? {} : { code }),
      ...(sentence === undefined ? {} : { sentence }),
      data: body.data ?? {},
    };
  } catch {
    return { data: {} };
  }
}
