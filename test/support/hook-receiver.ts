import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A notification that came in. */
export interface Notification {
  readonly type: string;
  readonly status: string;
  /** events-since-subscription-start. */
  readonly count: number;
  readonly subscription: string;
  readonly error: string | undefined;
  readonly events: readonly {
    readonly number: number;
    readonly focus: string | undefined;
    readonly timestamp: string | undefined;
  }[];
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into Bundles of every shape
  readonly bundle: any;
}

/** A subscriber's endpoint on 127.0.0.1 that can be slow, refuse, die, and come back on the same port. */
export interface HookReceiver {
  readonly url: string;
  readonly origin: string;
  readonly received: Notification[];
  /** What it answers; 0 for not at all. */
  answer: { status: number };
  /** Resolves when what was received meets the condition, at once or later. */
  until(condition: (received: readonly Notification[]) => boolean): Promise<void>;
  /** Numbers of all events received, in the order of their coming. */
  numbers(): number[];
  /** Those of one subscription. */
  numbersOf(id: string): number[];
  die(): Promise<void>;
  revive(): Promise<void>;
}

export async function startReceiver(): Promise<HookReceiver> {
  const waiting = new Set<() => void>();
  const hanging = new Set<ServerResponse>();
  const received: Notification[] = [];
  const answer = { status: 200 };
  let server: Server;
  let port = 0;

  const listen = (): Promise<void> => {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (answer.status === 0) return hanging.add(response);
        response.statusCode = answer.status;
        response.end();
        if (answer.status < 300) received.push(readNotification(Buffer.concat(chunks).toString(), request.headers));
        for (const check of [...waiting]) check();
        return undefined;
      });
    });
    return new Promise((resolve) => {
      server.listen({ host: '127.0.0.1', port }, () => {
        port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  };
  await listen();
  const die = (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    return closed;
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    url: `http://127.0.0.1:${port}/hook`,
    ...{ received, answer, die, revive: listen },
    until: (condition) =>
      new Promise((resolve) => {
        const check = () => {
          if (!condition(received)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    numbers: () => received.flatMap(({ events }) => events.map(({ number }) => number)),
    numbersOf: (id) =>
      received
        .filter(({ subscription }) => subscription.endsWith(`/${id}`))
        .flatMap(({ events }) => events.map(({ number }) => number)),
  };
}

type Parameter = { readonly name: string; readonly part?: readonly Parameter[] } & Readonly<Record<string, unknown>>;

/** A Bundle of profile backport-subscription-notification-r4, taken apart. */
export function readNotification(text: string, headers: IncomingHttpHeaders = {}): Notification {
  const bundle = JSON.parse(text);
  const parameters: readonly Parameter[] = bundle.entry[0].resource.parameter;
  const find = (name: string, among = parameters) => among.find((one) => one.name === name);
  return {
    type: String(find('type')?.valueCode),
    status: String(find('status')?.valueCode),
    count: Number(find('events-since-subscription-start')?.valueString),
    subscription: String((find('subscription')?.valueReference as { reference?: string } | undefined)?.reference),
    error: (find('error')?.valueCodeableConcept as { coding: { code: string }[] } | undefined)?.coding[0]?.code,
    events: parameters
      .filter(({ name }) => name === 'notification-event')
      .map(({ part = [] }) => ({
        number: Number(find('event-number', part)?.valueString),
        focus: (find('focus', part)?.valueReference as { reference?: string } | undefined)?.reference,
        timestamp: find('timestamp', part)?.valueInstant as string | undefined,
      })),
    ...{ headers, bundle },
  };
}

const BASE = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';

/** A Subscription of the backport profile. */
export function subscriptionResource(options: {
  readonly topic: string;
  readonly endpoint?: string;
  readonly content?: string;
  readonly filters?: readonly string[];
  readonly heartbeat?: number;
  readonly timeout?: number;
  readonly maxCount?: number;
  readonly header?: readonly string[];
  readonly end?: string;
  readonly status?: string;
}) {
  const { topic, endpoint, content = 'id-only', filters = [], heartbeat, timeout, maxCount, header, end } = options;
  const extension = [
    ...(heartbeat === undefined ? [] : [{ url: `${BASE}/backport-heartbeat-period`, valueUnsignedInt: heartbeat }]),
    ...(timeout === undefined ? [] : [{ url: `${BASE}/backport-timeout`, valueUnsignedInt: timeout }]),
    ...(maxCount === undefined ? [] : [{ url: `${BASE}/backport-max-count`, valuePositiveInt: maxCount }]),
  ];
  return {
    resourceType: 'Subscription',
    status: options.status ?? 'requested',
    reason: 'test',
    criteria: topic,
    ...(filters.length === 0
      ? {}
      : {
          _criteria: {
            extension: filters.map((valueString) => ({ url: `${BASE}/backport-filter-criteria`, valueString })),
          },
        }),
    ...(end === undefined ? {} : { end }),
    channel: {
      ...(extension.length === 0 ? {} : { extension }),
      type: endpoint === undefined ? 'websocket' : 'rest-hook',
      ...(endpoint === undefined ? {} : { endpoint }),
      payload: 'application/fhir+json',
      _payload: { extension: [{ url: `${BASE}/backport-payload-content`, valueCode: content }] },
      ...(header === undefined ? {} : { header }),
    },
  };
}
