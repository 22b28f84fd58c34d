import { reject } from './codes.ts';
import { LIMITS } from './limits.ts';
import { type Topic, topicOf } from './topics.ts';

/** How much of a resource a notification holds (backport-payload-content). */
export type Content = 'empty' | 'id-only' | 'full-resource';

export type SubscriptionStatus = 'requested' | 'active' | 'error' | 'off';

/** A Subscription resource of the backport profile, as it is understood. */
export interface Terms {
  readonly status: SubscriptionStatus;
  readonly topic: Topic;
  /** As written; what they mean is `event-filter.ts`'. */
  readonly filters: readonly string[];
  readonly channel: 'rest-hook' | 'websocket';
  /** Empty for a websocket. */
  readonly endpoint: string;
  /** `Name: value`, as written. */
  readonly headers: readonly string[];
  readonly content: Content;
  /** Absent: no heartbeats. */
  readonly heartbeatMs?: number;
  readonly timeoutMs: number;
  readonly maxCount: number;
  /** Milliseconds since 1970. */
  readonly endMs?: number;
}

type Members = Readonly<Record<string, unknown>>;

const BASE = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition';
const CONTENTS: readonly unknown[] = ['empty', 'id-only', 'full-resource'];
const STATUSES: readonly unknown[] = ['requested', 'active', 'error', 'off'];
const JSON_PAYLOAD = /^application\/fhir\+json(?:;\s*fhirVersion=4\.0)?$/;

/**
 * Reads a Subscription (Subscriptions R5 Backport 1.1.0, profile backport-subscription). Its structure need not have been
 * validated. Throws SUBSCRIPTION_TOPIC_UNKNOWN, SUBSCRIPTION_FILTER_INVALID, SUBSCRIPTION_CHANNEL_UNSUPPORTED,
 * SUBSCRIPTION_PAYLOAD_UNSUPPORTED, SUBSCRIPTION_TIMING_INVALID {element}, SUBSCRIPTION_HEADER_INVALID,
 * SUBSCRIPTION_STATUS_INVALID.
 */
export function readSubscription(resource: Members): Terms {
  const { status, criteria, end } = resource;
  const channel = membersIn(resource.channel);
  const topic = typeof criteria === 'string' ? topicOf(criteria) : undefined;
  if (topic === undefined) throw reject('SUBSCRIPTION_TOPIC_UNKNOWN');
  if (!STATUSES.includes(status)) throw reject('SUBSCRIPTION_STATUS_INVALID');
  const heartbeat = bounded(channel, 'backport-heartbeat-period', 'valueUnsignedInt', LIMITS.heartbeatSeconds);
  const timeout = bounded(channel, 'backport-timeout', 'valueUnsignedInt', LIMITS.timeoutSeconds);
  return {
    status: status as SubscriptionStatus,
    topic,
    filters: filtersOf(membersIn(resource._criteria)),
    ...endpointOf(channel),
    headers: headersOf(channel),
    content: contentOf(channel),
    ...(heartbeat === undefined ? {} : { heartbeatMs: heartbeat * 1000 }),
    timeoutMs: (timeout ?? LIMITS.timeoutSeconds.default) * 1000,
    maxCount: bounded(channel, 'backport-max-count', 'valuePositiveInt', LIMITS.maxCount) ?? LIMITS.maxCount.default,
    ...(end === undefined ? {} : { endMs: instantOf(end) }),
  };
}

function membersIn(value: unknown): Members {
  return typeof value === 'object' && value !== null ? (value as Members) : {};
}

function extensionsOf(element: Members, name: string): readonly Members[] {
  const all = Array.isArray(element.extension) ? element.extension : [];
  return all.map(membersIn).filter(({ url }) => url === `${BASE}/${name}`);
}

function filtersOf(criteria: Members): readonly string[] {
  const filters = extensionsOf(criteria, 'backport-filter-criteria').map(({ valueString }) => valueString);
  const tooMany = filters.length > LIMITS.filters;
  const isFilter = (one: unknown): one is string => typeof one === 'string' && one.length <= LIMITS.filterChars;
  if (tooMany || !filters.every(isFilter))
    throw reject('SUBSCRIPTION_FILTER_INVALID', { most: LIMITS.filters, mostChars: LIMITS.filterChars });
  return filters;
}

function endpointOf(channel: Members): Pick<Terms, 'channel' | 'endpoint'> {
  const { type, endpoint } = channel;
  const custom = extensionsOf(membersIn(channel._type), 'backport-channel-type').length > 0;
  if (type === 'websocket' && endpoint === undefined && !custom) return { channel: type, endpoint: '' };
  if (type !== 'rest-hook' || custom || typeof endpoint !== 'string' || !/^https?:\/\//.test(endpoint))
    throw reject('SUBSCRIPTION_CHANNEL_UNSUPPORTED');
  if (endpoint.length > LIMITS.endpointChars)
    throw reject('SUBSCRIPTION_CHANNEL_UNSUPPORTED', { mostChars: LIMITS.endpointChars });
  return { channel: type, endpoint };
}

function contentOf(channel: Members): Content {
  const [content, ...others] = extensionsOf(membersIn(channel._payload), 'backport-payload-content');
  const { payload } = channel;
  const isJson = typeof payload === 'string' && JSON_PAYLOAD.test(payload);
  if (!isJson || others.length > 0 || !CONTENTS.includes(content?.valueCode))
    throw reject('SUBSCRIPTION_PAYLOAD_UNSUPPORTED');
  return content?.valueCode as Content;
}

function bounded(
  channel: Members,
  name: string,
  member: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const [extension, ...others] = extensionsOf(channel, name);
  if (extension === undefined) return undefined;
  const value = extension[member];
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  if (!fits || others.length > 0) throw reject('SUBSCRIPTION_TIMING_INVALID', { element: name, min, max });
  return value as number;
}

function instantOf(end: unknown): number {
  const atMs = typeof end === 'string' ? Date.parse(end) : Number.NaN;
  if (Number.isNaN(atMs)) throw reject('SUBSCRIPTION_TIMING_INVALID', { element: 'end' });
  return atMs;
}

/** Token of a header's name (RFC 9110 §5.6.2), and printable ASCII as its value. */
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}):[ \t]*([\x20-\x7e]*)$/;
/** Those that frame or route a request or say who asks (RFC 9110 §7.6.1), and those that this server sets. */
const OWN_HEADERS = new Set(
  [
    ['connection', 'content-encoding', 'content-length', 'content-type', 'expect', 'host', 'keep-alive', 'te'],
    ['forwarded', 'http2-settings', 'trailer', 'transfer-encoding', 'upgrade', 'x-real-ip', 'user-agent', 'via'],
    ['accept', 'accept-encoding', 'date', 'x-http-method', 'x-http-method-override', 'x-method-override'],
  ].flat(),
);
const OWN_PREFIX = /^(?:proxy|sec|x-forwarded)-/;

function headersOf(channel: Members): readonly string[] {
  const { header = [] } = channel;
  if (!Array.isArray(header) || header.length > LIMITS.headers)
    throw reject('SUBSCRIPTION_HEADER_INVALID', { most: LIMITS.headers });
  if (header.some((line) => typeof line !== 'string')) throw reject('SUBSCRIPTION_HEADER_INVALID');
  const names = header.map((line) => headerOf(line as string).name.toLowerCase());
  if (new Set(names).size !== names.length) throw reject('SUBSCRIPTION_HEADER_INVALID');
  return header as readonly string[];
}

/** Name and value of `Name: value`. Throws SUBSCRIPTION_HEADER_INVALID. */
export function headerOf(line: string): { readonly name: string; readonly value: string } {
  if (line.length > LIMITS.headerChars) throw reject('SUBSCRIPTION_HEADER_INVALID', { mostChars: LIMITS.headerChars });
  const [, name, value] = HEADER.exec(line) ?? [];
  const lower = (name ?? '').toLowerCase();
  if (name === undefined || value === undefined || OWN_HEADERS.has(lower) || OWN_PREFIX.test(lower))
    throw reject('SUBSCRIPTION_HEADER_INVALID');
  return { name, value: value.trim() };
}
