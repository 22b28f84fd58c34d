import type { FastifyPluginAsync } from 'fastify';
import type { FhirServer } from '../fhir/context.ts';
import type { FhirOperation } from '../fhir/operations/operation.ts';
import type { WriteRule } from '../fhir/ports.ts';
import type { Outgoing } from '../outgoing/outgoing.ts';
import type { OrganisationContext } from '../server/organisation.ts';
import { createBindingTokens } from './binding-tokens.ts';
import { type Dispatcher, startDispatcher } from './dispatcher.ts';
import type { Place } from './event-log.ts';
import type { Timing } from './limits.ts';
import { createSubscriptionOperations } from './operations.ts';
import type { SubscriptionPorts } from './ports.ts';
import { createSocketPlugin } from './socket-plugin.ts';
import { TOPIC_URLS } from './topics.ts';
import { createWriteRule } from './write-rule.ts';

export interface SubscriptionOptions {
  readonly organisations: readonly OrganisationContext[];
  /** What the FHIR service stands on; taken anew for each use, since packages come and go. */
  readonly server: () => FhirServer;
  /** Address of the FHIR service, without a slash at its end. */
  readonly baseUrl: string;
  readonly ports: SubscriptionPorts;
  readonly outgoing: Outgoing;
  /** Address of the websocket as clients reach it (`ws:` or `wss:`), and its path on this host. */
  readonly socket: { readonly url: string; readonly path: string };
  readonly timing?: Timing;
}

/** Subscriptions of all organisations of a node, to be plugged into its FHIR service. */
export interface Subscriptions {
  /** Canonical URLs of the topics. */
  readonly topics: readonly string[];
  readonly writeRule: WriteRule;
  readonly operations: readonly FhirOperation[];
  /** The websocket's route. */
  readonly plugin: FastifyPluginAsync;
  /** Begins to follow the journals. */
  start(): void;
  /** To be called before the vaults close. */
  stop(): Promise<void>;
}

export function createSubscriptions(options: SubscriptionOptions): Subscriptions {
  const { organisations, server, baseUrl, ports, outgoing, socket, timing } = options;
  const dispatchers = new Map<string, Dispatcher>();
  /** Announced before it began to follow. */
  const early: [custodian: string, id: string][] = [];
  const dispatcherOf = (custodian: string) => dispatchers.get(custodian);
  const clock = () => server().clock();
  const tokens = createBindingTokens(clock);
  return {
    topics: TOPIC_URLS,
    writeRule: createWriteRule({
      ...{ outgoing, clock },
      registry: () => server().registry,
      baseUrl,
      heldOf: (custodian) => (dispatcherOf(custodian)?.all() ?? []).filter(({ status }) => status !== 'off'),
      touched(custodian, id) {
        const dispatcher = dispatcherOf(custodian);
        if (dispatcher === undefined) early.push([custodian, id]);
        else dispatcher.touch(id);
      },
    }),
    operations: createSubscriptionOperations({ dispatcherOf, ports, tokens, socketUrl: socket.url }),
    plugin: createSocketPlugin({
      path: socket.path,
      take: tokens.take,
      channelOf: ({ custodian, subscription }) => dispatcherOf(custodian)?.live(subscription)?.socket,
    }),
    start() {
      for (const { account, vault, log } of organisations) {
        const reportFailure = (error: unknown) => log.error({ error: nameOf(error) }, 'subscriptions: trying again');
        const reportDamage = (place: Place) =>
          log.error(place, 'subscriptions: an entry of the journal cannot be read and was passed over');
        const shared = { vault, server, ports, outgoing, reportFailure, reportDamage };
        dispatchers.set(account, startDispatcher(timing === undefined ? shared : { ...shared, timing }));
      }
      for (const [custodian, id] of early.splice(0)) dispatcherOf(custodian)?.touch(id);
    },
    async stop() {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.stop()));
    },
  };
}

/** Name and frames alone: a message may quote what was being worked on. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const frame = /^\s+at .*$/m.exec(error.stack ?? '')?.[0]?.trim() ?? '';
  return `${'code' in error ? String(error.code) : error.name} ${frame}`;
}
