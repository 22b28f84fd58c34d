import { randomUUID } from 'node:crypto';
import { isAdministrator } from '../auth/caller.ts';
import { grantCovers } from '../auth/scopes.ts';
import { rejectFhir } from '../fhir/codes.ts';
import type { FhirContext, FhirResult } from '../fhir/context.ts';
import type { FhirOperation, OperationCall } from '../fhir/operations/operation.ts';
import { requireKnown, simpleValue } from '../fhir/operations/operation-input.ts';
import { searchsetText } from '../fhir/operations/searchset.ts';
import { instant } from '../fhir/resource-text.ts';
import type { BindingTokens } from './binding-tokens.ts';
import { reject } from './codes.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type KnownSubscription, knownSubscription } from './known-subscription.ts';
import { statusFacts } from './live-subscription.ts';
import { notificationText, statusResource } from './notification-bundle.ts';
import { isOwner } from './owner.ts';
import type { SubscriptionPorts } from './ports.ts';
import type { Content, SubscriptionStatus } from './read-subscription.ts';
import { renderEvents } from './render-events.ts';
import { tellCount } from './tell-count.ts';

export interface OperationParts {
  readonly dispatcherOf: (custodian: string) => Dispatcher | undefined;
  readonly ports: SubscriptionPorts;
  readonly tokens: BindingTokens;
  /** Address that websockets connect to. */
  readonly socketUrl: string;
}

const DEFINITIONS = 'http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription';
/** Events in one answer of `$events`. */
const MAX_EVENTS = 500;
const MAX_IDS = 100;
const ID = /^[A-Za-z0-9\-.]{1,64}$/;
const CONTENTS: readonly string[] = ['empty', 'id-only', 'full-resource'];

/** `$status`, `$events` and `$get-ws-binding-token` of the Subscriptions R5 Backport 1.1.0. */
export function createSubscriptionOperations({
  dispatcherOf,
  ports,
  tokens,
  socketUrl,
}: OperationParts): readonly FhirOperation[] {
  const known = (context: FhirContext, id: string) =>
    knownSubscription(context, dispatcherOf(context.caller.custodian), id);

  /** A subscription of the caller's own: of others, whether they exist is not told. */
  async function ownOf(context: FhirContext, id: string): Promise<KnownSubscription> {
    const found = ID.test(id) ? await known(context, id) : undefined;
    if (found === undefined || !isToldOfBy(context, found)) throw reject('SUBSCRIPTION_NOT_FOUND');
    return found;
  }

  /** What it is told of was decided for its owner, so a narrower token of the same app has no part in it. */
  function isToldOfBy({ caller }: FhirContext, { owner }: Pick<KnownSubscription, 'owner'>): boolean {
    return isOwner(caller, owner) && grantCovers(caller.grant, owner.grant);
  }

  /** An administrator sees how others' fare too, but for what they are told. */
  async function statusOf(context: FhirContext, id: string): Promise<KnownSubscription | undefined> {
    const found = ID.test(id) ? await known(context, id) : undefined;
    if (found === undefined) return undefined;
    return isToldOfBy(context, found) || isAdministrator(context.caller) ? found : undefined;
  }

  async function statusEntry(
    context: FhirContext,
    one: KnownSubscription,
  ): Promise<{ fullUrl: string; resource: string; mode: 'match' }> {
    const id = randomUUID();
    const count = await tellCount(context, ports, one);
    const facts = statusFacts(context, one, 'query-status', count, one.log.missed > 0);
    return { fullUrl: `urn:uuid:${id}`, resource: JSON.stringify(statusResource(facts, [], id)), mode: 'match' };
  }

  async function status(context: FhirContext, call: OperationCall): Promise<FhirResult> {
    requireKnown(call, ['id', 'status']);
    if (call.id !== undefined) {
      const found = await statusOf(context, call.id);
      if (found === undefined) throw reject('SUBSCRIPTION_NOT_FOUND');
      return { status: 200, body: searchsetText([], [await statusEntry(context, found)]) };
    }
    const wanted = call.parameters.getAll('status').flatMap((text) => text.split(','));
    const asked = call.parameters.getAll('id').flatMap((text) => text.split(','));
    if (asked.length > MAX_IDS) throw rejectFhir('PARAMETER_INVALID', { parameter: 'id' });
    const own = dispatcherOf(context.caller.custodian)?.all() ?? [];
    const ids = asked.length > 0 ? asked : own.filter((one) => isToldOfBy(context, one)).map(({ id }) => id);
    const found = await Promise.all([...new Set(ids)].map((id) => statusOf(context, id)));
    const shown = found.filter((one) => one !== undefined).filter((one) => isWanted(one.status, wanted));
    const entries: Awaited<ReturnType<typeof statusEntry>>[] = [];
    for (const one of shown) entries.push(await statusEntry(context, one));
    return { status: 200, body: searchsetText([], entries) };
  }

  async function events(context: FhirContext, call: OperationCall): Promise<FhirResult> {
    requireKnown(call, ['eventsSinceNumber', 'eventsUntilNumber', 'content']);
    const found = await ownOf(context, call.id ?? '');
    const { log, terms } = found;
    const oldest = log.oldest;
    const since = numberIn(call, 'eventsSinceNumber') ?? oldest;
    const until = numberIn(call, 'eventsUntilNumber') ?? log.count;
    const content = simpleValue(call, 'content') ?? terms.content;
    if (!CONTENTS.includes(content)) throw rejectFhir('PARAMETER_INVALID', { parameter: 'content' });
    if (since < oldest) {
      await tellCount(context, ports, found);
      throw reject('SUBSCRIPTION_EVENTS_GONE', { oldest });
    }
    const numbered = await log.events(since, Math.min(until, found.durableCount), MAX_EVENTS);
    const shown = await renderEvents(context, ports, numbered, content as Content);
    const count = await tellCount(context, ports, found, numbered);
    const facts = statusFacts(context, found, 'query-event', count, log.missed > 0);
    return { status: 200, body: notificationText(facts, shown, context.clock()) };
  }

  async function bindingToken(context: FhirContext, call: OperationCall): Promise<FhirResult> {
    requireKnown(call, ['id']);
    const [id = '', ...others] = call.id === undefined ? call.parameters.getAll('id') : [call.id];
    if (others.length > 0) throw rejectFhir('PARAMETER_INVALID', { parameter: 'id' });
    const found = await ownOf(context, id);
    if (found.terms.channel !== 'websocket') throw reject('SUBSCRIPTION_NO_WEBSOCKET');
    const { token, expiresAtMs } = tokens.issue({ custodian: context.caller.custodian, subscription: id });
    const parameter = [
      { name: 'token', valueString: token },
      { name: 'expiration', valueDateTime: instant(expiresAtMs) },
      { name: 'subscription', valueString: id },
      { name: 'websocket-url', valueUrl: socketUrl },
    ];
    return { status: 200, body: JSON.stringify({ resourceType: 'Parameters', parameter }) };
  }

  const types = ['Subscription'];
  return [
    { name: '$status', definition: `${DEFINITIONS}-status`, on: ['type', 'instance'], types, get: true, run: status },
    { name: '$events', definition: `${DEFINITIONS}-events`, on: ['instance'], types, get: true, run: events },
    {
      ...{ name: '$get-ws-binding-token', definition: `${DEFINITIONS}-get-ws-binding-token` },
      ...{ on: ['type', 'instance'], types, get: true, run: bindingToken },
    },
  ];
}

function isWanted(status: SubscriptionStatus, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.includes(status);
}

function numberIn(call: OperationCall, name: string): number | undefined {
  const text = simpleValue(call, name);
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw rejectFhir('PARAMETER_INVALID', { parameter: name });
  return Number(text);
}
