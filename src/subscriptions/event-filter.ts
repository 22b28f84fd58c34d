import type { InteractionHeader } from '../chain/journal-leaf.ts';
import type { ParsedResource } from '../fhir/patient-account.ts';
import { createResourceMatcher } from '../fhir/search/match-resource.ts';
import type { SearchRegistry } from '../fhir/search/search-registry.ts';
import { isReject } from '../std/reject.ts';
import { reject } from './codes.ts';
import type { Terms } from './read-subscription.ts';
import type { Topic } from './topics.ts';

/** What of a topic's events a subscription is about: all of its filters hold. */
export type EventFilter =
  | {
      readonly kind: 'resource';
      readonly type: string;
      /** Undefined: every resource of the type. */
      readonly matches: ((resource: ParsedResource, timeMs: number) => boolean) | undefined;
    }
  | { readonly kind: 'interaction'; matches(header: InteractionHeader): boolean };

export interface FilterOptions {
  readonly registry: SearchRegistry;
  /** This server's address, without a slash at its end. */
  readonly baseUrl: string;
  readonly nowMs: number;
  /** Account of a Patient of this custodian. */
  accountOf(patient: string): Promise<string | undefined>;
}

/**
 * Filters as the backport writes them (Subscriptions R5 Backport 1.1.0, "Subscription Filters"): `Type?search` or `search`
 * alone, where parameters are those of the topic's type. Topics of interactions take `patient` and `kind`. Throws
 * SUBSCRIPTION_FILTER_INVALID {filter, reason}: which one, counted from 1, and the search's own code.
 */
export async function compileFilters(
  { topic, filters }: Pick<Terms, 'topic' | 'filters'>,
  options: FilterOptions,
): Promise<EventFilter> {
  if (topic.kind === 'interaction') return interactionFilter(topic, filters, options);
  const { type } = topic;
  const { registry, baseUrl, nowMs } = options;
  const matchers = filters.map((filter, at) => {
    const query = queryOf(filter, type, at);
    try {
      return createResourceMatcher(registry, type, query, { baseUrl, nowMs });
    } catch (thrown) {
      if (!isReject(thrown)) throw thrown;
      throw reject('SUBSCRIPTION_FILTER_INVALID', { filter: at + 1, reason: thrown.code });
    }
  });
  if (matchers.length === 0) return { kind: 'resource', type, matches: undefined };
  return {
    kind: 'resource',
    type,
    matches: (resource, timeMs) => matchers.every((one) => one.matches(resource, timeMs)),
  };
}

/** The search of a filter. What stands before a question mark is the topic's type; a parameter's name has none. */
function queryOf(filter: string, type: string, at: number): string {
  const [, named, query = filter] = /^([^?=&]*)\?(.*)$/s.exec(filter) ?? [];
  if ((named !== undefined && named !== type) || query === '')
    throw reject('SUBSCRIPTION_FILTER_INVALID', { filter: at + 1, reason: 'TYPE_MISMATCH' });
  return query;
}

const PATIENT = /^(?:Patient\/)?([A-Za-z0-9\-.]{1,64})$/;

async function interactionFilter(
  topic: Extract<Topic, { kind: 'interaction' }>,
  filters: readonly string[],
  { accountOf }: FilterOptions,
): Promise<EventFilter> {
  const tests: ((header: InteractionHeader) => boolean)[] = [({ kind }) => topic.of.includes(kind)];
  for (const [at, filter] of filters.entries()) {
    const invalid = (reason: string) => reject('SUBSCRIPTION_FILTER_INVALID', { filter: at + 1, reason });
    for (const [name, value] of new URLSearchParams(queryOf(filter, 'AuditEvent', at))) {
      if (name === 'patient') {
        const id = PATIENT.exec(value)?.[1];
        if (id === undefined) throw invalid('PARAMETER_INVALID');
        // A patient who is not here is told of nobody: that there is none must not be found out by asking.
        const account = await accountOf(id);
        tests.push((header) => header.account === account);
      } else if (name === 'kind') {
        const kinds = value.split(',');
        if (!kinds.every((kind) => topic.of.some((one) => one === kind))) throw invalid('PARAMETER_INVALID');
        tests.push((header) => kinds.includes(header.kind));
      } else throw invalid('PARAMETER_UNKNOWN');
    }
  }
  return { kind: 'interaction', matches: (header) => tests.every((test) => test(header)) };
}
