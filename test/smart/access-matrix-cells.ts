import assert from 'node:assert/strict';
import type { MatrixCaller, MatrixWorld, Planted } from './access-matrix-world.ts';

export interface Reply {
  readonly status: number;
  /** All but those that differ between any two requests. */
  readonly headers: string;
  readonly location: string;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many kinds
  readonly json: any;
}

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Cells of the matrix: each is asked and judged, and what leaks is gathered. */
export interface Cells {
  readonly leaks: readonly string[];
  readonly count: () => number;
  send(caller: Pick<MatrixCaller, 'token'>, sent: Sent): Promise<Reply>;
  /** Runs a cell. What it asserts is a leak where it fails, and the other cells are looked at all the same. */
  cell(name: string, check: () => Promise<void>): Promise<void>;
}

export function createCells({ node }: MatrixWorld): Cells {
  const leaks: string[] = [];
  let count = 0;
  return {
    leaks,
    count: () => count,
    async send({ token }, { method, path, headers = {}, body }) {
      const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const response = await fetch(`${node.baseUrl}${path}`, {
        ...{ method, headers: { ...authorization, ...headers }, redirect: 'manual' },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const said = [...response.headers].filter(
        ([name]) => !['date', 'x-request-id', 'keep-alive', 'ratelimit'].includes(name),
      );
      const json: unknown =
        text.startsWith('{') && text.endsWith('}') && !text.includes('}\n{') ? JSON.parse(text) : undefined;
      const location = response.headers.get('content-location') ?? response.headers.get('location') ?? '';
      return { status: response.status, headers: JSON.stringify(said), location, text, json };
    },
    async cell(name, check) {
      count += 1;
      try {
        await check();
      } catch (error) {
        leaks.push(`${name}: ${error instanceof Error ? error.message.slice(0, 600) : error}`);
      }
    },
  };
}

/** Two answers are the same but for the id that was asked for, and what differs between any two requests. */
export function requireSame(left: Reply, leftId: string, right: Reply, rightId: string): void {
  const [one, other] = [plain(left, leftId), plain(right, rightId)];
  for (const name of ['status', 'headers', 'text'] as const)
    assert.ok(one[name] === other[name], `${name} ${one[name]} and not ${other[name]}`);
}

function plain({ status, headers, text }: Reply, id: string) {
  const same = (value: string) =>
    value
      .replaceAll(id, 'ID')
      .replaceAll(encodeURIComponent(id), 'ID')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, 'TIME');
  return { status, headers: same(headers), text: same(text) };
}

/** Neither what is said of these nor their ids are in an answer, but for an id that was asked for. */
export function requireUnseen({ headers, text }: Reply, planted: readonly Planted[], asked: string): void {
  for (const { marker, id } of planted) {
    assert.ok(!text.includes(marker) && !headers.includes(marker), `shows ${marker}`);
    assert.ok(asked.includes(id) || !(text.includes(id) || headers.includes(id)), `names ${id}`);
  }
}
