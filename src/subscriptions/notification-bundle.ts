import { randomUUID } from 'node:crypto';
import { instant } from '../fhir/resource-text.ts';
import type { SubscriptionStatus } from './read-subscription.ts';

export type NotificationType = 'handshake' | 'heartbeat' | 'event-notification' | 'query-status' | 'query-event';

/** An event as a receiver may see it. */
export interface ShownEvent {
  readonly number: number;
  readonly timeMs?: number;
  /** `Type/id` of what it is about, or its whole address; absent where that may not be seen, or was not asked for. */
  readonly focus?: string;
  /** The interaction that a history Bundle says of the focus. */
  readonly action?: 'create' | 'update' | 'delete' | 'get';
  /** JSON text of the focus, exactly as it is kept. */
  readonly text?: string;
}

/** What every notification says of its subscription. */
export interface StatusFacts {
  /** This server's address, without a slash at its end. */
  readonly baseUrl: string;
  readonly id: string;
  readonly topic: string;
  readonly status: SubscriptionStatus;
  readonly type: NotificationType;
  /** Events since the subscription began. */
  readonly count: number;
  /** Codes of what went wrong: last, for a subscription in error; and that events may be missing. */
  readonly errors: readonly string[];
}

const PROFILES = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';

/** JSON text of a notification: a Bundle of profile backport-subscription-notification-r4 (Backport 1.1.0, "Notifications"). */
export function notificationText(facts: StatusFacts, events: readonly ShownEvent[], nowMs: number): string {
  const { baseUrl, id } = facts;
  const statusId = randomUUID();
  const status = {
    fullUrl: `urn:uuid:${statusId}`,
    resource: statusResource(facts, events, statusId),
    request: { method: 'GET', url: `${baseUrl}/Subscription/${id}/$status` },
    response: { status: '200' },
  };
  const entries = events.flatMap((event) => focusEntry(baseUrl, event));
  const meta = `"meta":{"profile":["${PROFILES}/backport-subscription-notification-r4"]}`;
  const head = `{"resourceType":"Bundle","id":"${randomUUID()}",${meta},"type":"history","timestamp":"${instant(nowMs)}"`;
  return `${head},"entry":[${[JSON.stringify(status), ...entries].join(',')}]}`;
}

/** Parameters of profile backport-subscription-status-r4. */
export function statusResource(
  { baseUrl, id, topic, status, type, count, errors }: StatusFacts,
  events: readonly ShownEvent[],
  statusId: string,
): object {
  return {
    resourceType: 'Parameters',
    id: statusId,
    meta: { profile: [`${PROFILES}/backport-subscription-status-r4`] },
    parameter: [
      { name: 'subscription', valueReference: { reference: `${baseUrl}/Subscription/${id}` } },
      { name: 'topic', valueCanonical: topic },
      { name: 'status', valueCode: status },
      { name: 'type', valueCode: type },
      { name: 'events-since-subscription-start', valueString: String(count) },
      ...events.map((event) => ({ name: 'notification-event', part: eventParts(baseUrl, event) })),
      ...errors.map((code) => ({ name: 'error', valueCodeableConcept: errorConcept(code) })),
    ],
  };
}

function errorConcept(code: string): object {
  return { coding: [{ system: 'urn:aceso:codes', code }] };
}

function eventParts(baseUrl: string, { number, timeMs, focus }: ShownEvent): object[] {
  return [
    { name: 'event-number', valueString: String(number) },
    ...(timeMs === undefined ? [] : [{ name: 'timestamp', valueInstant: instant(timeMs) }]),
    ...(focus === undefined ? [] : [{ name: 'focus', valueReference: { reference: addressOf(baseUrl, focus) } }]),
  ];
}

function addressOf(baseUrl: string, focus: string): string {
  return focus.includes('://') ? focus : `${baseUrl}/${focus}`;
}

const REQUESTS = {
  create: ['POST', '201'],
  update: ['PUT', '200'],
  delete: ['DELETE', '204'],
  get: ['GET', '200'],
} as const;

/** The entry of a focus whose content was asked for; a deletion has none. The resource goes in as its exact text. */
function focusEntry(baseUrl: string, { focus, action = 'get', text }: ShownEvent): readonly string[] {
  if (focus === undefined || (text === undefined && action !== 'delete')) return [];
  const [method, status] = REQUESTS[action];
  const url = action === 'create' ? focus.slice(0, focus.indexOf('/')) : focus;
  const resource = text === undefined ? '' : `"resource":${text},`;
  const request = JSON.stringify({ method, url });
  const fullUrl = JSON.stringify(addressOf(baseUrl, focus));
  return [`{"fullUrl":${fullUrl},${resource}"request":${request},"response":{"status":"${status}"}}`];
}
