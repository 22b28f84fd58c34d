import { Agent, request } from 'node:http';
import type { Json } from '../../src/std/canonical-json.ts';
import type { NetworkNode } from '../support/network-node.ts';

/** What a node answered; undefined where it did not, or not in time. */
export interface NodeAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly body?: Json | object;
  readonly token?: string;
  readonly type?: string;
  readonly timeoutMs?: number;
}

/** Asks a node, with its administrator's token unless another is given. Never rejects: nodes of these tests go away. */
export function askNode(node: NetworkNode, path: string, question: Question = {}): Promise<NodeAnswer | undefined> {
  const { method = 'GET', body, token = node.token(), type = 'application/json', timeoutMs = 30_000 } = question;
  const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers = {
    authorization: `Bearer ${token}`,
    'aceso-purpose': 'TREAT',
    ...(bytes === undefined ? {} : { 'content-type': type, 'content-length': bytes.length }),
  };
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = request(node.url + path, { agent, method, headers, signal }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes: Buffer.concat(chunks) }));
      answer.on('error', () => resolve(undefined));
    });
    sent.on('error', () => resolve(undefined));
    sent.end(bytes);
  });
}

/** The JSON of an answer with a good status; throws with what it was otherwise. */
export function goodJson(answer: NodeAnswer | undefined): Record<string, Json> {
  if (answer === undefined) throw new Error('the node did not answer');
  const text = Buffer.from(answer.bytes).toString();
  if (answer.status >= 300) throw new Error(`the node refused with ${answer.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Record<string, Json>;
}

/** Code of a refusal; undefined for anything else. */
export function refusalCode(answer: NodeAnswer | undefined): string | undefined {
  if (answer === undefined || answer.status < 400) return undefined;
  try {
    return (JSON.parse(Buffer.from(answer.bytes).toString()) as { code?: string }).code;
  } catch {
    return undefined;
  }
}
