import type { RestrictionPort } from '../capabilities/access/server/scope-limit.ts';
import type { Conformance } from '../fhir/conformance.ts';
import { createResourceMatcher, type ResourceMatcher } from '../fhir/search/match-resource.ts';
import type { SearchRegistry } from '../fhir/search/search-registry.ts';
import { isReject } from '../std/reject.ts';

/** Searches that are remembered compiled. */
const MAX_MATCHERS = 500;

/**
 * The searches behind the scopes of apps, compiled once for each set of search parameters. One that this server cannot
 * put to a resource lets nothing through.
 */
export function createScopeRestrictions(options: {
  conformance: () => Conformance;
  baseUrl: string;
  clock: () => number;
}): RestrictionPort {
  const { conformance, baseUrl, clock } = options;
  const matchers = new Map<string, ResourceMatcher | undefined>();
  let of: SearchRegistry | undefined;

  function matcherOf(type: string, restriction: string): ResourceMatcher | undefined {
    const { registry } = conformance();
    if (of !== registry || matchers.size >= MAX_MATCHERS) matchers.clear();
    of = registry;
    const name = `${type}?${restriction}`;
    if (!matchers.has(name)) matchers.set(name, compile(registry, type, restriction));
    return matchers.get(name);
  }

  function compile(registry: SearchRegistry, type: string, restriction: string): ResourceMatcher | undefined {
    const query = new URLSearchParams(restriction);
    // Nothing to meet is met by everything.
    if (query.size === 0) return undefined;
    try {
      return createResourceMatcher(registry, type, query, { baseUrl, nowMs: clock() });
    } catch (error) {
      if (isReject(error)) return undefined;
      throw error;
    }
  }

  return (type, restriction, resource, timeMs) => matcherOf(type, restriction)?.matches(resource, timeMs) === true;
}
