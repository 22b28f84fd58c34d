import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChildNode } from '../child-server.ts';
import { connectHttp, type HttpClient, httpRequest } from '../http-clients.ts';
import { type BenchResult, figure } from '../result.ts';

const SLUG = 'st-brigid';
const CLIENTS = 8;
const EXTENSIONS = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';

/**
 * `events.latency.p50` and `.p99`: milliseconds from the answer to a write until the notification of it has arrived whole
 * at a rest-hook on this machine, at `perSecond` writes a second for `seconds`. Each notification holds whole resources,
 * decided on and journalled, of up to 100 events. Every event must arrive, in order, before the figures count.
 */
export async function benchEvents(
  node: ChildNode,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<readonly BenchResult[]> {
  const arrivedMs = new Map<string, number>();
  let last = 0;
  const receiver = await startReceiver((bundle) => {
    const nowMs = performance.now();
    for (const { number, id } of eventsIn(bundle)) {
      if (number > last + 1) throw new Error(`event ${number} came after ${last}`);
      last = Math.max(last, number);
      if (!arrivedMs.has(id)) arrivedMs.set(id, nowMs);
    }
  });
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => connectHttp(node.url)));
  try {
    await subscribe(node, receiver.url);
    await write(node, clients, perSecond, Math.min(2, seconds));
    const answeredMs = await write(node, clients, perSecond, seconds);
    for (let tried = 0; [...answeredMs.keys()].some((id) => !arrivedMs.has(id)); tried++) {
      if (tried > 1200) throw new Error(`${answeredMs.size} written, and not all of them were told of`);
      await sleep(50);
    }
    const latencies = [...answeredMs]
      .map(([id, atMs]) => Math.max(0, (arrivedMs.get(id) as number) - atMs))
      .sort((a, b) => a - b);
    const at = (share: number) => latencies[Math.floor(latencies.length * share)] as number;
    return [figure('events.latency.p50', at(0.5), 'ms'), figure('events.latency.p99', at(0.99), 'ms')];
  } finally {
    for (const client of clients) client.close();
    receiver.server.closeAllConnections();
    receiver.server.close();
  }
}

/** When each write was answered, by the id that it got. */
async function write(
  node: ChildNode,
  clients: readonly HttpClient[],
  perSecond: number,
  seconds: number,
): Promise<Map<string, number>> {
  const count = Math.round(perSecond * seconds);
  const answeredMs = new Map<string, number>();
  const request = requestOf(node, 'Observation', {
    resourceType: 'Observation',
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
    valueQuantity: { value: 60, unit: '/min', system: 'http://unitsofmeasure.org', code: '/min' },
  });
  const startMs = performance.now();
  let next = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (;;) {
        const at = next++;
        if (at >= count) return;
        const aheadMs = (at / perSecond) * 1000 - (performance.now() - startMs);
        if (aheadMs > 0) await sleep(aheadMs);
        const { status, body } = await client.send(request);
        const { id } = JSON.parse(body.toString()) as { id: string };
        if (status !== 201) throw new Error(`a write was answered with ${status}`);
        answeredMs.set(id, performance.now());
      }
    }),
  );
  return answeredMs;
}

/** Allows the receiver, subscribes it, and waits until its handshake is done. */
async function subscribe(node: ChildNode, endpoint: string): Promise<void> {
  const headers = { authorization: `Bearer ${node.adminTokens[SLUG]}`, 'content-type': 'application/json' };
  const rules = (await (await fetch(`${node.url}/api/outgoing`, { headers })).json()) as { revision: number };
  const allowed = {
    revision: rules.revision,
    rules: [{ origin: new URL(endpoint).origin, addresses: ['127.0.0.0/8'] }],
  };
  const put = await fetch(`${node.url}/api/outgoing`, { method: 'PUT', headers, body: JSON.stringify(allowed) });
  if (!put.ok) throw new Error(`the receiver may not be asked: ${await put.text()}`);
  const client = await connectHttp(node.url);
  try {
    const created = await client.send(
      requestOf(node, 'Subscription', {
        ...{ resourceType: 'Subscription', status: 'requested', reason: 'benchmark' },
        criteria: 'urn:aceso:topic:observation',
        channel: {
          extension: [{ url: `${EXTENSIONS}/backport-max-count`, valuePositiveInt: 100 }],
          ...{ type: 'rest-hook', endpoint, payload: 'application/fhir+json' },
          _payload: {
            extension: [{ url: `${EXTENSIONS}/backport-payload-content`, valueCode: 'full-resource' }],
          },
        },
      }),
    );
    const { id } = JSON.parse(created.body.toString()) as { id: string };
    for (;;) {
      const path = `/fhir/Subscription/${id}`;
      const answer = await client.send(httpRequest({ url: node.url, method: 'GET', path, token: tokenOf(node) }));
      const { status } = JSON.parse(answer.body.toString()) as { status: string };
      if (status === 'active') return;
      if (status !== 'requested') throw new Error(`the subscription is ${status}`);
      await sleep(20);
    }
  } finally {
    client.close();
  }
}

function requestOf(node: ChildNode, type: string, body: object): Uint8Array {
  const [url, path, token] = [node.url, `/fhir/${type}`, tokenOf(node)];
  return httpRequest({ ...{ url, path, token, method: 'POST' }, body: JSON.stringify(body) });
}

function tokenOf({ adminTokens }: ChildNode): string {
  return adminTokens[SLUG] ?? '';
}

interface Bundle {
  readonly entry: readonly { readonly resource: { readonly parameter?: readonly Parameter[] } }[];
}
interface Parameter {
  readonly name: string;
  readonly part?: readonly {
    readonly valueString?: string;
    readonly valueReference?: { readonly reference: string };
  }[];
}

function eventsIn({ entry }: Bundle): readonly { readonly number: number; readonly id: string }[] {
  const parameters = entry[0]?.resource.parameter ?? [];
  return parameters.flatMap(({ name, part = [] }) => {
    if (name !== 'notification-event') return [];
    const number = Number(part.find(({ valueString }) => valueString !== undefined)?.valueString);
    const focus = part.find(({ valueReference }) => valueReference !== undefined)?.valueReference?.reference ?? '';
    return [{ number, id: focus.slice(focus.lastIndexOf('/') + 1) }];
  });
}

async function startReceiver(heard: (bundle: Bundle) => void): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard(JSON.parse(Buffer.concat(chunks).toString()) as Bundle);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}
