import type { InternalTypeSchema } from '@medplum/core';

/** Version of the compact form below; part of the cache file's name. */
export const DEFINITIONS_FORMAT = 3;

/** What routing, search and accounts know of one resource type. Paths are element names joined by dots. */
export interface ResourceTypeFacts {
  /** Where `identifier`, `patient` and `subject` look; a parameter is absent when the type does not have it. */
  readonly search: Readonly<Partial<Record<'identifier' | 'patient' | 'subject', readonly string[]>>>;
  /** References that put the resource into a patient's compartment, the most telling first (R4 compartment-patient). */
  readonly compartment: readonly string[];
}

/** An element as `@medplum/core` validates it, in short names: absent members have the usual value. */
export interface CompactElement {
  /** Minimum (0), maximum (1; -1 is unbounded), whether its JSON is an array (no). */
  readonly n?: number;
  readonly x?: number;
  readonly a?: 1;
  readonly t: readonly (readonly [code: string, targetProfiles?: readonly string[]])[];
  /** Indices into the table of constraints. */
  readonly c?: readonly number[];
  /** Required binding's value set. */
  readonly b?: string;
  /** Part of a summary. */
  readonly s?: 1;
}

export interface CompactType {
  readonly k?: string;
  readonly p: string;
  readonly c?: readonly number[];
  readonly e: Readonly<Record<string, CompactElement>>;
  /** Inner (backbone) types by name. */
  readonly i?: readonly string[];
}

/** Stands for all targets of a reference that may lead anywhere. */
export const EVERY_TYPE = '*';

/** A SearchParameter in short names. */
export interface CompactSearchParameter {
  /** number, date, string, token, reference, composite, quantity, uri or special. */
  readonly t: string;
  /** FHIRPath, without the parts for other types; empty for parameters that no element answers (`_text`). */
  readonly e: string;
  /** Id of the definition, when it is not `Type-code`. */
  readonly d?: string;
  /** Target types of a reference. */
  readonly g?: readonly string[] | typeof EVERY_TYPE;
  /** Components of a composite: code of a parameter of the same type, and FHIRPath from the composite's element. */
  readonly c?: readonly (readonly [code: string, expression: string])[];
}

/** Id of most definitions; the codes of common parameters begin with `_`, which ids leave out. */
export function parameterDefinition(type: string, code: string): string {
  return `${type}-${code.replace(/^_/, '')}`;
}

/** R4's structure definitions without what validation does not read: 60 MB of JSON become about one. */
export interface CompactDefinitions {
  readonly format: number;
  readonly source: string;
  readonly fhirVersion: string;
  readonly constraints: readonly (readonly [key: string, expression: string, human: string])[];
  readonly types: Readonly<Record<string, CompactType>>;
  readonly resources: Readonly<Record<string, ResourceTypeFacts>>;
  /** Elements whose only text types are uri, url, oid and uuid: a transaction rewrites links in them (R4 §3.1.0.11.2). */
  readonly linkElements: readonly string[];
  /** R4's search parameters by type and code; those of all types under `Resource`. */
  readonly searchParameters: Readonly<Record<string, Readonly<Record<string, CompactSearchParameter>>>>;
  /** Code system of value sets that draw on one alone, for elements of type code that are bound to them. */
  readonly codeSystems: Readonly<Record<string, string>>;
  /** Codes of value sets with a required binding that list them all. */
  readonly valueSets: Readonly<Record<string, readonly string[]>>;
}

/** A type as `@medplum/core` keeps it. Elements have no prototype, so that `constructor` is no element of any type. */
export function compactToSchema(
  name: string,
  compact: CompactType,
  definitions: CompactDefinitions,
): InternalTypeSchema {
  const constraintsOf = (indices: readonly number[] = []): NonNullable<InternalTypeSchema['constraints']> =>
    indices.map((index) => {
      const [key, expression, description] = definitions.constraints[index] as readonly [string, string, string];
      return { key, severity: 'error', expression, description };
    });
  const elements: InternalTypeSchema['elements'] = Object.create(null);
  for (const [path, element] of Object.entries(compact.e)) {
    elements[path] = {
      description: '',
      path: `${compact.p}.${path}`,
      min: element.n ?? 0,
      max: element.x === -1 ? Number.POSITIVE_INFINITY : (element.x ?? 1),
      isArray: element.a === 1,
      constraints: constraintsOf(element.c),
      type: element.t.map(([code, targetProfile]) =>
        targetProfile ? { code, targetProfile: [...targetProfile] } : { code },
      ),
      ...(element.b === undefined ? {} : { binding: { strength: 'required', valueSet: element.b } }),
    };
  }
  return {
    name,
    type: name,
    path: compact.p,
    ...(compact.k === undefined ? {} : { kind: compact.k }),
    elements,
    constraints: constraintsOf(compact.c),
    innerTypes: [],
  };
}
