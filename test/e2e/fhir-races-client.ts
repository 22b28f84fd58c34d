import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { QUIET_START, temporaryFolders, testStarter } from './bad-input-node.ts';

/** An answer of a node to one of many. */
export interface RaceAnswer {
  readonly status: number;
  readonly text: string;
  /** Code of a refusal; '' for none. */
  readonly code: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly json: any;
}

/** A real node on a socket, and somebody of its staff who sends many requests at once. */
export interface RaceNode {
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<RaceAnswer>;
  /** A new patient's id. */
  patient(): Promise<string>;
  /** What the node logged as errors. */
  readonly logged: readonly string[];
}

export async function startRaceNode(t: TestContext): Promise<RaceNode> {
  const { folder, keyFolder } = temporaryFolders(t);
  const logged: string[] = [];
  const node = await testStarter(keyFolder, logged).start({ ...QUIET_START, folder });
  t.after(() => node.close());
  const { url, adminTokens } = node;
  const authorization = `Bearer ${adminTokens['st-brigid']}`;
  const send: RaceNode['send'] = async (method, path, body, headers = {}) => {
    const response = await fetch(`${url}/fhir${path === '' ? '' : `/${path}`}`, {
      method,
      headers: { authorization, 'aceso-purpose': 'TREAT', 'content-type': 'application/fhir+json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, text, code: json?.issue?.[0]?.details?.coding?.[0]?.code ?? '', json };
  };
  return {
    send,
    logged,
    async patient() {
      const answer = await send('POST', 'Patient', {
        resourceType: 'Patient',
        identifier: [{ system: 'urn:race', value: randomUUID() }],
      });
      if (answer.status !== 201) throw new Error(answer.text);
      return answer.json.id as string;
    },
  };
}

/** All at once. */
export function many<T>(count: number, one: (at: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, at) => one(at)));
}

/** How many answers have each status, e.g. { 200: 199, 201: 1 }. */
export function statusesOf(answers: readonly RaceAnswer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
