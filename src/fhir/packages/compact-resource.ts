import type { ElementDefinition, StructureDefinition } from '@medplum/fhirtypes';

type Json = Readonly<Record<string, unknown>>;

/** Resources of a package that a node uses. */
const KEPT = new Set(['StructureDefinition', 'ValueSet', 'CodeSystem', 'SearchParameter', 'CapabilityStatement']);

export function isKeptType(type: string): boolean {
  return KEPT.has(type);
}

const ELEMENT_MEMBERS =
  /^(?:id|path|sliceName|min|max|type|contentReference|maxLength|slicing|(?:fixed|pattern|minValue|maxValue)[A-Z]\w*)$/;
const TEXTS = new Set([
  'text',
  'description',
  'copyright',
  'purpose',
  'contact',
  'useContext',
  'jurisdiction',
  'publisher',
]);

/** A resource without what only people read: a package of 10 MB becomes about two. */
export function compactResource(resource: Json): Json {
  if (resource.resourceType === 'StructureDefinition')
    return compactStructure(resource as unknown as StructureDefinition);
  return Object.fromEntries(Object.entries(resource).filter(([name]) => !TEXTS.has(name)));
}

function compactStructure(structure: StructureDefinition): Json {
  const { resourceType, id, url, version, name, type, kind, abstract, derivation, baseDefinition, snapshot } =
    structure;
  const kept = { resourceType, id, url, version, name, type, kind, abstract, derivation, baseDefinition };
  if (snapshot?.element === undefined) return kept;
  return { ...kept, snapshot: { element: snapshot.element.map(compactElement) } };
}

function compactElement(element: ElementDefinition): Json {
  const { binding, constraint } = element;
  return {
    ...Object.fromEntries(Object.entries(element).filter(([name]) => ELEMENT_MEMBERS.test(name))),
    ...(binding === undefined ? {} : { binding: { strength: binding.strength, valueSet: binding.valueSet } }),
    ...(constraint === undefined
      ? {}
      : { constraint: constraint.map(({ key, severity, expression }) => ({ key, severity, expression })) }),
  };
}
