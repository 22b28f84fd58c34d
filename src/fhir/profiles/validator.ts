import type { CompactDefinitions } from '../definitions/definitions.ts';
import { LIMITS } from '../limits.ts';
import type { Terminology } from '../terminology/terminology.ts';
import { checkAgainst, checkItems } from './check-profile.ts';
import { checkResource } from './check-structure.ts';
import type { ProfileRule } from './profile-rules.ts';
import { createProfileSource, type LateStructure } from './profile-source.ts';
import { INVARIANTS, PROFILE_STEPS, type ProfileWalk } from './profile-walk.ts';
import { typeRules } from './type-rules.ts';
import { createIssueSink, type ValidationIssue } from './validation-issue.ts';
import { containerOf, isObject, type Node, report } from './walk.ts';

export interface ValidationRequest {
  /** Canonical URLs of profiles that must hold besides those that the resource declares. */
  readonly profiles?: readonly string[];
  /** Also hold the resources in a Bundle against the profiles that they declare, and follow references among them. */
  readonly entries?: boolean;
}

export interface Validator {
  /** What is wrong with a resource, at most `LIMITS.issues` errors; empty when nothing is. Never throws for its content. */
  validate(resource: Node, request?: ValidationRequest): readonly ValidationIssue[];
  /** Whether a profile is loaded. */
  knows(profile: string): boolean;
}

export interface ValidatorParts {
  readonly definitions: CompactDefinitions;
  /** Profiles and extensions of loaded packages. */
  readonly structures?: readonly LateStructure[];
  readonly terminology?: Terminology;
}

/**
 * A validator of R4 and the profiles at hand. A resource is held against R4, against each loaded profile that it
 * declares (`meta.profile`) or that is asked for, and each extension in it against its loaded definition.
 */
export function createValidator({ definitions, structures = [], terminology }: ValidatorParts): Validator {
  const rules = typeRules(definitions);
  const profiles = createProfileSource(structures, rules);
  const hasExtensions = structures.some(({ type }) => type === 'Extension');

  function validate(resource: Node, request: ValidationRequest = {}): readonly ValidationIssue[] {
    const sink = createIssueSink(LIMITS.issues);
    const type = typeof resource.resourceType === 'string' ? resource.resourceType : '';
    const walk: ProfileWalk = {
      ...{ rules, sink, profiles, resource, checkItems, checkAgainst, container: containerOf(resource) },
      path: [rules.resource(type) === undefined ? 'Resource' : type],
      budget: { steps: PROFILE_STEPS, invariants: INVARIANTS },
      ...(terminology === undefined ? {} : { terminology }),
      ...(request.entries === true ? { neighbours: neighboursOf(resource) } : {}),
      ...(hasExtensions ? { onExtension: (extension: Node, url: string) => checkExtension(extension, url, walk) } : {}),
    };
    checkResource(resource, walk);
    if (rules.resource(type) !== undefined) {
      checkProfiles(resource, request.profiles ?? [], walk);
      checkContained(resource, walk);
      if (request.entries === true) checkEntries(resource, walk);
    }
    return sink.issues;
  }

  function checkExtension(extension: Node, url: string, walk: ProfileWalk): void {
    const profile = profiles.find(url);
    if (profile?.type === 'Extension') checkAgainst(profile, extension, walk);
  }

  /** The walk stands at the resource. */
  function checkProfiles(resource: Node, asked: readonly string[], walk: ProfileWalk): void {
    const chosen = new Set<ProfileRule>();
    for (const url of asked) {
      const profile = profiles.find(url);
      if (profile !== undefined) chosen.add(profile);
      else if (isOwnOf(url, resource)) continue;
      else report(walk, 'not-supported', `The profile ${url} is not loaded`);
    }
    for (const url of declaredBy(resource)) {
      const profile = profiles.find(url);
      if (profile !== undefined) chosen.add(profile);
      else if (!isOwnOf(url, resource)) {
        report(walk, 'not-supported', 'A profile that is declared is not loaded', 'meta.profile', 'information');
      }
    }
    for (const profile of chosen) checkAgainst(profile, resource, walk);
  }

  /** R4's own definition of the type: what every resource is held against. */
  function isOwnOf(url: string, { resourceType }: Node): boolean {
    const own = `http://hl7.org/fhir/StructureDefinition/${String(resourceType)}`;
    return url === own || url === `${own}|4.0.1`;
  }

  function checkContained({ contained }: Node, walk: ProfileWalk): void {
    checkEach(Array.isArray(contained) ? contained : [], (at) => ['contained', at], walk);
  }

  function checkEntries({ resourceType, entry }: Node, walk: ProfileWalk): void {
    if (resourceType !== 'Bundle' || !Array.isArray(entry)) return;
    const resources: unknown[] = entry.map((one: unknown) => (isObject(one) ? one.resource : undefined));
    const { container } = walk;
    for (const [at, resource] of resources.entries()) {
      if (!isObject(resource)) continue;
      walk.container = containerOf(resource);
      checkEach([resource], () => ['entry', at, 'resource'], walk);
    }
    walk.container = container;
  }

  function checkEach(
    resources: readonly unknown[],
    place: (at: number) => (string | number)[],
    walk: ProfileWalk,
  ): void {
    for (const [at, resource] of resources.entries()) {
      if (!isObject(resource) || walk.sink.isFull || rules.resource(resource.resourceType) === undefined) continue;
      const steps = place(at);
      walk.path.push(...steps);
      checkProfiles(resource, [], walk);
      walk.path.length -= steps.length;
    }
  }

  return { validate, knows: (profile) => profiles.find(profile) !== undefined };
}

function declaredBy({ meta }: Node): readonly string[] {
  const profiles = isObject(meta) && Array.isArray(meta.profile) ? meta.profile : [];
  return profiles.filter((url): url is string => typeof url === 'string');
}

/** Resources of a Bundle by what references call them (R4 §2.36.4.1). */
function neighboursOf({ entry }: Node): ReadonlyMap<string, Node> {
  const neighbours = new Map<string, Node>();
  for (const one of Array.isArray(entry) ? entry : []) {
    if (!isObject(one) || !isObject(one.resource)) continue;
    if (typeof one.fullUrl === 'string') neighbours.set(one.fullUrl, one.resource);
    const { resourceType, id } = one.resource;
    if (typeof id === 'string') neighbours.set(`${String(resourceType)}/${id}`, one.resource);
  }
  return neighbours;
}
