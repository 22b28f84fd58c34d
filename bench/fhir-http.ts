import { type ChildNode, startBareServer } from './child-server.ts';
import { closedLoop, connectHttp, httpRequest, type WireRequest } from './http-clients.ts';
import { type BenchResult, figure, rate } from './result.ts';

const CLIENTS = 8;
const CREATES = 6_000;
const READS = 20_000;
const DECISIONS = 3_000;
/** Requests before the clock starts: the server's code gets compiled. */
const WARM_UP = 1_500;

/** A stored Observation: its id, and its text as a client would send it to create another. */
interface Sample {
  readonly id: string;
  readonly text: string;
}

/** `fhir.create`: Observations created per second by 8 clients, beside what HTTP alone does with bodies as long. */
export async function benchCreate(node: ChildNode): Promise<BenchResult> {
  const { url } = node;
  const token = node.staffTokens[0] as string;
  const samples = await observations(node);
  const requests = samples.map(({ text }) =>
    httpRequest({ url, method: 'POST', path: '/fhir/Observation', token, body: text }),
  );
  const load = (count: number) =>
    closedLoop({
      url,
      clients: CLIENTS,
      count,
      status: 201,
      request: (at) => requests[at % requests.length] as WireRequest,
    });
  await load(WARM_UP);
  const { perSecond } = await load(CREATES);
  const bound = await bareRequests(requests, meanBytes(samples), CREATES);
  return rate('fhir.create', perSecond, bound);
}

/** `fhir.read`: reads per second by 8 clients, each decided and journalled, beside what HTTP alone does. */
export async function benchRead(node: ChildNode): Promise<BenchResult> {
  const samples = await observations(node);
  const requests = readRequests(node, samples);
  const { url } = node;
  const load = (count: number) =>
    closedLoop({
      url,
      clients: CLIENTS,
      count,
      status: 200,
      request: (at) => requests[at % requests.length] as WireRequest,
    });
  await load(WARM_UP);
  const { perSecond } = await load(READS);
  const bound = await bareRequests(requests, meanBytes(samples), READS);
  return rate('fhir.read', perSecond, bound);
}

/**
 * `access.decision.p99`: from a read's first byte sent to its last byte received, one at a time. The journal entry that
 * the decision leaves is durable by then, so the figure is more than the decision alone.
 */
export async function benchDecision(node: ChildNode): Promise<BenchResult> {
  const requests = readRequests(node, await observations(node));
  const load = (count: number) =>
    closedLoop({
      ...{ url: node.url, clients: 1, count, status: 200 },
      request: (at) => requests[at % requests.length] as WireRequest,
    });
  await load(WARM_UP);
  const { latenciesMs } = await load(DECISIONS);
  return figure('access.decision.p99', latenciesMs[Math.floor(latenciesMs.length * 0.99)] as number, 'ms');
}

function readRequests({ url, staffTokens }: ChildNode, samples: readonly Sample[]): WireRequest[] {
  const token = staffTokens[0] as string;
  return samples.map(({ id }) => httpRequest({ url, method: 'GET', path: `/fhir/Observation/${id}`, token }));
}

async function observations({ url, staffTokens }: ChildNode): Promise<Sample[]> {
  const client = await connectHttp(url);
  try {
    const token = staffTokens[0] as string;
    const { status, body } = await client.send(
      httpRequest({ url, method: 'GET', path: '/fhir/Observation?_count=200', token }),
    );
    const { entry = [] } = JSON.parse(body.toString()) as { entry?: { resource: { id: string; meta?: object } }[] };
    if (status !== 200 || entry.length === 0) throw new Error(`no observations to work with: ${status}`);
    return entry.map(({ resource: { id, meta, ...content } }) => ({ id, text: JSON.stringify(content) }));
  } finally {
    client.close();
  }
}

function meanBytes(samples: readonly Sample[]): number {
  return Math.round(samples.reduce((sum, { text }) => sum + text.length, 0) / samples.length);
}

/** The same requests, per second, to a server that does nothing but answer. */
async function bareRequests(requests: readonly WireRequest[], sizeBytes: number, count: number): Promise<number> {
  const server = await startBareServer(sizeBytes);
  try {
    const load = (of: number) =>
      closedLoop({
        ...{ url: server.url, clients: CLIENTS, count: of, status: 200 },
        request: (at) => requests[at % requests.length] as WireRequest,
      });
    await load(WARM_UP);
    return (await load(count)).perSecond;
  } finally {
    await server.stop();
  }
}
