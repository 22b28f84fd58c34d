import type { StructureDefinition } from '@medplum/fhirtypes';
import { compileProfile, type ProfileRule } from './profile-rules.ts';
import type { ProfileSource } from './profile-walk.ts';
import type { TypeRules } from './type-rules.ts';

/** A StructureDefinition that is there to be read when it is first asked for. */
export interface LateStructure {
  readonly url: string;
  readonly version?: string;
  /** Type that it constrains. */
  readonly type: string;
  load(): StructureDefinition;
}

const R4 = 'http://hl7.org/fhir/StructureDefinition/';

/** R4's own profiles of Quantity that elements name (R4 §2.24.0.8). */
const SIMPLE: ReadonlyMap<string, ProfileRule> = new Map([
  [
    `${R4}SimpleQuantity`,
    {
      url: `${R4}SimpleQuantity`,
      type: 'Quantity',
      root: {
        ...{ name: 'Quantity', min: 0, max: Number.POSITIVE_INFINITY, constraints: [], slices: [] },
        children: [{ name: 'comparator', min: 0, max: 0, constraints: [], slices: [], children: [] }],
      },
    },
  ],
]);

/** Profiles by canonical URL. Of several versions the last one given answers to the bare URL. */
export function createProfileSource(structures: readonly LateStructure[], rules: TypeRules): ProfileSource {
  const late = new Map<string, LateStructure>();
  const compiled = new Map<LateStructure, ProfileRule | undefined>();
  for (const structure of structures) {
    late.set(structure.url, structure);
    if (structure.version !== undefined) late.set(`${structure.url}|${structure.version}`, structure);
  }
  return {
    find(url) {
      const structure = late.get(url);
      if (structure === undefined) return SIMPLE.get(url);
      if (!compiled.has(structure)) compiled.set(structure, compileProfile(structure.load(), rules));
      return compiled.get(structure);
    },
    typeOf(url) {
      const structure = late.get(url);
      if (structure !== undefined) return structure.type;
      const name = url.startsWith(R4) ? (url.slice(R4.length).split('|')[0] as string) : '';
      return rules.of(name) === undefined ? undefined : name;
    },
  };
}
