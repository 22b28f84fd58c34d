import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';
import { loadDefinitions } from '../../src/fhir/definitions/load-definitions.ts';
import { createValidator } from '../../src/fhir/profiles/validator.ts';
import { BREAKERS, elementSeeds, type Json, resourceHost, sliceSeeds } from '../support/seeded-errors.ts';
import type { SlowResource } from '../support/slow-values.ts';

/** A resource that follows R4 and breaks a profile, and what is wrong with it. */
export interface Broken {
  readonly resource: Json;
  readonly fault: string;
}

/** Breaks one of the resources that follow a profile, where R4 itself has nothing against it; undefined if none can be. */
export async function brokenByProfile(
  profile: StructureDefinition,
  valid: readonly SlowResource[],
): Promise<Broken | undefined> {
  const r4 = createValidator({ definitions: await loadDefinitions() });
  const isR4 = (resource: Json) => r4.validate(resource).every(({ severity }) => severity !== 'error');
  for (const one of valid) {
    for (const { fault, resource } of faultsIn(profile, one)) {
      const meta = { ...(resource.meta as Json | undefined), profile: [profile.url] };
      const claimed = { ...resource, meta };
      if (isR4(claimed)) return { resource: claimed, fault };
    }
  }
  return undefined;
}

function* faultsIn(profile: StructureDefinition, valid: SlowResource): Generator<Broken> {
  const host = resourceHost(valid);
  const elements = profile.snapshot?.element ?? [];
  for (const element of elements) {
    for (const { kind, path, resource } of elementSeeds(element, host))
      if (!kind.startsWith('binding')) yield { resource, fault: `${kind} at ${path}` };
  }
  for (const { kind, path, resource } of sliceSeeds(profile, host)) yield { resource, fault: `${kind} at ${path}` };
  for (const key of elements.flatMap(({ constraint = [] }) => constraint.map((one) => one.key ?? ''))) {
    const resource = structuredClone(valid) as Json;
    const path = BREAKERS[key]?.(resource);
    if (path !== undefined) yield { resource, fault: `${key} at ${profile.type}${path}` };
  }
  for (const { path = '', type = [] } of elements) yield* wrongTargets(valid, path, type);
}

/** References to what R4 lets an element refer to and the profile does not. */
function* wrongTargets(
  valid: SlowResource,
  path: string,
  types: NonNullable<ElementDefinition['type']>,
): Generator<Broken> {
  const [, name = '', ...deeper] = path.split('.');
  if (deeper.length > 0 || types[0]?.code !== 'Reference' || valid[name] === undefined) return;
  for (const reference of ['Organization/acme-lab', 'Patient/example', 'Device/udi-1', 'Practitioner/practitioner-1']) {
    const value = Array.isArray(valid[name]) ? [{ reference }] : { reference };
    const [type = ''] = reference.split('/');
    const isAllowed = types.some(({ targetProfile = [] }) =>
      targetProfile.some((url) => url.endsWith('/Resource') || url.toLowerCase().includes(type.toLowerCase())),
    );
    if (!isAllowed) yield { resource: { ...valid, [name]: value }, fault: `${path} refers to ${type}` };
  }
}
