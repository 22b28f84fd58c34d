/** A property's value with the name of its type, as in `valueCode`: `['status', 'code', 'retired']`. */
export type ConceptProperty = readonly [code: string, type: string, value: unknown];

/** Another text for a concept; absent parts are empty. */
export type CompactDesignation = readonly [language: string, useSystem: string, useCode: string, value: string];

/** A concept; what is absent at the end is left out, what is absent before is 0. Parents are indices. */
export type CompactConcept = readonly [
  code: string,
  display?: string | 0,
  definition?: string | 0,
  parents?: readonly number[] | 0,
  properties?: readonly ConceptProperty[] | 0,
  designations?: readonly CompactDesignation[] | 0,
];

/** A code system without what neither validation nor the operations read. */
export interface CompactSystem {
  readonly url: string;
  readonly version?: string;
  readonly name?: string;
  readonly title?: string;
  /** R4 codesystem-content-mode. */
  readonly content: string;
  readonly caseSensitive: boolean;
  /** R4 codesystem-hierarchy-meaning; absent where the code system does not say. */
  readonly hierarchyMeaning?: string;
  /** Canonical URL of the value set of all its codes. */
  readonly valueSet?: string;
  /** Properties that it declares. */
  readonly properties: readonly string[];
  /** In order of definition, parents before those nested in them. */
  readonly concepts: readonly CompactConcept[];
}

/** Properties whose content becomes the hierarchy (R4 concept-properties). */
const HIERARCHY = new Set(['parent', 'child', 'subsumedBy']);

type Json = Readonly<Record<string, unknown>>;

/** Members of an array that are objects; of anything else none, so that no malformed package breaks its reader. */
export function objectsOf(value: unknown): readonly Json[] {
  return Array.isArray(value)
    ? value.filter((item): item is Json => typeof item === 'object' && item !== null && !Array.isArray(item))
    : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `{[name]: value}` when there is a text, else nothing: for objects whose members may not be undefined. */
export function optionalText<Name extends string>(name: Name, value: unknown): { [Key in Name]?: string } {
  const text = textOf(value);
  return (text === undefined ? {} : { [name]: text }) as { [Key in Name]?: string };
}

/**
 * Compact form of a CodeSystem resource. The hierarchy comes from nesting and from the properties `parent`, `child` and
 * `subsumedBy` (a concept may have several parents, as in HL7 v3). Parts of another shape than R4's are left out.
 */
export function compactSystem(resource: Json): CompactSystem {
  const rows: Row[] = [];
  collect(objectsOf(resource.concept), undefined, rows);
  const indices = new Map<string, number>();
  for (const [index, { code }] of rows.entries()) if (!indices.has(code)) indices.set(code, index);
  linkByProperties(rows, indices);
  return {
    url: textOf(resource.url) ?? '',
    ...optionalText('version', resource.version),
    ...optionalText('name', resource.name),
    ...optionalText('title', resource.title),
    content: textOf(resource.content) ?? 'not-present',
    // Unsaid, codes are compared as they are written.
    caseSensitive: resource.caseSensitive !== false,
    ...optionalText('hierarchyMeaning', resource.hierarchyMeaning),
    ...optionalText('valueSet', resource.valueSet),
    properties: objectsOf(resource.property).flatMap(({ code }) => textOf(code) ?? []),
    concepts: rows.map(rowToConcept),
  };
}

interface Row {
  readonly code: string;
  readonly concept: Json;
  readonly parents: Set<number>;
}

function collect(concepts: readonly Json[], parent: number | undefined, rows: Row[]): void {
  for (const concept of concepts) {
    const code = textOf(concept.code);
    if (code === undefined) continue;
    const index = rows.push({ code, concept, parents: new Set(parent === undefined ? [] : [parent]) }) - 1;
    collect(objectsOf(concept.concept), index, rows);
  }
}

function linkByProperties(rows: readonly Row[], indices: ReadonlyMap<string, number>): void {
  for (const [index, { concept, parents }] of rows.entries()) {
    for (const property of objectsOf(concept.property)) {
      if (!HIERARCHY.has(String(property.code))) continue;
      const other = indices.get(String(property.valueCode ?? property.valueString));
      if (other === undefined || other === index) continue;
      if (property.code === 'child') rows[other]?.parents.add(index);
      else parents.add(other);
    }
  }
}

function rowToConcept({ code, concept, parents }: Row): CompactConcept {
  const parts = [
    code,
    textOf(concept.display) ?? 0,
    textOf(concept.definition) ?? 0,
    parents.size > 0 ? [...parents] : 0,
    orZero(propertiesOf(concept)),
    orZero(designationsOf(concept)),
  ];
  while (parts.at(-1) === 0) parts.pop();
  return parts as unknown as CompactConcept;
}

function orZero<T>(list: readonly T[]): readonly T[] | 0 {
  return list.length > 0 ? list : 0;
}

function propertiesOf(concept: Json): ConceptProperty[] {
  return objectsOf(concept.property).flatMap((property) => {
    const code = textOf(property.code);
    const name = Object.keys(property).find((key) => /^value[A-Z]/.test(key));
    if (code === undefined || name === undefined || HIERARCHY.has(code)) return [];
    return [[code, name.slice('value'.length), property[name]] as const];
  });
}

/** Designations of a concept, of a code system or of a value set's list. */
export function designationsOf(concept: Json): CompactDesignation[] {
  return objectsOf(concept.designation).flatMap((designation) => {
    const value = textOf(designation.value);
    const [use] = objectsOf([designation.use]);
    if (value === undefined) return [];
    return [[textOf(designation.language) ?? '', textOf(use?.system) ?? '', textOf(use?.code) ?? '', value] as const];
  });
}
