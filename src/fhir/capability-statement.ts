import type {
  CapabilityStatement,
  CapabilityStatementRest,
  CapabilityStatementRestResource,
  CapabilityStatementRestResourceOperation,
  CapabilityStatementRestResourceSearchParam,
} from '@medplum/fhirtypes';
import type { FhirServer } from './context.ts';
import { EVERY_TYPE } from './definitions/definitions.ts';
import { type OAuthUris, smartSecurity } from './oauth-uris.ts';
import type { FhirOperation } from './operations/operation.ts';
import { instant } from './resource-text.ts';
import { COMPARTMENTS } from './routes.ts';
import { isUnsupportedParameter } from './search/parse-clause.ts';
import { isFollowed, type SearchParameter, type SearchRegistry } from './search/search-registry.ts';

/** Interactions that every type has; the router serves exactly these. */
const INTERACTIONS = [
  ...['read', 'vread', 'update', 'patch', 'delete', 'history-instance', 'history-type', 'create', 'search-type'],
] as const;

type Interaction = NonNullable<CapabilityStatementRestResource['interaction']>[number]['code'];

/** What is served beside the interactions that every server has. */
export interface Registered {
  readonly software: { readonly name: string; readonly version: string };
  readonly operations: readonly FhirOperation[];
  /** Where apps get their tokens; absent where there is no authorization server. */
  readonly oauth?: OAuthUris;
  /** Canonical URLs of the topics that may be subscribed to. */
  readonly topics: readonly string[];
  /** Canonical URLs of the capability statements that are fulfilled. */
  readonly instantiates: readonly string[];
  /** When this process began to serve. */
  readonly startedMs: number;
}

/** `GET metadata` (R4 §3.1.0.9): what is registered, nothing else. */
export function capabilityStatement(
  { definitions, registry, baseUrl }: FhirServer,
  { software, operations, oauth, topics, instantiates, startedMs }: Registered,
): CapabilityStatement {
  return {
    resourceType: 'CapabilityStatement',
    status: 'active',
    date: instant(startedMs),
    kind: 'instance',
    // FHIR has no empty arrays.
    ...(instantiates.length === 0 ? {} : { instantiates: [...instantiates] }),
    software,
    implementation: { description: `${software.name} FHIR R4 server`, url: baseUrl },
    fhirVersion: definitions.fhirVersion as CapabilityStatement['fhirVersion'],
    format: ['application/fhir+json', 'json'],
    patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    rest: [
      { ...restOf(registry, operations, topics), ...(oauth === undefined ? {} : { security: smartSecurity(oauth) }) },
    ],
  };
}

function restOf(
  registry: SearchRegistry,
  operations: readonly FhirOperation[],
  topics: readonly string[],
): CapabilityStatementRest {
  const system = operationsOn(operations, 'system');
  const { definitions } = registry;
  const types = Object.keys(definitions.resources);
  const sources = includeSources(registry, types);
  return {
    mode: 'server',
    documentation:
      'Unknown search parameters are refused unless Prefer: handling=lenient. Bodies are kept exactly as sent but for ' +
      'id, meta.versionId, meta.lastUpdated, rewritten references and whitespace. GET entries of a transaction are ' +
      'answered after it is written. Bodies may be sent and are answered with gzip, deflate or br. What a caller may ' +
      'not see is not there: it is neither found nor counted.',
    resource: types.map((type) => ({
      ...(type === 'Subscription' && topics.length > 0 ? { extension: topics.map(topicExtension) } : {}),
      ...resourceOf(registry, operations, type, sources),
    })),
    interaction: [{ code: 'transaction' }, { code: 'batch' }, { code: 'history-system' }],
    ...(system.length === 0 ? {} : { operation: system }),
    compartment: [...COMPARTMENTS].map((type) => `http://hl7.org/fhir/CompartmentDefinition/${type.toLowerCase()}`),
  };
}

/** Subscriptions R5 Backport 1.1.0, "Subscription Topics in R4": how clients find out what they may subscribe to. */
function topicExtension(topic: string): { url: string; valueCanonical: string } {
  const base = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/';
  return { url: `${base}capabilitystatement-subscriptiontopic-canonical`, valueCanonical: topic };
}

function resourceOf(
  registry: SearchRegistry,
  operations: readonly FhirOperation[],
  type: string,
  sources: ReadonlyMap<string, readonly string[]>,
): CapabilityStatementRestResource {
  const operation = operationsOn(operations, 'type', type);
  return {
    type: type as NonNullable<CapabilityStatementRestResource['type']>,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    interaction: INTERACTIONS.map((code) => ({ code: code as Interaction })),
    versioning: 'versioned-update',
    readHistory: true,
    updateCreate: true,
    conditionalCreate: true,
    conditionalRead: 'full-support',
    conditionalUpdate: true,
    conditionalDelete: 'single',
    referencePolicy: ['literal', 'logical', 'enforced'],
    ...includesOf(registry, type, sources),
    searchParam: searchParamsOf(registry, type),
    ...(operation.length === 0 ? {} : { operation }),
  };
}

/** Search parameters of a type that the search answers. */
function servedParameters(registry: SearchRegistry, type: string): readonly SearchParameter[] {
  const all = [...(registry.ofType(type)?.values() ?? [])];
  // Of the special ones only `near` is answered.
  return all.filter(({ code, kind }) => !isUnsupportedParameter(code) && (kind !== 'special' || code === 'near'));
}

function searchParamsOf(registry: SearchRegistry, type: string): CapabilityStatementRestResourceSearchParam[] {
  return servedParameters(registry, type).map(({ code, kind, definition }) => ({
    name: code,
    definition,
    type: kind,
  }));
}

/** `Type:parameter` of what refers to a type by name; what may refer to any type is left out. */
function includeSources(registry: SearchRegistry, types: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const sources = new Map<string, string[]>();
  for (const type of types) {
    for (const { code, targets } of servedParameters(registry, type).filter(isFollowed)) {
      for (const target of targets === EVERY_TYPE ? [] : targets) {
        const of = sources.get(target);
        if (of === undefined) sources.set(target, [`${type}:${code}`]);
        else of.push(`${type}:${code}`);
      }
    }
  }
  return sources;
}

function includesOf(registry: SearchRegistry, type: string, sources: ReadonlyMap<string, readonly string[]>) {
  const include = servedParameters(registry, type)
    .filter(isFollowed)
    .map(({ code }) => `${type}:${code}`);
  const revinclude = sources.get(type) ?? [];
  return {
    ...(include.length === 0 ? {} : { searchInclude: ['*', ...include] }),
    ...(revinclude.length === 0 ? {} : { searchRevInclude: [...revinclude] }),
  };
}

/** Operations that may be called on the system, or on a type, its resources and their versions; each once. */
function operationsOn(
  operations: readonly FhirOperation[],
  level: 'system' | 'type',
  type?: string,
): CapabilityStatementRestResourceOperation[] {
  const named = new Map<string, CapabilityStatementRestResourceOperation>();
  for (const { name, definition, on, types } of operations) {
    const isHere = level === 'system' ? on.includes('system') : on.some((one) => one !== 'system');
    if (!isHere || (type !== undefined && types !== undefined && !types.includes(type))) continue;
    named.set(`${name} ${definition}`, { name: name.replace(/^\$/, ''), definition });
  }
  return [...named.values()];
}
